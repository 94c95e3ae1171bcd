// SPDX-License-Identifier: GPL-2.0-or-later

/** Linear to physical addresses, and access to memory by linear address: chapter 04 and, for PGE, chapter 08. */

import { type Cpu, CR0, CR4 } from './cpu.js';
import { type Fault, pageFault } from './exceptions.js';
import { PAGE_SIZE } from './memory.js';
import type { OperandSize } from './sizes.js';
import { TlbBit } from './tlb.js';

/** Bits of directory and table entries. */
const P = 1 << 0;
const RW = 1 << 1;
const US = 1 << 2;
const A = 1 << 5;
const D = 1 << 6;
const PS = 1 << 7;
const G = 1 << 8;
/** Bits of a 4 MiB entry that must be zero on a processor with 32-bit physical addresses. */
const LARGE_RESERVED = 0x003fe000;

/** Bits of a page fault's error code. */
const FAULT_PRESENT = 1;
const FAULT_WRITE = 2;
const FAULT_USER = 4;
const FAULT_RESERVED = 8;

const SECOND_PAGE_OF = (linear: number) => ((linear & ~0xfff) + PAGE_SIZE) >>> 0;

/** Physical address for a read or instruction fetch. `user`: the access is made at privilege level 3. */
export function translateRead(cpu: Cpu, linear: number, user: boolean): number {
  if ((cpu.cr0 & CR0.PG) === 0) return linear; // PG-1
  const entry = cpu.tlb.lookup(linear >>> 12);
  const needed = user ? TlbBit.valid | TlbBit.user : TlbBit.valid;
  const usable = (entry & needed) === needed ? entry : walk(cpu, linear, false, user);
  return ((usable & ~0xfff) | (linear & 0xfff)) >>> 0;
}

/** Physical address for a write. */
export function translateWrite(cpu: Cpu, linear: number, user: boolean): number {
  if ((cpu.cr0 & CR0.PG) === 0) return linear;
  const entry = cpu.tlb.lookup(linear >>> 12);
  let needed: number = TlbBit.valid | TlbBit.dirty; // PG-12
  if (user) needed |= TlbBit.user | TlbBit.writable;
  else if ((cpu.cr0 & CR0.WP) !== 0) needed |= TlbBit.writable;
  const usable = (entry & needed) === needed ? entry : walk(cpu, linear, true, user);
  return ((usable & ~0xfff) | (linear & 0xfff)) >>> 0;
}

/**
 * Walks the tables in memory, sets accessed and dirty bits, fills the TLB. A translation in the TLB that does not
 * permit the access brings us here too: the tables decide, not what was remembered of them.
 */
function walk(cpu: Cpu, linear: number, write: boolean, user: boolean): number {
  const { memory } = cpu;
  const access = (write ? FAULT_WRITE : 0) | (user ? FAULT_USER : 0);

  // PG-2
  const directoryAt = ((cpu.cr3 & ~0xfff) >>> 0) + (linear >>> 22) * 4;
  const directoryEntry = memory.read32(directoryAt);
  if ((directoryEntry & P) === 0) throw failedWalk(cpu, linear, access); // PG-4

  // PG-3
  if ((directoryEntry & PS) !== 0 && (cpu.cr4 & CR4.PSE) !== 0) {
    if ((directoryEntry & LARGE_RESERVED) !== 0) {
      throw failedWalk(cpu, linear, access | FAULT_PRESENT | FAULT_RESERVED);
    }
    checkRights(cpu, linear, directoryEntry, write, user, access);
    const marked = markUsed(cpu, directoryAt, directoryEntry, write ? A | D : A);
    const frame = (directoryEntry & 0xffc00000) | (linear & 0x003ff000);
    return remember(cpu, linear, frame, marked, marked, TlbBit.large);
  }

  const tableAt = ((directoryEntry & ~0xfff) >>> 0) + ((linear >>> 12) & 0x3ff) * 4;
  const tableEntry = memory.read32(tableAt);
  if ((tableEntry & P) === 0) throw failedWalk(cpu, linear, access);
  checkRights(cpu, linear, directoryEntry & tableEntry, write, user, access);
  markUsed(cpu, directoryAt, directoryEntry, A);
  const marked = markUsed(cpu, tableAt, tableEntry, write ? A | D : A);
  return remember(cpu, linear, tableEntry & ~0xfff, marked, directoryEntry & marked, 0);
}

/** The page fault of a walk. What was remembered of the page is dropped, so that a mended entry is seen at once (PG-17). */
function failedWalk(cpu: Cpu, linear: number, errorCode: number): Fault {
  cpu.tlb.invalidate(linear >>> 12);
  return pageFault(linear, errorCode);
}

/** @param rights R/W and U/S of both levels together */
function checkRights(
  cpu: Cpu,
  linear: number,
  rights: number,
  write: boolean,
  user: boolean,
  access: number,
): void {
  const supervisorOnly = user && (rights & US) === 0; // PG-5
  // PG-6
  const readOnly = write && (rights & RW) === 0 && (user || (cpu.cr0 & CR0.WP) !== 0);
  if (supervisorOnly || readOnly) throw failedWalk(cpu, linear, access | FAULT_PRESENT);
}

/** Sets bits in an entry in memory, when they are not set already (PG-11). Returns the entry. */
function markUsed(cpu: Cpu, address: number, entry: number, bits: number): number {
  if ((entry & bits) === bits) return entry;
  const marked = (entry | bits) >>> 0;
  cpu.memory.write32(address, marked);
  return marked;
}

function remember(
  cpu: Cpu,
  linear: number,
  frame: number,
  lastEntry: number,
  rights: number,
  large: number,
): number {
  // PGE-3, PGE-4, PGE-8
  const global = (cpu.cr4 & CR4.PGE) !== 0 ? lastEntry & G : 0;
  const entry = frame | TlbBit.valid | (rights & (RW | US)) | (lastEntry & D) | global | large;
  cpu.tlb.insert(linear >>> 12, entry);
  return entry;
}

/** Reads 1, 2 or 4 bytes; they may lie on two pages. */
export function readLinear(cpu: Cpu, linear: number, size: OperandSize, user: boolean): number {
  if ((linear & 0xfff) + size > PAGE_SIZE) return readAcrossPages(cpu, linear, size, user);
  const physical = translateRead(cpu, linear, user);
  if (size === 4) return cpu.memory.read32(physical);
  return size === 2 ? cpu.memory.read16(physical) : cpu.memory.read8(physical);
}

function readAcrossPages(cpu: Cpu, linear: number, size: OperandSize, user: boolean): number {
  const first = translateRead(cpu, linear, user);
  const second = translateRead(cpu, SECOND_PAGE_OF(linear), user);
  const split = PAGE_SIZE - (linear & 0xfff);
  let value = 0;
  for (let i = 0; i < size; i++) {
    value |= cpu.memory.read8(i < split ? first + i : second + i - split) << (8 * i);
  }
  return value >>> 0;
}

/**
 * Finds out whether 1, 2 or 4 bytes may be written, and where they are (PG-9): a read-modify-write does this first, so
 * that its fault is that of the write and nothing has happened yet (PG-7). Then `readPrepared` and `writePrepared`.
 */
export function prepareWrite(cpu: Cpu, linear: number, size: OperandSize, user: boolean): void {
  const physical = translateWrite(cpu, linear, user);
  if ((linear & 0xfff) + size > PAGE_SIZE) {
    cpu.writeSecond = translateWrite(cpu, SECOND_PAGE_OF(linear), user);
    cpu.writeSplit = PAGE_SIZE - (linear & 0xfff);
  } else {
    cpu.writeSplit = size;
  }
  cpu.writeFirst = physical;
}

export function readPrepared(cpu: Cpu, size: OperandSize): number {
  const { memory, writeFirst, writeSecond, writeSplit } = cpu;
  if (writeSplit >= size) {
    if (size === 4) return memory.read32(writeFirst);
    return size === 2 ? memory.read16(writeFirst) : memory.read8(writeFirst);
  }
  let value = 0;
  for (let i = 0; i < size; i++) {
    value |= memory.read8(i < writeSplit ? writeFirst + i : writeSecond + i - writeSplit) << (8 * i);
  }
  return value >>> 0;
}

export function writePrepared(cpu: Cpu, value: number, size: OperandSize): void {
  const { memory, writeFirst, writeSecond, writeSplit } = cpu;
  if (writeSplit >= size) {
    if (size === 4) memory.write32(writeFirst, value);
    else if (size === 2) memory.write16(writeFirst, value);
    else memory.write8(writeFirst, value);
    return;
  }
  for (let i = 0; i < size; i++) {
    memory.write8(i < writeSplit ? writeFirst + i : writeSecond + i - writeSplit, (value >>> (8 * i)) & 0xff);
  }
}

export function writeLinear(cpu: Cpu, linear: number, value: number, size: OperandSize, user: boolean): void {
  prepareWrite(cpu, linear, size, user);
  writePrepared(cpu, value, size);
}

/** What the processor reads and writes on its own behalf (descriptor tables, TSS) is never a user access (PG-10). */
export const readSystem = (cpu: Cpu, linear: number, size: OperandSize) =>
  readLinear(cpu, linear >>> 0, size, false);
export const writeSystem = (cpu: Cpu, linear: number, value: number, size: OperandSize) =>
  writeLinear(cpu, linear >>> 0, value, size, false);
