// SPDX-License-Identifier: GPL-2.0-or-later

/** The guest's Interrupt Descriptor Table: which gates the processor gets, and which lead to the Switcher instead. */

import type { PhysicalMemory } from '../processor/memory.js';
import { copyEntry, DescriptorBit, type DescriptorWords, readEntry, writeEntry } from './descriptors.js';
import { signedDecimal, unsignedDecimal } from './format.js';
import {
  Changed,
  FIRST_EXTERNAL_VECTOR,
  GUEST_PL,
  IDT_ENTRIES,
  KERNEL_CS,
  LGUEST_CS,
  LGUEST_TRAP_ENTRY,
  SYSCALL_VECTOR,
} from './layout.js';
import type { Host } from './state.js';
import { killGuest, type LgCpu } from './state.js';

const INTERRUPT_GATE = 0xe;
const TRAP_GATE = 0xf;
/** A present 32-bit interrupt gate of privilege level 0. */
const DEFAULT_GATE_FLAGS = 0x8e00;

/** Vectors whose gates a guest cannot set: NMI, double fault, the reserved one and the hypercall. */
const UNSETTABLE_VECTORS: readonly number[] = [2, 8, 15, LGUEST_TRAP_ENTRY];
/** Vectors below 32 that the host must see: #NM, #GP, #PF and the hypercall. */
const HOST_VECTORS: readonly number[] = [7, 13, 14, LGUEST_TRAP_ENTRY];
/** Exceptions for which the processor pushes an error code. */
const ERROR_CODE_VECTORS: readonly number[] = [8, 10, 11, 12, 13, 14, 17];

/** `has_err`. */
export function hasErrorCode(vector: number): boolean {
  return ERROR_CODE_VECTORS.includes(vector);
}

/** `idt_address`: where a gate leads. */
export function gateOffset(gate: DescriptorWords): number {
  return ((gate.a & 0xffff) | (gate.b & 0xffff0000)) >>> 0;
}

/** `idt_type` is that of an interrupt gate, which turns interrupts off. */
export function isInterruptGate(gate: DescriptorWords): boolean {
  return gateType(gate) === INTERRUPT_GATE;
}

/** `idt_present`. */
export function isGatePresent(gate: DescriptorWords): boolean {
  return (gate.b & DescriptorBit.present) !== 0;
}

function gateType(gate: DescriptorWords): number {
  return (gate.b >>> 8) & 0xf;
}

/** `could_be_syscall`: vectors above 31 that a guest may use for its system calls, both of them (E-150). */
export function couldBeSyscall(host: Host, vector: number): boolean {
  return vector === SYSCALL_VECTOR || vector === host.kernel.syscall_vector;
}

/** `direct_trap`: whether the processor may take a trap straight to the guest. */
export function isDirectTrap(host: Host, vector: number): boolean {
  if (vector >= FIRST_EXTERNAL_VECTOR && !couldBeSyscall(host, vector)) return false; // ENTER-12
  return !HOST_VECTORS.includes(vector);
}

/**
 * `load_guest_idt_entry`: the guest sets one gate.
 * @param lo first word
 * @param hi second word
 */
export function loadGuestIdtEntry(cpu: LgCpu, vector: number, lo: number, hi: number): void {
  if (UNSETTABLE_VECTORS.includes(vector)) return; // HCALL-29
  cpu.changed |= Changed.idt;
  if (vector >= IDT_ENTRIES) {
    killGuest(cpu, () => `Setting idt entry ${unsignedDecimal(vector)}`); // HCALL-30
    return;
  }
  setTrap(cpu, vector, lo, hi);
}

/** `set_trap`: stores a gate without what the guest has no say in: selector, bits 0-7 and 12 of the second word. */
function setTrap(cpu: LgCpu, vector: number, lo: number, hi: number): void {
  const { memory } = cpu.lg.host;
  const type = gateType({ a: lo, b: hi });
  if (!isGatePresent({ a: lo, b: hi })) {
    writeEntry(memory, cpu.idt, vector, { a: 0, b: 0 }); // HCALL-28
    return;
  }
  if (type !== INTERRUPT_GATE && type !== TRAP_GATE) {
    killGuest(cpu, () => `bad IDT type ${signedDecimal(type)}`); // HCALL-31
  }
  // HCALL-27 E-151
  writeEntry(memory, cpu.idt, vector, {
    a: ((KERNEL_CS | GUEST_PL) << 16) | (lo & 0xffff),
    b: (hi & 0xffffef00) >>> 0,
  });
}

/**
 * `default_idt_entry`: a gate to the Switcher's handler of a vector.
 * @param base the guest's own gate, whose privilege level the gate takes over; none at initialisation
 */
function defaultIdtEntry(vector: number, handler: number, base: DescriptorWords | null): DescriptorWords {
  let flags = DEFAULT_GATE_FLAGS;
  if (vector === LGUEST_TRAP_ENTRY)
    flags |= GUEST_PL << 13; // HOST-9
  else if (base !== null) flags |= base.b & DescriptorBit.dpl;
  return { a: ((LGUEST_CS << 16) | (handler & 0xffff)) >>> 0, b: ((handler & 0xffff0000) | flags) >>> 0 };
}

/** `setup_default_idt_entries`: all gates of a host CPU's table (at a physical address) lead to the Switcher. */
export function setupDefaultIdtEntries(
  memory: PhysicalMemory,
  table: number,
  handlers: Readonly<Uint32Array>,
): void {
  handlers.forEach((handler, vector) => {
    writeEntry(memory, table, vector, defaultIdtEntry(vector, handler, null)); // HOST-8 HOST-9
  });
}

/**
 * Whether a guest may be allowed to raise a vector with INT although its gate leads to the Switcher. In the original any
 * may: with an error-code vector INT shifts the frame (E-56), and a system call is taken for an interrupt (E-59).
 */
function isSafeForInt(host: Host, vector: number): boolean {
  return !host.hardened || (!hasErrorCode(vector) && vector < FIRST_EXTERNAL_VECTOR);
}

/** `copy_traps`: the gates that may lead straight to the guest, to a host CPU's table at a physical address. */
export function copyTraps(cpu: LgCpu, to: number): void {
  const { host } = cpu.lg;
  for (let vector = 0; vector < IDT_ENTRIES; vector++) {
    if (!isDirectTrap(host, vector)) continue;
    const gate = readEntry(host.memory, cpu.idt, vector);
    if (gateType(gate) === TRAP_GATE) {
      copyEntry(host.memory, cpu.idt, to, vector); // ENTER-13
      continue;
    }
    const base = isSafeForInt(host, vector) ? gate : null; // ENTER-14
    writeEntry(host.memory, to, vector, defaultIdtEntry(vector, host.default_idt_entries[vector], base));
  }
}
