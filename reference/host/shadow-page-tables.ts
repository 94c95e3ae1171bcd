// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 20: the page tables that the processor walks while a guest runs, kept behind the guest's own. */

import { unsignedDecimal } from './format.js';
import {
  ENTRIES_PER_TABLE,
  lguestPages,
  lguestPagesPhysical,
  PAGE_KERNEL_FLAGS,
  PAGE_KERNEL_READONLY_FLAGS,
  PAGE_MASK,
  PAGE_SIZE,
  PAGE_TABLE_FLAGS,
  PageFlag,
  PGDIR_SLOTS,
  Physical,
  REGS_PTE_FLAGS_BEFORE_FIRST_RUN,
  SHARED_SWITCHER_PAGES,
  SWITCHER_PGD_INDEX,
} from './layout.js';
import type { Host } from './state.js';
import { killGuest, type LgCpu, type Lguest, NoPageDirectory, type PgdirSlot } from './state.js';

/** The frame that stands for a lookup that failed. */
const NO_FRAME = 0xfffff;

// -------------------------------------------------------------------------------------------------- entries

/** `pfn_pte`: a page table entry. The bits that the host's processor does not support are left out. */
export function pfnPte(host: Host, frame: number, flags: number): number {
  const unsupported = PageFlag.iomap | (hostSupportsGlobal(host) ? 0 : PageFlag.global); // ENTER-24
  return ((frame << 12) | (flags & ~unsupported)) >>> 0;
}

/** The host's page table code was set up at boot, before lguest turned PGE off. */
function hostSupportsGlobal(host: Host): boolean {
  return host.cpu_had_pge || host.kernel.boot_cpu.pge;
}

/** Physical address of the page directory in a slot. A guest that has been initialised has one in the slot it uses. */
export function pgdirOf(slot: PgdirSlot): number {
  if (slot.pgdir === null) throw new NoPageDirectory();
  return slot.pgdir;
}

/** The slot that a virtual CPU uses (SHADOW-1). */
export function currentSlot(cpu: LgCpu): PgdirSlot {
  return cpu.lg.pgdirs[cpu.cpu_pgd];
}

/** `spgd_addr`: physical address of the shadow page directory entry for a virtual address. */
export function spgdAddress(cpu: LgCpu, slot: PgdirSlot, vaddr: number): number {
  let index = vaddr >>> 22;
  if (index >= SWITCHER_PGD_INDEX) {
    killGuest(cpu, () => 'attempt to access switcher pages'); // PF-21
    index = 0; // E-11
  }
  return pgdirOf(slot) + index * 4;
}

/** `spte_addr`: physical address of the shadow page table entry, by way of a directory entry that is present. */
export function spteAddress(spgd: number, vaddr: number): number {
  return ((spgd & PAGE_MASK) >>> 0) + ((vaddr >>> 12) % ENTRIES_PER_TABLE) * 4;
}

/** `gpte_to_spte`: the shadow of a page table entry of the guest; takes a reference to the page. */
export function gpteToSpte(cpu: LgCpu, gpte: number, write: boolean): number {
  const { host, launcher, mem_base } = cpu.lg;
  const guestFrame = gpte >>> 12;
  const page = ((mem_base >>> 12) + guestFrame) & NO_FRAME; // PF-35 E-169
  const frame = host.kernel.getUserPage(launcher, page, write); // PF-28 PF-30 E-13
  if (frame === null) {
    killGuest(cpu, () => `failed to get page ${unsignedDecimal(guestFrame)}`);
    return pfnPte(host, NO_FRAME, 0);
  }
  return pfnPte(host, frame, gpte & 0xfff & ~PageFlag.global); // PF-29 E-161
}

/** `check_gpte`: PF-26. */
export function checkGpte(cpu: LgCpu, gpte: number): void {
  if ((gpte & PageFlag.pse) !== 0 || gpte >>> 12 >= cpu.lg.pfn_limit) {
    killGuest(cpu, () => 'bad page table entry'); // E-12
  }
}

/** `check_gpgd`: PF-22. */
export function checkGpgd(cpu: LgCpu, gpgd: number): void {
  if ((gpgd & 0xfff & ~PAGE_TABLE_FLAGS) !== 0 || gpgd >>> 12 >= cpu.lg.pfn_limit) {
    killGuest(cpu, () => 'bad page directory entry'); // E-12
  }
}

// ------------------------------------------------------------------------------------------------- release

/** `release_pte`: drops the reference that a present entry holds (SHADOW-4). */
export function releasePte(lg: Lguest, spte: number): void {
  if ((spte & PageFlag.present) !== 0) lg.host.kernel.putPage(lg.launcher, spte >>> 12);
}

/** `release_pgd`: drops a whole shadow page table (SHADOW-5). */
function releasePgd(lg: Lguest, slot: PgdirSlot, index: number): void {
  const { memory, kernel } = lg.host;
  const at = pgdirOf(slot) + index * 4;
  const spgd = memory.read32(at);
  if ((spgd & PageFlag.present) === 0) return;
  const table = (spgd & PAGE_MASK) >>> 0;
  for (let entry = 0; entry < ENTRIES_PER_TABLE; entry++) releasePte(lg, memory.words[(table >>> 2) + entry]);
  kernel.freePage(table);
  memory.write32(at, 0);
}

/** Drops the page tables of a slot up to that of index `end`. Few of them are there: the others are passed over quickly. */
function releasePgdsBelow(end: number, lg: Lguest, slot: PgdirSlot): void {
  const { words } = lg.host.memory;
  const first = pgdirOf(slot) >>> 2;
  for (let index = 0; index < end; index++) {
    if ((words[first + index] & PageFlag.present) !== 0) releasePgd(lg, slot, index);
  }
}

/** `flush_user_mappings`: drops what lies below the guest's kernel (SHADOW-31). */
function flushUserMappings(lg: Lguest, slot: PgdirSlot): void {
  releasePgdsBelow(lg.kernel_address >>> 22, lg, slot);
}

/** `guest_pagetable_flush_user`: SHADOW-30. */
export function guestPagetableFlushUser(cpu: LgCpu): void {
  flushUserMappings(cpu.lg, currentSlot(cpu));
}

/** `release_all_pagetables`: empties every slot but for the Switcher's entry (SHADOW-32 SHADOW-33). */
export function releaseAllPagetables(lg: Lguest): void {
  for (const slot of lg.pgdirs) {
    if (slot.pgdir !== null) releasePgdsBelow(SWITCHER_PGD_INDEX, lg, slot);
  }
}

/** `free_guest_pagetable`: the launcher has closed the file; until then nothing is dropped, dead or not (SHADOW-42). */
export function freeGuestPagetable(lg: Lguest): void {
  releaseAllPagetables(lg);
  for (const slot of lg.pgdirs) lg.host.kernel.freePage(slot.pgdir);
}

// --------------------------------------------------------------------------------- changes the guest announces

/** `do_set_pte`: follows one change of a page table entry in one slot. */
function doSetPte(cpu: LgCpu, slot: PgdirSlot, vaddr: number, gpte: number): void {
  const { memory } = cpu.lg.host;
  const spgd = memory.read32(spgdAddress(cpu, slot, vaddr));
  if ((spgd & PageFlag.present) === 0) return; // SHADOW-21
  const at = spteAddress(spgd, vaddr);
  releasePte(cpu.lg, memory.read32(at));
  if (!deservesShadow(cpu.lg.host, gpte)) {
    memory.write32(at, 0); // SHADOW-22
    return;
  }
  checkGpte(cpu, gpte); // SHADOW-23
  const dirty = (gpte & PageFlag.dirty) !== 0;
  const writable = dirty || !cpu.lg.host.hardened; // SHADOW-24 E-80
  memory.write32(at, gpteToSpte(cpu, writable ? gpte : (gpte & ~PageFlag.rw) >>> 0, dirty));
}

/** Whether an entry that is announced is put into the shadow at once: it has been used, so it will be again. */
function deservesShadow(host: Host, gpte: number): boolean {
  if (host.hardened && (gpte & PageFlag.present) === 0) return false; // E-81
  return (gpte & (PageFlag.accessed | PageFlag.dirty)) !== 0;
}

/** `guest_set_pte`: entries of the guest's kernel are followed in all slots, others where the directory is shadowed. */
export function guestSetPte(cpu: LgCpu, gpgdir: number, vaddr: number, gpte: number): void {
  const { lg } = cpu;
  if (vaddr >= lg.kernel_address) {
    for (const slot of lg.pgdirs) if (slot.pgdir !== null) doSetPte(cpu, slot, vaddr, gpte); // SHADOW-20
    return;
  }
  const slot = findPgdir(lg, gpgdir);
  if (slot !== null) doSetPte(cpu, lg.pgdirs[slot], vaddr, gpte);
}

/** `guest_set_pmd`: a page directory entry has changed; its shadow is dropped. */
export function guestSetPmd(cpu: LgCpu, gpgdir: number, index: number): void {
  if (index >= SWITCHER_PGD_INDEX) return; // SHADOW-29
  const slot = findPgdir(cpu.lg, gpgdir);
  if (slot !== null) releasePgd(cpu.lg, cpu.lg.pgdirs[slot], index); // SHADOW-28 E-85
}

// --------------------------------------------------------------------------------------- the four directories

/** `find_pgdir`: the slot that shadows a page directory of the guest, known by its address alone (E-162). */
export function findPgdir(lg: Lguest, gpgdir: number): number | null {
  const found = lg.pgdirs.findIndex((slot) => slot.pgdir !== null && slot.gpgdir === gpgdir);
  return found < 0 ? null : found;
}

/** `new_pgdir`: gives a slot, chosen at random, to a page directory. `blank`: it has nothing of the kernel either. */
export function newPgdir(cpu: LgCpu, gpgdir: number): { index: number; blank: boolean } {
  const { lg } = cpu;
  const { kernel } = lg.host;
  let index = kernel.random32() % PGDIR_SLOTS; // SHADOW-13
  let blank = false;
  if (lg.pgdirs[index].pgdir === null) {
    const page = kernel.getZeroedPage();
    if (page === null)
      index = cpu.cpu_pgd; // SHADOW-16 E-83
    else {
      lg.pgdirs[index].pgdir = page;
      blank = true;
    }
  }
  const slot = lg.pgdirs[index];
  slot.gpgdir = gpgdir; // SHADOW-43
  flushUserMappings(lg, slot); // SHADOW-14
  return { index, blank };
}

// ------------------------------------------------------------------------------------------ the Switcher's window

/** Physical address of the page table of the Switcher's window that guests see on a host CPU. */
export function switcherPtePage(hostCpu: number): number {
  return Physical.switcherPtePages + hostCpu * PAGE_SIZE;
}

/** Index of a host CPU's registers page in the Switcher's window. */
export function regsPteIndex(hostCpu: number): number {
  return (lguestPages(hostCpu) >>> 12) % ENTRIES_PER_TABLE;
}

/** `populate_switcher_pte_page`: code and this host CPU's two pages; nothing of other CPUs (ENTER-21 ENTER-22 ENTER-23). */
export function populateSwitcherPtePage(host: Host, hostCpu: number): void {
  const { memory } = host;
  const table = switcherPtePage(hostCpu);
  for (let page = 0; page < SHARED_SWITCHER_PAGES; page++) {
    const frame = (Physical.switcherText >>> 12) + page;
    memory.write32(table + page * 4, pfnPte(host, frame, PAGE_KERNEL_READONLY_FLAGS));
  }
  const frame = lguestPagesPhysical(hostCpu) >>> 12;
  const index = regsPteIndex(hostCpu);
  memory.write32(table + index * 4, pfnPte(host, frame, REGS_PTE_FLAGS_BEFORE_FIRST_RUN));
  memory.write32(table + (index + 1) * 4, pfnPte(host, frame + 1, PAGE_KERNEL_READONLY_FLAGS));
}

/** `map_switcher_in_guest`: the window of this host CPU, with the guest's own registers page in it. */
export function mapSwitcherInGuest(cpu: LgCpu, hostCpu: number): void {
  const { host } = cpu.lg;
  const table = switcherPtePage(hostCpu);
  host.memory.write32(pgdirOf(currentSlot(cpu)) + SWITCHER_PGD_INDEX * 4, (table | PAGE_KERNEL_FLAGS) >>> 0); // ENTER-10
  const regsPte = pfnPte(host, cpu.regs.regsPage >>> 12, PAGE_KERNEL_FLAGS); // ENTER-11
  host.memory.write32(table + regsPteIndex(hostCpu) * 4, regsPte);
}
