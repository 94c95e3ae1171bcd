// SPDX-License-Identifier: GPL-2.0-or-later

/** The guest's Global Descriptor Table: what the guest loads, what the processor gets, and what is kept from both. */

import type { PhysicalMemory } from '../processor/memory.js';
import { DescriptorBit, readEntry, writeEntry } from './descriptors.js';
import { signedDecimal } from './format.js';
import { lgreadInto } from './guest-memory.js';
import { Changed, GDT_ENTRIES, GdtEntry, Tss } from './layout.js';
import { killGuest, type LgCpu } from './state.js';

/** Flat code and data of privilege level 0, for the Switcher. */
export const FULL_EXEC_SEGMENT = { a: 0x0000ffff, b: 0x00cf9b00 } as const;
export const FULL_SEGMENT = { a: 0x0000ffff, b: 0x00cf9300 } as const;

/** `ignored_gdt`: entries that belong to the host; the guest's own are kept but never used. */
function isIgnoredGdtEntry(index: number): boolean {
  return (
    index === GdtEntry.lguestCs ||
    index === GdtEntry.lguestDs ||
    index === GdtEntry.tss ||
    index === GdtEntry.doubleFaultTss
  );
}

/**
 * `setup_default_gdt_entries`: the three entries that the Switcher needs in a host CPU's guest GDT.
 * @param table physical address of that GDT
 * @param tss address of the TSS
 */
export function setupDefaultGdtEntries(memory: PhysicalMemory, table: number, tss: number): void {
  writeEntry(memory, table, GdtEntry.lguestCs, FULL_EXEC_SEGMENT); // HOST-6
  writeEntry(memory, table, GdtEntry.lguestDs, FULL_SEGMENT);
  writeEntry(memory, table, GdtEntry.tss, {
    a: ((Tss.size - 1) | (tss << 16)) >>> 0,
    b: (0x8900 | (tss & 0xff000000) | ((tss >>> 16) & 0xff)) >>> 0,
  });
}

/** `setup_guest_gdt`: the kernel segments that a guest starts with, of privilege level 1. */
export function setupGuestGdt(cpu: LgCpu): void {
  const { memory } = cpu.lg.host;
  writeEntry(memory, cpu.gdt, GdtEntry.kernelCs, {
    ...FULL_EXEC_SEGMENT,
    b: FULL_EXEC_SEGMENT.b | DescriptorBit.dplOne,
  });
  writeEntry(memory, cpu.gdt, GdtEntry.kernelDs, {
    ...FULL_SEGMENT,
    b: FULL_SEGMENT.b | DescriptorBit.dplOne,
  });
}

/** `fixup_gdt_table`: no entry of privilege level 0, and all accessed, as the table is read-only for the processor. */
function fixupGdtTable(cpu: LgCpu, first: number, last: number): void {
  const { memory } = cpu.lg.host;
  for (let index = first; index <= last; index++) {
    if (isIgnoredGdtEntry(index)) continue; // HCALL-25
    const entry = readEntry(memory, cpu.gdt, index);
    if ((entry.b & DescriptorBit.dpl) === 0) entry.b |= DescriptorBit.dplOne; // HCALL-24 E-64
    entry.b |= DescriptorBit.accessed;
    writeEntry(memory, cpu.gdt, index, entry);
  }
}

/**
 * `load_guest_gdt`: reads the guest's table.
 * @param table guest-physical address
 * @param count how many entries
 */
export function loadGuestGdt(cpu: LgCpu, table: number, count: number): void {
  if (count > GDT_ENTRIES) killGuest(cpu, () => `too many gdt entries ${signedDecimal(count)}`); // HCALL-32 E-63
  lgreadInto(cpu, table, (count * 8) >>> 0, cpu.gdt, GDT_ENTRIES * 8, 'gdt'); // HCALL-23 HCALL-33
  fixupGdtTable(cpu, 0, GDT_ENTRIES - 1);
  cpu.changed |= Changed.gdt;
}

/**
 * `guest_load_tls`: reads the three entries for thread-local storage.
 * @param table guest-physical address
 */
export function guestLoadTls(cpu: LgCpu, table: number): void {
  const bytes = (GdtEntry.tlsLast - GdtEntry.tlsFirst + 1) * 8;
  lgreadInto(cpu, table, bytes, cpu.gdt + GdtEntry.tlsFirst * 8, bytes, 'gdt'); // HCALL-26
  fixupGdtTable(cpu, GdtEntry.tlsFirst, GdtEntry.tlsLast);
  cpu.changed |= Changed.gdtTls;
}

/** `copy_gdt`: all entries that the guest may set, to a host CPU's table at a physical address. */
export function copyGdt(cpu: LgCpu, to: number): void {
  for (let index = 0; index < GDT_ENTRIES; index++) {
    if (!isIgnoredGdtEntry(index)) copyGuestEntry(cpu, to, index);
  }
}

/** `copy_gdt_tls`: the entries for thread-local storage only. */
export function copyGdtTls(cpu: LgCpu, to: number): void {
  for (let index: number = GdtEntry.tlsFirst; index <= GdtEntry.tlsLast; index++) {
    copyGuestEntry(cpu, to, index);
  }
}

/** ISO-10: no guest needs gates, a TSS or an LDT of its own in the GDT, and none gets one that is present. */
function copyGuestEntry(cpu: LgCpu, to: number, index: number): void {
  const { memory, hardened } = cpu.lg.host;
  const entry = readEntry(memory, cpu.gdt, index);
  if (hardened && (entry.b & DescriptorBit.codeOrData) === 0) {
    entry.b = (entry.b & ~DescriptorBit.present) >>> 0; // E-120
  }
  writeEntry(memory, to, index, entry);
}
