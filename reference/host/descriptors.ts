// SPDX-License-Identifier: GPL-2.0-or-later

import type { PhysicalMemory } from '../processor/memory.js';

/** The two words of a descriptor or gate: `a` at offset 0, `b` at offset 4. */
export interface DescriptorWords {
  a: number;
  b: number;
}

/** Bits of the second word. */
export const DescriptorBit = {
  accessed: 0x0100,
  /** S: a code or data segment, not a system descriptor or gate. */
  codeOrData: 0x1000,
  dpl: 0x6000,
  dplOne: 0x2000,
  present: 0x8000,
} as const;

/** @param table physical address of the table */
export function readEntry(memory: PhysicalMemory, table: number, index: number): DescriptorWords {
  return { a: memory.read32(table + index * 8), b: memory.read32(table + index * 8 + 4) };
}

/** @param table physical address of the table */
export function writeEntry(
  memory: PhysicalMemory,
  table: number,
  index: number,
  words: DescriptorWords,
): void {
  memory.write32(table + index * 8, words.a);
  memory.write32(table + index * 8 + 4, words.b);
}

/** Copies one entry to the same place of another table. */
export function copyEntry(memory: PhysicalMemory, from: number, to: number, index: number): void {
  memory.write32(to + index * 8, memory.read32(from + index * 8));
  memory.write32(to + index * 8 + 4, memory.read32(from + index * 8 + 4));
}

/** A descriptor-table register's image: 16-bit size (the limit), then the address. */
export function writeTableDescriptor(
  memory: PhysicalMemory,
  at: number,
  size: number,
  address: number,
): void {
  memory.write16(at, size);
  memory.write32(at + 2, address);
}
