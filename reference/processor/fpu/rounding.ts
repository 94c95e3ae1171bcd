// SPDX-License-Identifier: GPL-2.0-or-later

/** From a result that is exact, as far as rounding can tell, to one that a format can hold: FP-4 to FP-7. */

import { type Environment, Exception, type Precision, Rounding } from './environment.js';
import { Ext80, INTEGER_BIT, infinity, zero } from './ext80.js';

/** A floating-point format with a hidden or explicit integer bit. */
export interface Format {
  /** Bits of the significand, the integer bit included. */
  precision: Precision;
  bias: number;
  /** The exponent field of infinities. */
  topExponent: number;
  /** A register can hold a result of which only the exponent does not fit (FP-7); memory cannot. */
  inRegister: boolean;
}

const register = (precision: Precision): Format => ({
  precision,
  bias: 0x3fff,
  topExponent: 0x7fff,
  inRegister: true,
});

export const EXTENDED = register(64);
/** Results in registers, by precision control. */
const REGISTER_FORMATS = { 24: register(24), 53: register(53), 64: EXTENDED };
export const SINGLE: Format = { precision: 24, bias: 0x7f, topExponent: 0xff, inRegister: false };
export const DOUBLE: Format = { precision: 53, bias: 0x3ff, topExponent: 0x7ff, inRegister: false };

/** The format of the results of FADD, FSUB, FMUL, FDIV and FSQRT. */
export const formatOf = (environment: Environment): Format => REGISTER_FORMATS[environment.precision];

/** By this much the exponent of a result that does not fit is moved when its exception is not masked. */
const EXPONENT_ADJUSTMENT = 0x6000;

/** Bits of a positive integer, leading zeros not counted. */
export function bitLength(value: bigint): number {
  const digits = value.toString(16);
  return digits.length * 4 - (Math.clz32(Number.parseInt(digits[0], 16)) - 28);
}

/**
 * A finite result before rounding: `high`, `low` and `rest` are 96 bits of significand with the integer bit on top. The
 * last bit of `rest` is sticky: it is set when anything that was below it is not zero.
 */
export class Unrounded {
  constructor(
    public negative: boolean,
    /** Biased as in the format it will be rounded to; may lie outside of what the format can hold. */
    public exponent: number,
    public high: number,
    public low: number,
    public rest: number,
  ) {}

  static of(value: Ext80): Unrounded {
    const unrounded = new Unrounded(value.negative, value.exponent || 1, value.high, value.low, 0);
    unrounded.normalise();
    return unrounded;
  }

  /** A positive integer times 2 to the power of `exponent`, of any length. */
  static fromInteger(negative: boolean, integer: bigint, exponent: number, bias: number): Unrounded {
    const length = bitLength(integer);
    const dropped = length - 96;
    const kept = integer >> BigInt(dropped); // to the left when there are too few
    const sticky = kept << BigInt(dropped) === integer ? 0 : 1;
    const word = (shift: bigint) => Number((kept >> shift) & 0xffffffffn);
    return new Unrounded(
      negative,
      exponent + length - 1 + bias,
      word(64n),
      word(32n),
      (word(0n) | sticky) >>> 0,
    );
  }

  /** The upper 64 bits as one number. */
  get significand(): bigint {
    return (BigInt(this.high) << 32n) | BigInt(this.low);
  }

  /** Shifts left until the integer bit is set. The significand is not zero. */
  normalise(): void {
    while (this.high === 0) {
      this.high = this.low;
      this.low = this.rest;
      this.rest = 0;
      this.exponent -= 32;
    }
    const shift = Math.clz32(this.high);
    if (shift === 0) return;
    this.high = ((this.high << shift) | (this.low >>> (32 - shift))) >>> 0;
    this.low = ((this.low << shift) | (this.rest >>> (32 - shift))) >>> 0;
    this.rest = (this.rest << shift) >>> 0;
    this.exponent -= shift;
  }

  /** Shifts right; what falls out is remembered in the sticky bit. The exponent grows by as much. */
  shiftRight(count: number): void {
    this.exponent += count;
    let left = Math.min(count, 128);
    for (; left >= 32; left -= 32) {
      const sticky = this.rest !== 0 ? 1 : 0;
      this.rest = (this.low | sticky) >>> 0;
      this.low = this.high;
      this.high = 0;
    }
    if (left === 0) return;
    const sticky = this.rest << (32 - left) !== 0 ? 1 : 0;
    this.rest = ((this.low << (32 - left)) | (this.rest >>> left) | sticky) >>> 0;
    this.low = ((this.high << (32 - left)) | (this.low >>> left)) >>> 0;
    this.high >>>= left;
  }
}

/** Rounds to a format by rounding control, with the exceptions that this brings; the exponent is the format's. */
export function round(environment: Environment, value: Unrounded, format: Format): Ext80 {
  if (value.exponent <= 0) return roundSmall(environment, value, format);
  const inexact = roundSignificand(environment, value, format.precision);
  if (value.exponent >= format.topExponent) return overflow(environment, value, format, inexact);
  if (inexact) environment.raise(Exception.precision);
  return packed(value);
}

/** Whether the magnitude of a number that cannot be held grows: FP-4. */
const growsFrom = (
  rounding: number,
  negative: boolean,
  half: boolean,
  more: boolean,
  isOdd: boolean,
): boolean =>
  (rounding === Rounding.nearest && half && (more || isOdd)) ||
  (rounding === Rounding.down && negative) ||
  (rounding === Rounding.up && !negative);

/** Cuts the significand to `precision` bits and rounds it. Returns whether anything was lost. */
function roundSignificand(environment: Environment, value: Unrounded, precision: Precision): boolean {
  let half: boolean;
  let more: boolean;
  let isOdd: boolean;
  switch (precision) {
    case 64:
      half = value.rest >= 0x80000000;
      more = (value.rest & 0x7fffffff) !== 0;
      isOdd = (value.low & 1) !== 0;
      break;
    case 53:
      half = (value.low & 0x400) !== 0;
      more = (value.low & 0x3ff) !== 0 || value.rest !== 0;
      isOdd = (value.low & 0x800) !== 0;
      value.low = (value.low & ~0x7ff) >>> 0;
      break;
    case 24:
      half = (value.high & 0x80) !== 0;
      more = (value.high & 0x7f) !== 0 || value.low !== 0 || value.rest !== 0;
      isOdd = (value.high & 0x100) !== 0;
      value.high = (value.high & ~0xff) >>> 0;
      value.low = 0;
      break;
  }
  value.rest = 0;
  environment.roundedUp =
    (half || more) && growsFrom(environment.rounding, value.negative, half, more, isOdd);
  if (environment.roundedUp) addUnit(value, precision);
  return half || more;
}

/** Adds one in the last of `precision` bits. */
function addUnit(value: Unrounded, precision: Precision): void {
  let carry = 0x100;
  if (precision !== 24) {
    const low = value.low + (precision === 64 ? 1 : 0x800);
    value.low = low >>> 0;
    carry = low > 0xffffffff ? 1 : 0;
  }
  const high = value.high + carry;
  value.high = high >>> 0;
  if (high > 0xffffffff) {
    value.high = INTEGER_BIT;
    value.exponent++;
  }
}

/** The result is too great: FP-7. */
function overflow(environment: Environment, value: Unrounded, format: Format, inexact: boolean): Ext80 {
  environment.raise(Exception.overflow);
  if (!environment.isMasked(Exception.overflow)) {
    const adjusted = value.exponent - EXPONENT_ADJUSTMENT;
    if (!format.inRegister) return notStored(environment, value);
    if (adjusted < format.topExponent) {
      if (inexact) environment.raise(Exception.precision);
      value.exponent = adjusted;
      return packed(value);
    }
    return massive(environment, infinity(value.negative), true);
  }
  environment.raise(Exception.precision);
  const { rounding } = environment;
  const grows = rounding === Rounding.nearest || rounding === (value.negative ? Rounding.down : Rounding.up);
  environment.roundedUp = grows;
  if (grows) return Ext80.of(value.negative, format.topExponent, INTEGER_BIT, 0);
  const { high, low } = LARGEST[format.precision];
  return Ext80.of(value.negative, format.topExponent - 1, high, low);
}

/** The result does not even fit with its exponent adjusted, whatever the rounding: FP-7. */
function massive(environment: Environment, result: Ext80, grows: boolean): Ext80 {
  environment.raise(Exception.precision);
  environment.roundedUp = grows;
  return result;
}

/** Memory cannot hold the result, and nobody will see it: that it was rounded is not reported. */
function notStored(environment: Environment, value: Unrounded): Ext80 {
  environment.roundedUp = false;
  return packed(value);
}

/** All ones, by precision. */
const LARGEST = {
  24: { high: 0xffffff00, low: 0 },
  53: { high: 0xffffffff, low: 0xfffff800 },
  64: { high: 0xffffffff, low: 0xffffffff },
};

/** The result is too small for a normal number, or rounds up to the smallest one: FP-6. */
function roundSmall(environment: Environment, value: Unrounded, format: Format): Ext80 {
  const { precision } = format;
  const { negative, exponent, high, low, rest } = value;
  const normal = new Unrounded(negative, exponent, high, low, rest);
  const normalInexact = roundSignificand(environment, normal, precision);
  const tiny = normal.exponent <= 0;
  const unmasked = tiny && !environment.isMasked(Exception.underflow);
  if (unmasked) {
    environment.raise(Exception.underflow);
    if (!format.inRegister) return notStored(environment, normal);
    normal.exponent += EXPONENT_ADJUSTMENT;
    if (normal.exponent > 0) {
      if (normalInexact) environment.raise(Exception.precision);
      return packed(normal);
    }
    return massive(environment, zero(negative), false);
  }
  value.shiftRight(1 - value.exponent);
  const inexact = roundSignificand(environment, value, precision);
  value.exponent = value.high >= INTEGER_BIT ? 1 : 0;
  if (inexact) environment.raise(Exception.precision | (tiny ? Exception.underflow : 0));
  return packed(value);
}

const packed = ({ negative, exponent, high, low }: Unrounded) =>
  Ext80.of(negative, exponent & 0x7fff, high, low);
