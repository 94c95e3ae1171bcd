// SPDX-License-Identifier: GPL-2.0-or-later

/** Exception vectors that the architecture fixes. */
export const Vector = {
  divideError: 0,
  debug: 1,
  nmi: 2,
  breakpoint: 3,
  overflow: 4,
  boundRange: 5,
  invalidOpcode: 6,
  deviceNotAvailable: 7,
  doubleFault: 8,
  invalidTss: 10,
  segmentNotPresent: 11,
  stackFault: 12,
  generalProtection: 13,
  pageFault: 14,
  floatingPoint: 16,
  alignmentCheck: 17,
} as const;

/** Error code bits of faults that name a selector. */
export const ErrorCode = {
  /** EXT: the event being delivered came from outside the program. */
  external: 1,
  /** IDT: the index is that of a gate in the IDT. */
  idt: 2,
} as const;

/**
 * A fault: thrown by whatever finds it, caught by the run loop, which puts the processor back to the state before the
 * instruction and delivers it. Not an `Error`: it is part of the architecture, and taking a stack trace would be slow.
 */
export class Fault {
  /** Met after a task switch had gone through: the fault belongs to the new task (TASK-13). */
  inNewTask = false;

  /**
   * @param errorCode absent for vectors that push none
   * @param linear the address that a page fault reports in CR2
   */
  constructor(
    readonly vector: number,
    readonly errorCode?: number,
    readonly linear?: number,
  ) {}
}

export const divideError = () => new Fault(Vector.divideError);
export const debugException = () => new Fault(Vector.debug);
export const boundRange = () => new Fault(Vector.boundRange);
export const invalidOpcode = () => new Fault(Vector.invalidOpcode);
export const deviceNotAvailable = () => new Fault(Vector.deviceNotAvailable);
/** @param selector of the descriptor that is wrong; its RPL is dropped */
export const invalidTss = (selector: number) => new Fault(Vector.invalidTss, selector & 0xfffc);
export const segmentNotPresent = (selector: number) => new Fault(Vector.segmentNotPresent, selector & 0xfffc);
export const stackFault = (selector: number) => new Fault(Vector.stackFault, selector & 0xfffc);
export const generalProtection = (selector: number) => new Fault(Vector.generalProtection, selector & 0xfffc);
/** A general protection fault, or one of its kin, about the gate of this vector. */
export const gateProtection = (vector: number) =>
  new Fault(Vector.generalProtection, vector * 8 + ErrorCode.idt);
export const gateNotPresent = (vector: number) =>
  new Fault(Vector.segmentNotPresent, vector * 8 + ErrorCode.idt);
export const floatingPointError = () => new Fault(Vector.floatingPoint);
export const alignmentCheck = () => new Fault(Vector.alignmentCheck, 0);
export const pageFault = (linear: number, errorCode: number) =>
  new Fault(Vector.pageFault, errorCode, linear);

/** #DE, #TS, #NP, #SS and #GP: two of them in a row make a double fault (GATE-15). */
function isContributory(vector: number): boolean {
  return vector === Vector.divideError || (vector >= Vector.invalidTss && vector <= Vector.generalProtection);
}

/** What becomes of a fault that is met while an event is delivered: GATE-15, GATE-16. */
export type Escalation = 'deliver second' | 'double fault' | 'shutdown';

/**
 * @param first vector being delivered; undefined for a software or external interrupt, which is always benign
 * @param second vector of the fault met meanwhile
 */
export function escalate(first: number | undefined, second: number): Escalation {
  if (first === undefined) return 'deliver second';
  const grave = isContributory(second) || second === Vector.pageFault;
  if (first === Vector.doubleFault && grave) return 'shutdown';
  if (first === Vector.pageFault && grave) return 'double fault';
  if (isContributory(first) && isContributory(second)) return 'double fault';
  return 'deliver second';
}
