// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 20: the guest kernel's stack, onto which the processor may push a trap frame without asking the host. */

import { prefixedHex, signedDecimal, unsignedDecimal } from './format.js';
import { HostHang } from './kernel.js';
import { ENTRIES_PER_TABLE, GUEST_PL, PAGE_SIZE, PageFlag } from './layout.js';
import { demandPage, FAULT_WRITE } from './page-fault.js';
import {
  currentSlot,
  findPgdir,
  newPgdir,
  releaseAllPagetables,
  spgdAddress,
  spteAddress,
} from './shadow-page-tables.js';
import { killGuest, type LgCpu } from './state.js';

/** A guest kernel's stack has one page or two. */
const MAX_STACK_PAGES = 2;
/** After this many pages the loop has been through the whole address space and only repeats itself. */
const PAGES_IN_ADDRESS_SPACE = ENTRIES_PER_TABLE * ENTRIES_PER_TABLE;

/** `page_writable`: whether the shadow maps an address, writable (SHADOW-37). */
function isPageWritable(cpu: LgCpu, vaddr: number): boolean {
  const { memory } = cpu.lg.host;
  const spgd = memory.read32(spgdAddress(cpu, currentSlot(cpu), vaddr)); // SHADOW-40
  if ((spgd & PageFlag.present) === 0) return false;
  const wanted = PageFlag.present | PageFlag.rw;
  return (memory.read32(spteAddress(spgd, vaddr)) & wanted) === wanted;
}

/** `pin_page`: maps a page for writing before the processor needs it. */
function pinPage(cpu: LgCpu, vaddr: number): void {
  if (!isPageWritable(cpu, vaddr) && !demandPage(cpu, vaddr, FAULT_WRITE)) killForStackPage(cpu, vaddr);
}

function killForStackPage(cpu: LgCpu, vaddr: number): void {
  killGuest(cpu, () => `bad stack page ${prefixedHex(vaddr)}`); // SHADOW-38
}

/** `pin_stack_pages`: from the top of the stack down. */
export function pinStackPages(cpu: LgCpu): void {
  const pages = cpu.lg.stack_pages;
  for (let page = 0; page < pages; page++) {
    /* v8 ignore next -- @preserve: the original hangs here, so that no case may say what happens (E-82) */
    if (page >= PAGES_IN_ADDRESS_SPACE) throw new HostHang(`${pages} stack pages to pin`);
    pinPage(cpu, (cpu.esp1 - 1 - page * PAGE_SIZE) >>> 0); // SHADOW-36 SHADOW-39
  }
}

/**
 * `guest_set_stack`: where the guest kernel's stack is. What is wrong kills, but is stored and pinned all the same.
 * @param selector of the stack segment
 * @param esp its top
 * @param pages how many of them to pin
 */
export function guestSetStack(cpu: LgCpu, selector: number, esp: number, pages: number): void {
  // SHADOW-34
  if ((selector & 3) !== GUEST_PL) killGuest(cpu, () => `bad stack segment ${signedDecimal(selector)}`);
  if (pages > MAX_STACK_PAGES) killGuest(cpu, () => `bad stack pages ${unsignedDecimal(pages)}`);
  cpu.ss1 = selector; // SHADOW-35 E-82
  cpu.esp1 = esp;
  cpu.lg.stack_pages = pages;
  pinStackPages(cpu);
}

/** `guest_pagetable_clear_all`: drops every shadow of the guest but that of its stack (SHADOW-32). */
export function guestPagetableClearAll(cpu: LgCpu): void {
  releaseAllPagetables(cpu.lg);
  pinStackPages(cpu);
}

/** `guest_new_pagetable`: the guest switches to another page directory, which may be shadowed already. */
export function guestNewPagetable(cpu: LgCpu, gpgdir: number): void {
  const known = findPgdir(cpu.lg, gpgdir);
  if (known !== null) {
    // SHADOW-12 E-166
    cpu.cpu_pgd = known;
    return;
  }
  const { index, blank } = newPgdir(cpu, gpgdir);
  cpu.cpu_pgd = index;
  if (blank) pinStackPages(cpu); // SHADOW-15 SHADOW-17
}
