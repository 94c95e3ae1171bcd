// SPDX-License-Identifier: GPL-2.0-or-later

/** How an operation has to round, and what it has to report: the control word and the exceptions, FP-4 to FP-8 and FP-48. */

/** The six exceptions: their flags in the status word, and their masks in the control word. */
export const Exception = {
  invalid: 1 << 0,
  denormal: 1 << 1,
  zeroDivide: 1 << 2,
  overflow: 1 << 3,
  underflow: 1 << 4,
  precision: 1 << 5,
} as const;

export const ALL_EXCEPTIONS = 0x3f;

/** Those that are found before the result: with one of them unmasked there is no result. */
export const BEFORE_RESULT = Exception.invalid | Exception.denormal | Exception.zeroDivide;

/** Rounding control, bits 10 and 11 of the control word. */
export const Rounding = { nearest: 0, down: 1, up: 2, towardZero: 3 } as const;

/** Bits of a significand that a result keeps. */
export type Precision = 24 | 53 | 64;

/** By precision control, bits 8 and 9 of the control word. The value 1 is reserved; it rounds to 64 bits (FP-5). */
const PRECISIONS: readonly Precision[] = [24, 64, 53, 64];

export class Environment {
  /** One of `Rounding`. */
  rounding: number = Rounding.nearest;
  precision: Precision = 64;
  /** Exceptions that are masked, bits of `Exception`. */
  masks = ALL_EXCEPTIONS;

  /** Exceptions that the operation has met so far. */
  raised = 0;
  /** The last rounding made the magnitude greater: C1. */
  roundedUp = false;

  setControl(word: number): void {
    this.rounding = (word >>> 10) & 3;
    this.precision = PRECISIONS[(word >>> 8) & 3];
    this.masks = word & ALL_EXCEPTIONS;
  }

  begin(): void {
    this.raised = 0;
    this.roundedUp = false;
  }

  raise(exceptions: number): void {
    this.raised |= exceptions;
  }

  isMasked(exception: number): boolean {
    return (this.masks & exception) !== 0;
  }
}
