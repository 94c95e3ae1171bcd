// SPDX-License-Identifier: GPL-2.0-or-later

import type { MemoryImage } from '../../expand/image.js';
import type { ProcessorRegisters } from '../../protocol.js';
import { Unsupported } from '../bare-machine.js';
import { type Hello, MAX_PAGES, type NativePage, PAGE } from './wire.js';

export function hex(value: number): string {
  return `${value.toString(16)}h`;
}

const CR0_PG = 0x80000000;
const CR4_PSE = 0x10;

const PRESENT = 0x01;
const WRITABLE = 0x02;
const USER = 0x04;
const ACCESSED = 0x20;
const DIRTY = 0x40;
const LARGE = 0x80;
/** Reserved in the entry of a 4 MiB page. */
const LARGE_RESERVED = 1 << 21;

/** Where addresses end that a 32-bit process can map. */
const USER_END = 0xffffe000;

/** A page that code of privilege level 3 can reach, with the page table entries that lead to it. */
export interface ReachablePage extends NativePage {
  /** Physical addresses; none with paging off. The last one has the dirty bit. */
  entries: number[];
}

/** The pages that the case's page tables, or memory itself when paging is off, open to privilege level 3. */
export function reachablePages(
  registers: ProcessorRegisters,
  memory: MemoryImage,
  memorySize: number,
  hello: Hello,
): ReachablePage[] {
  const all = (registers.cr0 & CR0_PG) === 0 ? identity(memorySize) : walk(registers, memory);
  const pages: ReachablePage[] = [];
  for (const page of all) {
    const inMemory = page.physical + PAGE <= memorySize;
    const inMonitor = page.linear + PAGE > hello.monitor && page.linear < hello.monitorEnd;
    if (!inMemory || inMonitor || page.linear < hello.lowestPage || page.linear >= USER_END) continue;
    pages.push(page);
    if (pages.length > MAX_PAGES) throw new Unsupported(`more than ${MAX_PAGES} pages`);
  }
  return pages;
}

function* identity(memorySize: number): Generator<ReachablePage> {
  for (let at = 0; at < memorySize; at += PAGE) {
    yield { linear: at, physical: at, writable: true, entries: [] };
  }
}

function* walk({ cr3, cr4 }: ProcessorRegisters, memory: MemoryImage): Generator<ReachablePage> {
  for (let i = 0; i < 1024; i++) {
    const directoryAt = (cr3 & 0xfffff000) + 4 * i;
    const directory = memory.read32(directoryAt);
    if ((directory & (PRESENT | USER)) !== (PRESENT | USER)) continue;
    const large = (directory & LARGE) !== 0 && (cr4 & CR4_PSE) !== 0;
    if (large && (directory & LARGE_RESERVED) !== 0) {
      throw new Unsupported('a reserved bit in the entry of a 4 MiB page');
    }
    for (let j = 0; j < 1024; j++) {
      const linear = (i * 1024 + j) * PAGE;
      if (large) {
        const physical = ((directory & 0xffc00000) >>> 0) + j * PAGE;
        yield { linear, physical, writable: (directory & WRITABLE) !== 0, entries: [directoryAt] };
        continue;
      }
      const tableAt = ((directory & 0xfffff000) >>> 0) + 4 * j;
      const table = memory.read32(tableAt);
      if ((table & (PRESENT | USER)) !== (PRESENT | USER)) continue;
      const writable = (directory & table & WRITABLE) !== 0;
      yield { linear, physical: (table & 0xfffff000) >>> 0, writable, entries: [directoryAt, tableAt] };
    }
  }
}

/** Sets the bits that the processor would have set in the page tables by these accesses. */
export function markTouched(
  memory: MemoryImage,
  page: ReachablePage,
  touched: { accessed: boolean; dirty: boolean },
): void {
  if (!touched.accessed) return;
  const last = page.entries.length - 1;
  for (const [i, at] of page.entries.entries()) {
    const bits = i === last && touched.dirty ? ACCESSED | DIRTY : ACCESSED;
    memory.write8(at, memory.read8(at) | bits);
  }
}
