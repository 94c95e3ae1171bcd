// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 23: the descriptor tables and the TSS that a host CPU has while a guest runs on it. */

import { DescriptorBit, type DescriptorWords, readEntry } from './descriptors.js';
import { prefixedHex } from './format.js';
import { IsolationBroken } from './isolation-broken.js';
import {
  GDT_ENTRIES,
  GdtEntry,
  GUEST_PL,
  IDT_ENTRIES,
  KERNEL_CS,
  LGUEST_CS,
  LGUEST_DS,
  LGUEST_TRAP_ENTRY,
  lguestPages,
  PAGE_SIZE,
  State,
  statePhysical,
  Tss,
} from './layout.js';
import { FULL_EXEC_SEGMENT, FULL_SEGMENT } from './segments.js';
import type { Host } from './state.js';
import { gateOffset, isDirectTrap } from './trap-gates.js';

const TYPE = 0x0f00;
const AVAILABLE_TSS = 0x0900;
const INTERRUPT_GATE = 0x0e00;
const TRAP_GATE = 0x0f00;

/** ISO-9 and ISO-10: the GDT. */
export function checkSegments(host: Host, hostCpu: number): void {
  const table = statePhysical(hostCpu) + State.guest_gdt;
  for (let index = 0; index < GDT_ENTRIES; index++) {
    const entry = readEntry(host.memory, table, index);
    const problem = problemOfSegment(host, hostCpu, index, entry);
    if (problem === null) continue;
    const words = `${prefixedHex(entry.a)} ${prefixedHex(entry.b)}`;
    throw new IsolationBroken(problem, `GDT entry ${index} is ${words} while a guest runs`);
  }
}

/** The clause that an entry breaks, or null. */
function problemOfSegment(host: Host, hostCpu: number, index: number, entry: DescriptorWords): string | null {
  const expected = hostsOwnEntry(hostCpu, index);
  if (expected !== null) return entry.a === expected.a && entry.b === expected.b ? null : 'ISO-9';
  if ((entry.b & DescriptorBit.present) === 0) return null;
  if ((entry.b & DescriptorBit.dpl) === 0) return 'ISO-9';
  return host.hardened && (entry.b & DescriptorBit.codeOrData) === 0 ? 'ISO-10' : null; // E-120
}

/** The entries that are the host's, as initialisation writes them; null: the guest's. */
function hostsOwnEntry(hostCpu: number, index: number): DescriptorWords | null {
  const tss = lguestPages(hostCpu) + PAGE_SIZE + State.guest_tss;
  switch (index) {
    case GdtEntry.lguestCs:
      return FULL_EXEC_SEGMENT;
    case GdtEntry.lguestDs:
      return FULL_SEGMENT;
    case GdtEntry.tss:
      return {
        a: ((Tss.size - 1) | (tss << 16)) >>> 0,
        b: (DescriptorBit.present | AVAILABLE_TSS | (tss & 0xff000000) | ((tss >>> 16) & 0xff)) >>> 0,
      };
    case GdtEntry.doubleFaultTss:
      return { a: 0, b: 0 };
    default:
      return null;
  }
}

/** ISO-11: the IDT. */
export function checkGates(host: Host, hostCpu: number): void {
  const table = statePhysical(hostCpu) + State.guest_idt;
  for (let vector = 0; vector < IDT_ENTRIES; vector++) {
    const gate = readEntry(host.memory, table, vector);
    if (isHostsGate(host, vector, gate) || isGuestsGate(host, vector, gate)) continue;
    const words = `${prefixedHex(gate.a)} ${prefixedHex(gate.b)}`;
    throw new IsolationBroken('ISO-11', `the gate of vector ${vector} is ${words} while a guest runs`);
  }
}

/** A gate to the Switcher's handler of the vector. */
function isHostsGate(host: Host, vector: number, gate: DescriptorWords): boolean {
  if (gate.a >>> 16 !== LGUEST_CS || gateOffset(gate) !== host.default_idt_entries[vector]) return false;
  if (
    (gate.b & (DescriptorBit.present | DescriptorBit.codeOrData | TYPE)) !==
    (DescriptorBit.present | INTERRUPT_GATE)
  )
    return false;
  const open = (gate.b & DescriptorBit.dpl) !== 0;
  return !open || vector === LGUEST_TRAP_ENTRY || isDirectTrap(host, vector);
}

/** A trap gate to the guest's kernel. */
function isGuestsGate(host: Host, vector: number, gate: DescriptorWords): boolean {
  return (
    isDirectTrap(host, vector) &&
    gate.a >>> 16 === (KERNEL_CS | GUEST_PL) &&
    (gate.b & (DescriptorBit.codeOrData | TYPE)) === TRAP_GATE
  );
}

/** ISO-13 and ISO-14: level 0 has the Switcher's stack, and no port is open. */
export function checkTaskState(host: Host, hostCpu: number): void {
  const { memory } = host;
  const tss = statePhysical(hostCpu) + State.guest_tss;
  const stack = memory.read32(tss + Tss.sp0);
  const selector = memory.read16(tss + Tss.ss0);
  if (stack !== lguestPages(hostCpu) + PAGE_SIZE || selector !== LGUEST_DS) {
    const at = `${prefixedHex(selector)}:${prefixedHex(stack)}`;
    throw new IsolationBroken('ISO-13', `the stack of privilege level 0 is ${at}`);
  }
  const map = memory.read16(tss + Tss.io_bitmap_base);
  if (map < Tss.size) throw new IsolationBroken('ISO-14', `the I/O map begins at ${prefixedHex(map)}`);
}
