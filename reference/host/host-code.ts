// SPDX-License-Identifier: GPL-2.0-or-later

/** The host kernel's few pieces of machine code (host-code.asm) and how they are called. */

import type { Processor, RunLimits } from '../processor/interface.js';
import type { Kernel } from './kernel.js';
import { IDT_ENTRIES, KERNEL_CS, kernelVirtual, PAGE_SIZE, Physical } from './layout.js';

export type HostRoutine = 'run_guest_once' | 'write_cr4';

/** Where a routine begins, and the address after its HLT. */
export const ROUTINES: Record<HostRoutine, { start: number; end: number }> = {
  run_guest_once: { start: kernelVirtual(Physical.hostCode), end: kernelVirtual(Physical.hostCode + 0x08) },
  write_cr4: { start: kernelVirtual(Physical.hostCode + 0x10), end: kernelVirtual(Physical.hostCode + 0x14) },
};
/** Physical address of the far pointer through which the Switcher is entered. */
export const LGUEST_ENTRY = Physical.hostCode + 0x80;
const HANDLERS = kernelVirtual(Physical.hostCode + 0x100);
const HANDLER_SIZE = 4;

/** Flat code of privilege level 0, as a segment register holds it. */
const KERNEL_CODE_SEGMENT = { selector: KERNEL_CS, base: 0, limit: 0xffffffff, attributes: 0xc09b } as const;
/** EFLAGS while the host has interrupts off. */
const INTERRUPTS_OFF = 0x2;
/** More than any routine needs, the Switcher included. */
const ROUTINE_INSTRUCTIONS = 1000;

/* v8 ignore start -- @preserve: neither is an outcome that a case may expect; both are what a wrong reference would do */
/** The processor met three faults in a row: the machine would reset. */
export class TripleFault extends Error {
  constructor() {
    super('triple fault');
    this.name = 'TripleFault';
  }
}

/** The guest runs on although it has been told to stop: it does not take interrupts. */
export class GuestRunsOn extends Error {
  constructor() {
    super('the guest takes no interrupts and does not stop');
    this.name = 'GuestRunsOn';
  }
}
/* v8 ignore stop -- @preserve */

/** Address of the host's handler of a vector. */
export function handlerAddress(vector: number): number {
  return HANDLERS + vector * HANDLER_SIZE;
}

/** Top of a host CPU's kernel stack. */
function stackTop(hostCpu: number): number {
  return kernelVirtual(Physical.hostStack + (hostCpu + 1) * 2 * PAGE_SIZE);
}

function startRoutine(
  processor: Processor,
  hostCpu: number,
  routine: HostRoutine,
  operands: { eax: number; ebx?: number },
): void {
  processor.setRegisters({
    ...processor.registers(),
    ...operands,
    cs: KERNEL_CODE_SEGMENT,
    eip: ROUTINES[routine].start,
    esp: stackTop(hostCpu),
    eflags: INTERRUPTS_OFF,
  });
}

/** Runs `write_cr4`: the processor drops its global translations when PGE changes. */
export function callWriteCr4(processor: Processor, hostCpu: number, value: number): void {
  startRoutine(processor, hostCpu, 'write_cr4', { eax: value });
  runUntilHlt(processor, { instructions: ROUTINE_INSTRUCTIONS });
}

/**
 * Runs `run_guest_once`: PUSHF and the far call into the Switcher, until it comes back. Interrupts that the Switcher
 * re-delivers stop in the host's handlers on the way.
 * @param pages address of this host CPU's `struct lguest_pages`
 * @param cr3 physical address of the guest's shadow page directory
 */
export function callRunGuestOnce(kernel: Kernel, pages: number, cr3: number): void {
  const processor = kernel.processor();
  startRoutine(processor, kernel.host_cpu, 'run_guest_once', { eax: pages, ebx: cr3 });
  for (;;) {
    const eip = runUntilHlt(processor, kernel.world.runLimits());
    if (eip === ROUTINES.run_guest_once.end) return;
    const vector = handlerVector(eip);
    kernel.observer?.note('SW-12', `the Switcher re-delivers vector ${vector} to the host's handler`);
    kernel.handleInterrupt(vector);
  }
}

/** Which handler's HLT lies before an address. */
function handlerVector(eip: number): number {
  const vector = (eip - 1 - HANDLERS) / HANDLER_SIZE;
  /* v8 ignore next 3 -- @preserve: a fault of the reference, never the outcome of a case */
  if (!Number.isInteger(vector) || vector < 0 || vector >= IDT_ENTRIES) {
    throw new Error(`the host halted at ${eip.toString(16)}h`);
  }
  return vector;
}

/** @returns EIP after the HLT */
function runUntilHlt(processor: Processor, limits: RunLimits): number {
  const stop = processor.run(limits);
  /* v8 ignore start -- @preserve: see above */
  if (stop === 'shutdown') throw new TripleFault();
  if (stop === 'limit') throw new GuestRunsOn();
  /* v8 ignore stop -- @preserve */
  return processor.registers().eip;
}
