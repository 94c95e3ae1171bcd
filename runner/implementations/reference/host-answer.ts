// SPDX-License-Identifier: GPL-2.0-or-later

import { GUEST_REGISTERS } from '../../../reference/host/guest-registers.js';
import { LGUEST_ENTRY } from '../../../reference/host/host-code.js';
import { hostGdtPhysical } from '../../../reference/host/host-initialisation.js';
import type { LauncherMemory } from '../../../reference/host/launcher-memory.js';
import {
  ENTRIES_PER_TABLE,
  GDT_ENTRIES,
  GdtEntry,
  IDT_ENTRIES,
  lguestPages,
  PAGE_MASK,
  PAGE_SIZE,
  Physical,
  REGS_OFFSET,
  State,
  SWITCHER_PGD_INDEX,
  statePhysical,
  Tss,
} from '../../../reference/host/layout.js';
import type { LgCpu, Lguest } from '../../../reference/host/state.js';
import type { PhysicalMemory } from '../../../reference/processor/memory.js';
import type { WrittenPage } from '../../../reference/processor/moment.js';
import { describeFile } from './device.js';
import { flagAt, listAt, type Tree, treeAt, treesAt } from './fields.js';
import { type HostMachine, roundUp } from './host-machine.js';
import { changedRuns, nonZeroRuns } from './memory-runs.js';
import { describeModule } from './module.js';

const ERESTART = -85;
const NOTHING_KNOWN: Tree = {};

type Table = Record<string, [number, number]>;

/** The state of a host and its guests, in the shape of `given`. What is as it was is told by the object that is known. */
export function describeState(machine: HostMachine): Record<string, unknown> {
  const state = describeHostAndGuests(machine);
  if (machine.device !== null) state.file = describeFile(machine.device, machine.kernel);
  if (machine.module !== null) state.module = describeModule(machine.host, machine.module);
  if (machine.told !== null) machine.told = { state, guests: machine.guests.slice() };
  machine.moment.begin();
  return state;
}

/** What is known of a guest and its virtual CPUs, and which pages were written since it was so. */
interface Known {
  told: Tree;
  vcpus: readonly Tree[];
  written: readonly WrittenPage[];
}

/** Whether none of the pages from one physical address up to another has been written. */
function isUntouched({ written }: Known, from: number, to: number): boolean {
  return written.every(({ page }) => (page + 1) * PAGE_SIZE <= from || page * PAGE_SIZE >= to);
}

function describeHostAndGuests(machine: HostMachine): Record<string, unknown> {
  const { words } = machine.host.memory;
  const host = describeHost(machine);
  const pages = describePages(machine, words);
  const { user_buffer } = machine.kernel;
  const guests = machine.guests.map((guest, index) => describeGuest(guest, knownOf(machine, guest, index)));
  const [guest] = guests;
  const [vcpu] = guest?.vcpus ?? [];
  if (machine.severalGuests || guest === undefined || vcpu === undefined)
    return { guests, host, pages, user_buffer };
  const { lg, shadow, memory } = guest;
  const { regs, cpu, gdt, idt } = vcpu;
  return { regs, cpu, gdt, idt, lg, shadow, memory, host, pages, user_buffer };
}

function knownOf({ told, moment, severalGuests }: HostMachine, lg: Lguest, index: number): Known | null {
  // Another guest may have come into the place of one that has gone.
  if (told === null || told.guests[index] !== lg) return null;
  const guest = severalGuests ? treesAt(told.state, 'guests')[index] : told.state;
  if (guest === undefined) return null;
  return { told: guest, vcpus: severalGuests ? treesAt(guest, 'vcpus') : [guest], written: moment.written() };
}

function describeGuest(lg: Lguest, known: Known | null) {
  const { words } = lg.host.memory;
  return {
    vcpus: lg.cpus.map((cpu, index) => describeCpu(cpu, known, known?.vcpus[index] ?? NOTHING_KNOWN, words)),
    lg: describeLg(lg),
    shadow:
      known?.told.shadow !== undefined && isShadowAsKnown(lg, known)
        ? known.told.shadow
        : describeShadow(lg, words),
    memory: describeMemory(lg.launcher, known),
  };
}

/** Whether the guest has the same shadow directories as before, and no page of any shadow table has been written. */
function isShadowAsKnown(lg: Lguest, known: Known): boolean {
  const slots = treesAt(treeAt(known.told, 'lg'), 'pgdirs');
  return (
    lg.pgdirs.every(({ pgdir }, index) => (pgdir !== null) === flagAt(slots[index] ?? {}, 'allocated')) &&
    isUntouched(known, Physical.pagePool, Physical.pagePoolEnd)
  );
}

function describeLg(lg: Lguest) {
  return {
    pfn_limit: lg.pfn_limit,
    kernel_address: lg.kernel_address,
    noirq_start: lg.noirq_start,
    noirq_end: lg.noirq_end,
    stack_pages: lg.stack_pages,
    mem_base: lg.mem_base,
    lguest_data: lg.lguest_data === 0 ? null : (lg.lguest_data - lg.mem_base) >>> 0,
    dead: typeof lg.dead === 'string' ? lg.dead : null,
    dead_errno: typeof lg.dead === 'number' ? lg.dead : 0,
    restart: lg.dead === ERESTART,
    pgdirs: lg.pgdirs.map(({ gpgdir, pgdir }) => ({ gpgdir, allocated: pgdir !== null })),
  };
}

function describeCpu(cpu: LgCpu, known: Known | null, told: Tree, words: Uint32Array) {
  const hasKnownTables = known !== null && isUntouched(known, cpu.gdt, cpu.gdt + PAGE_SIZE);
  const { gdt, idt } = hasKnownTables ? told : NOTHING_KNOWN;
  const regs: Record<string, number> = {};
  for (const name of GUEST_REGISTERS) regs[name] = cpu.regs.read(name);
  return {
    regs,
    cpu: {
      ts: cpu.ts,
      esp1: cpu.esp1,
      ss1: cpu.ss1,
      changed: cpu.changed,
      halted: cpu.halted,
      break_out: cpu.break_out,
      pending_notify: cpu.pending_notify,
      next_hcall: cpu.next_hcall,
      irqs_pending: cpu.irqs_pending,
      last_pagefault: cpu.last_pagefault,
      cpu_pgd: cpu.cpu_pgd,
      hcall_pending: cpu.hcall,
      timer_armed: cpu.timer_armed,
      last_pages: cpu.last_pages,
    },
    gdt: gdt ?? describeTable(words, cpu.gdt, GDT_ENTRIES),
    idt: idt ?? describeTable(words, cpu.idt, IDT_ENTRIES),
  };
}

/** The entries of a table that are not zero. */
function describeTable(words: Uint32Array, table: number, size: number): Table {
  const entries: Table = {};
  const first = table >>> 2;
  for (let index = 0; index < size; index++) {
    const a = words[first + index * 2] ?? 0;
    const b = words[first + index * 2 + 1] ?? 0;
    if (a !== 0 || b !== 0) entries[index] = [a, b];
  }
  return entries;
}

function describeShadow(lg: Lguest, words: Uint32Array) {
  const pde: Record<string, unknown>[] = [];
  const pte: Record<string, unknown>[] = [];
  lg.pgdirs.forEach(({ pgdir }, slot) => {
    if (pgdir === null) return;
    for (let index = 0; index < ENTRIES_PER_TABLE; index++) {
      const entry = words[(pgdir >>> 2) + index] ?? 0;
      if (entry === 0) continue;
      const vaddr = (index << 22) >>> 0;
      pde.push({ pgdir: slot, vaddr, flags: entry & 0xfff });
      if (index !== SWITCHER_PGD_INDEX)
        describeShadowTable(lg, words, (entry & PAGE_MASK) >>> 0, slot, vaddr, pte);
    }
  });
  return { pde, pte };
}

function describeShadowTable(
  lg: Lguest,
  words: Uint32Array,
  table: number,
  slot: number,
  base: number,
  found: Record<string, unknown>[],
): void {
  for (let index = 0; index < ENTRIES_PER_TABLE; index++) {
    const entry = words[(table >>> 2) + index] ?? 0;
    if (entry === 0) continue;
    const frame = entry >>> 12;
    const guest_pfn = frame === 0xfffff ? null : (frame - lg.launcher.firstFrame) & 0xfffff;
    found.push({ pgdir: slot, vaddr: base + index * PAGE_SIZE, flags: entry & 0xfff, guest_pfn });
  }
}

/** All of the guest's memory that is not zero, by guest-physical address; or what is known of it, and what has changed. */
function describeMemory({ memory, physical, size }: LauncherMemory, known: Known | null): unknown {
  const end = physical + roundUp(size);
  if (known === null) return nonZeroRuns(memory, physical, end, physical);
  const told = listAt(known.told, 'memory');
  const changes = changedRuns(known.written, physical, end, physical);
  return changes.length === 0 ? told : [...told, ...changes];
}

// -------------------------------------------------------------------------------------------------- the host

function describeHost({ host, kernel }: HostMachine) {
  const registers = [];
  for (let hostCpu = 0; hostCpu < kernel.nr_cpu_ids; hostCpu++)
    registers.push(kernel.processor(hostCpu).registers());
  const [first = 0, second = 0] = host.default_idt_entries;
  return {
    host_cpu: kernel.host_cpu,
    cr0: registers.map((cpu) => cpu.cr0),
    cr2: registers[kernel.host_cpu]?.cr2 ?? 0,
    cr4: registers.map((cpu) => cpu.cr4),
    sysenter_cs: registers.map((cpu) => cpu.sysenter_cs),
    feature_pge: kernel.boot_cpu.pge,
    cpu_had_pge: host.cpu_had_pge,
    task: { ...kernel.task },
    lguest_entry: { offset: host.memory.read32(LGUEST_ENTRY), segment: host.memory.read16(LGUEST_ENTRY + 4) },
    default_idt_entries: { first, step: (second - first) >>> 0 },
  };
}

function describePages(machine: HostMachine, words: Uint32Array) {
  const { kernel } = machine;
  if (!machine.listsPages) return describeStatePage(machine, kernel.host_cpu, words);
  return Array.from({ length: kernel.nr_cpu_ids }, (_, hostCpu) =>
    describeStatePage(machine, hostCpu, words),
  );
}

/** Most cases leave the state pages as the host's image has them: those are told once. */
function describeStatePage({ host, image }: HostMachine, hostCpu: number, words: Uint32Array): Tree {
  const { memory } = host;
  const isAsInImage =
    !memory.isTouched(statePhysical(hostCpu)) && !memory.isTouched(hostGdtPhysical(hostCpu));
  if (!isAsInImage) return tellStatePage(memory, hostCpu, words);
  image.statePages[hostCpu] ??= tellStatePage(memory, hostCpu, words);
  return image.statePages[hostCpu];
}

function tellStatePage(memory: PhysicalMemory, hostCpu: number, words: Uint32Array): Tree {
  const state = statePhysical(hostCpu);
  const tss = state + State.guest_tss;
  return {
    host_cr3: memory.read32(state + State.host_cr3),
    host_idt_desc: [
      memory.read16(state + State.host_idt_desc),
      memory.read32(state + State.host_idt_desc + 2),
    ],
    host_gdt_desc_size: memory.read16(state + State.host_gdt_desc),
    guest_idt_desc_size: memory.read16(state + State.guest_idt_desc),
    guest_idt_desc_at: memory.read32(state + State.guest_idt_desc + 2),
    guest_gdt_desc_size: memory.read16(state + State.guest_gdt_desc),
    guest_gdt_desc_at: memory.read32(state + State.guest_gdt_desc + 2),
    sp0: memory.read32(tss + Tss.sp0),
    ss0: memory.read16(tss + Tss.ss0),
    sp1: memory.read32(tss + Tss.sp1),
    ss1: memory.read16(tss + Tss.ss1),
    io_bitmap_base: memory.read16(tss + Tss.io_bitmap_base),
    state_at: lguestPages(hostCpu) + PAGE_SIZE,
    regs_at: lguestPages(hostCpu) + REGS_OFFSET,
    guest_idt: describeIdt(memory, state + State.guest_idt, words),
    guest_gdt: describeTable(words, state + State.guest_gdt, GDT_ENTRIES),
    host_gdt: switcherEntries(describeTable(words, hostGdtPhysical(hostCpu), GDT_ENTRIES)),
  };
}

/** Of the host's own GDT only the two entries that lguest writes can be seen. */
function switcherEntries(table: Table): Table {
  const entries: Table = {};
  for (const index of [GdtEntry.lguestCs, GdtEntry.lguestDs]) {
    const entry = table[index];
    if (entry !== undefined) entries[index] = entry;
  }
  return entries;
}

/** The last IDT that was described: mostly the next one is the same. */
let lastIdt: { bytes: Uint8Array; table: Table } = { bytes: new Uint8Array(0), table: {} };

function describeIdt(memory: PhysicalMemory, at: number, words: Uint32Array): Table {
  const bytes = memory.bytes.subarray(at, at + IDT_ENTRIES * 8);
  if (Buffer.compare(bytes, lastIdt.bytes) !== 0) {
    lastIdt = { bytes: bytes.slice(), table: describeTable(words, at, IDT_ENTRIES) };
  }
  return lastIdt.table;
}
