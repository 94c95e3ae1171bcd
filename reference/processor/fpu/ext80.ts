// SPDX-License-Identifier: GPL-2.0-or-later

/** The double extended format, in which the x87 keeps every number: chapter 25, FP-1 and FP-2. */

/** The exponent field of numbers that are 1.xxx times 2 to the power of 0. */
export const BIAS = 0x3fff;
/** The exponent field of infinities and NaNs. */
export const TOP_EXPONENT = 0x7fff;
/** The explicit integer bit, the top bit of the significand's upper half. */
export const INTEGER_BIT = 0x80000000;
/** The first bit of the fraction: a NaN that has it is quiet. */
export const QUIET_BIT = 0x40000000;

/** A value of 80 bits. Immutable. */
export class Ext80 {
  constructor(
    /** Bit 15: the sign; bits 14 to 0: the exponent, biased by `BIAS`. */
    readonly signExponent: number,
    /** Bits 63 to 32 of the significand, the integer bit on top. Unsigned. */
    readonly high: number,
    /** Bits 31 to 0 of the significand. Unsigned. */
    readonly low: number,
  ) {}

  static of(negative: boolean, exponent: number, high: number, low: number): Ext80 {
    return new Ext80(negative ? 0x8000 | exponent : exponent, high, low);
  }

  get negative(): boolean {
    return this.signExponent >= 0x8000;
  }

  get exponent(): number {
    return this.signExponent & TOP_EXPONENT;
  }

  /** The 64 bits of the significand as one number. */
  get significand(): bigint {
    return (BigInt(this.high) << 32n) | BigInt(this.low);
  }
}

export const zero = (negative: boolean) => (negative ? NEGATIVE_ZERO : POSITIVE_ZERO);
export const infinity = (negative: boolean) => Ext80.of(negative, TOP_EXPONENT, INTEGER_BIT, 0);
export const one = (negative: boolean) => Ext80.of(negative, BIAS, INTEGER_BIT, 0);

export const POSITIVE_ZERO = new Ext80(0, 0, 0);
const NEGATIVE_ZERO = new Ext80(0x8000, 0, 0);

/** The answer of an invalid operation, called "real indefinite": FP-8. */
export const DEFAULT_NAN = new Ext80(0xffff, (INTEGER_BIT | QUIET_BIT) >>> 0, 0);

/**
 * What a value is: FP-2. `denormal` includes pseudo-denormals, whose integer bit is set although the exponent is zero;
 * `unsupported` are the encodings without integer bit that the 387 and its successors refuse.
 */
export type Kind =
  | 'zero'
  | 'denormal'
  | 'normal'
  | 'infinity'
  | 'quiet NaN'
  | 'signalling NaN'
  | 'unsupported';

export function kindOf({ exponent, high, low }: Ext80): Kind {
  if (exponent === 0) return high === 0 && low === 0 ? 'zero' : 'denormal';
  if (high < INTEGER_BIT) return 'unsupported';
  if (exponent < TOP_EXPONENT) return 'normal';
  if (high === INTEGER_BIT && low === 0) return 'infinity';
  return (high & QUIET_BIT) !== 0 ? 'quiet NaN' : 'signalling NaN';
}

/** The quick question before most operations: neither zero nor denormal, infinity, NaN or unsupported. */
export function isNormal({ signExponent, high }: Ext80): boolean {
  const exponent = signExponent & TOP_EXPONENT;
  return exponent !== 0 && exponent !== TOP_EXPONENT && high >= INTEGER_BIT;
}

export function isZero({ signExponent, high, low }: Ext80): boolean {
  return (signExponent & TOP_EXPONENT) === 0 && high === 0 && low === 0;
}

export const isDenormal = (value: Ext80) => value.exponent === 0 && !isZero(value);
export const isInfinite = (value: Ext80) => kindOf(value) === 'infinity';

export const isNan = (kind: Kind) => kind === 'quiet NaN' || kind === 'signalling NaN';

export const negated = (value: Ext80) => new Ext80(value.signExponent ^ 0x8000, value.high, value.low);

/** A signalling NaN made quiet; what is quiet already stays. */
export const quieted = (value: Ext80) =>
  new Ext80(value.signExponent, (value.high | QUIET_BIT) >>> 0, value.low);
