// SPDX-License-Identifier: GPL-2.0-or-later

/** The registers of the x87 unit: the stack, the control, status and tag words, and where the last instruction was. */

import { ALL_EXCEPTIONS, BEFORE_RESULT, Environment, Exception } from './environment.js';
import { DEFAULT_NAN, Ext80, kindOf, POSITIVE_ZERO } from './ext80.js';

/** The control word after FNINIT: all exceptions masked, 64 bits of precision, rounding to nearest. */
const CONTROL_AFTER_INIT = 0x37f;
/** Bit 6 of the control word is always one, the other reserved bits zero. */
const CONTROL_ALWAYS = 0x40;
const CONTROL_DEFINED = 0x1f3f;

/** Bits of the status word beside the exceptions of `Exception`. */
export const Status = {
  stackFault: 1 << 6,
  /** ES, and B, which has been the same since the 387. */
  errorSummary: (1 << 7) | (1 << 15),
  C0: 1 << 8,
  C1: 1 << 9,
  C2: 1 << 10,
  C3: 1 << 14,
} as const;

const CONDITION_CODES = Status.C0 | Status.C1 | Status.C2 | Status.C3;
const TOP_SHIFT = 11;
/** What the status word keeps as it was written; TOP is kept apart, ES and B follow from the rest. */
const STATUS_KEPT = CONDITION_CODES | Status.stackFault | ALL_EXCEPTIONS;

/** Two bits for each register in the tag word. */
const Tag = { valid: 0, zero: 1, special: 2, empty: 3 } as const;

/** Where the last instruction that counts was, and its memory operand: FP-11. */
export interface Pointers {
  codeSelector: number;
  codeOffset: number;
  dataSelector: number;
  dataOffset: number;
  /** The low three bits of the first opcode byte, and the second one: 11 bits. */
  opcode: number;
}

const nowhere = (): Pointers => ({
  codeSelector: 0,
  codeOffset: 0,
  dataSelector: 0,
  dataOffset: 0,
  opcode: 0,
});

export class FpuUnit {
  readonly environment = new Environment();
  pointers = nowhere();
  /** By number; ST(i) is the one with number TOP + i, modulo 8. */
  private readonly registers: Ext80[] = new Array(8).fill(POSITIVE_ZERO);
  /** A bit for each register by number: it is not empty. */
  private occupied = 0;
  private top = 0;
  private control = 0;
  /** The bits of `STATUS_KEPT`. */
  private flags = 0;

  constructor() {
    this.initialise();
  }

  /** As after reset: like FNINIT, and the registers are zero. */
  reset(): void {
    this.registers.fill(POSITIVE_ZERO);
    this.initialise();
  }

  /** FNINIT: FP-10. The contents of the registers stay. */
  initialise(): void {
    this.controlWord = CONTROL_AFTER_INIT;
    this.statusWord = 0;
    this.occupied = 0;
    this.pointers = nowhere();
  }

  // ------------------------------------------------------------------------------------------------------- the words

  get controlWord(): number {
    return this.control;
  }

  set controlWord(word: number) {
    this.control = (word & CONTROL_DEFINED) | CONTROL_ALWAYS;
    this.environment.setControl(this.control);
  }

  get statusWord(): number {
    return this.flags | (this.top << TOP_SHIFT) | (this.errorPending ? Status.errorSummary : 0);
  }

  set statusWord(word: number) {
    this.flags = word & STATUS_KEPT;
    this.top = (word >>> TOP_SHIFT) & 7;
  }

  /** An exception has happened that is not masked: the next instruction that waits raises #MF (FP-9). */
  get errorPending(): boolean {
    return (this.flags & ~this.environment.masks & ALL_EXCEPTIONS) !== 0;
  }

  /** Two bits for each register, by number: FP-2. */
  get tagWord(): number {
    return this.registers.reduce((word, _, number) => word | (this.tagOf(number) << (2 * number)), 0);
  }

  /** Only "empty" counts; the other tags follow from the contents. */
  set tagWord(word: number) {
    this.occupied = 0;
    for (let number = 0; number < 8; number++) {
      if (((word >>> (2 * number)) & 3) !== Tag.empty) this.occupied |= 1 << number;
    }
  }

  /** The tags of FXSAVE: a bit for each register by number, set when it is not empty. */
  get abridgedTags(): number {
    return this.occupied;
  }

  set abridgedTags(tags: number) {
    this.occupied = tags & 0xff;
  }

  private tagOf(number: number): number {
    if ((this.occupied & (1 << number)) === 0) return Tag.empty;
    const kind = kindOf(this.registers[number]);
    if (kind === 'zero') return Tag.zero;
    return kind === 'normal' ? Tag.valid : Tag.special;
  }

  // ------------------------------------------------------------------------------------------------------- the stack

  /** ST(i), whether or not it is empty. */
  st(index: number): Ext80 {
    return this.registers[(this.top + index) & 7];
  }

  isEmpty(index: number): boolean {
    return (this.occupied & (1 << ((this.top + index) & 7))) === 0;
  }

  set(index: number, value: Ext80): void {
    const number = (this.top + index) & 7;
    this.registers[number] = value;
    this.occupied |= 1 << number;
  }

  /** The content alone, not that it is there. */
  setContent(index: number, value: Ext80): void {
    this.registers[(this.top + index) & 7] = value;
  }

  free(index: number): void {
    this.occupied &= ~(1 << ((this.top + index) & 7));
  }

  /** FINCSTP and FDECSTP. */
  turn(by: 1 | -1): void {
    this.top = (this.top + by) & 7;
  }

  pop(): void {
    this.free(0);
    this.turn(1);
  }

  /**
   * Puts a value on the stack. When the register is not empty, that is an overflow, which goes before all else.
   * @param forbidding exceptions of the value that do so when they are not masked
   */
  push(value: Ext80, forbidding: number = BEFORE_RESULT): void {
    if (this.isEmpty(-1)) {
      if (this.conclude(forbidding)) this.pushUnchecked(value);
    } else if (this.stackOverflow()) {
      this.pushUnchecked(DEFAULT_NAN);
    }
  }

  pushUnchecked(value: Ext80): void {
    this.turn(-1);
    this.set(0, value);
  }

  // -------------------------------------------------------------------------------------------------------- MMX view

  /** MMX register by number; its 64 bits are the significand. */
  mmx(number: number): Ext80 {
    return this.registers[number];
  }

  setMmx(number: number, high: number, low: number): void {
    this.registers[number] = new Ext80(0xffff, high, low);
  }

  /** What every MMX instruction but EMMS does: FP-51. */
  enterMmx(): void {
    this.top = 0;
    this.occupied = 0xff;
  }

  // ------------------------------------------------------------------------------------------------------ exceptions

  setConditionCodes(codes: number): void {
    this.flags = (this.flags & ~CONDITION_CODES) | codes;
  }

  setC1(on: boolean): void {
    this.flags = on ? this.flags | Status.C1 : this.flags & ~Status.C1;
  }

  setC2(on: boolean): void {
    this.flags = on ? this.flags | Status.C2 : this.flags & ~Status.C2;
  }

  clearExceptions(): void {
    this.flags &= ~(ALL_EXCEPTIONS | Status.stackFault);
  }

  /** A register that is not empty was to be pushed over: FP-8. True when that is masked. */
  stackOverflow(): boolean {
    return this.stackFault(true);
  }

  /** An empty register was read: FP-8. True when that is masked. */
  stackUnderflow(): boolean {
    return this.stackFault(false);
  }

  private stackFault(isOverflow: boolean): boolean {
    this.flags |= Exception.invalid | Status.stackFault;
    this.setC1(isOverflow);
    return this.environment.isMasked(Exception.invalid);
  }

  /** The masked answer to an empty operand is the default NaN in the destination. */
  underflow(destination: number, pops = false): void {
    if (!this.stackUnderflow()) return;
    this.set(destination, DEFAULT_NAN);
    if (pops) this.pop();
  }

  /**
   * Puts what the operation has raised into the status word: FP-48. False when an exception that is not masked
   * forbids the result.
   * @param forbidding exceptions that do so
   */
  conclude(forbidding: number = BEFORE_RESULT): boolean {
    const { environment } = this;
    const unmasked = environment.raised & ~environment.masks;
    const isForbidden = (unmasked & forbidding) !== 0;
    // Whoever finds an exception beforehand never gets as far as rounding.
    const isEarly = (unmasked & BEFORE_RESULT) !== 0;
    this.flags |= isEarly ? environment.raised & BEFORE_RESULT : environment.raised;
    this.setC1(environment.roundedUp && !isEarly);
    return !isForbidden;
  }
}
