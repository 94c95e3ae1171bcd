// SPDX-License-Identifier: GPL-2.0-or-later

/** FSIN, FCOS, FPTAN, FPATAN, F2XM1, FYL2X and FYL2XP1: FP-34 to FP-39. */

import { type Environment, Exception } from './environment.js';
import { BIAS, Ext80, INTEGER_BIT, infinity, isInfinite, isZero, one, zero } from './ext80.js';
import {
  arcTangent,
  cosine,
  exponentialMinusOne,
  FRACTION,
  LN_2,
  logarithmOfRatio,
  over,
  PI,
  sine,
  times,
  UNIT,
} from './fixed-point.js';
import { invalid, reportDenormals, specialOperand, specialOperands } from './nan.js';
import { EXTENDED, round, Unrounded } from './rounding.js';

/** A number that is not zero: `integer` times 2 to the power of `exponent`. */
interface Scaled {
  integer: bigint;
  exponent: number;
}

/** The exact value of a finite number. */
function scaled(value: Ext80): Scaled {
  const { negative, exponent, significand } = Unrounded.of(value);
  return { integer: negative ? -significand : significand, exponent: exponent - BIAS - 63 };
}

/** Places below the last one of a value that stand for "and a little less" and "a little more". */
const A_LITTLE = 64n;

/** A value whose exact counterpart is nearer to zero (-1) or further from it (1) by less than any rounding could see. */
const besides = ({ integer, exponent }: Scaled, outward: 1n | -1n): Scaled => ({
  integer: (integer << A_LITTLE) + (integer < 0n ? -outward : outward),
  exponent: exponent - Number(A_LITTLE),
});

const justInside = (value: Scaled): Scaled => besides(value, -1n);

const fixed = (integer: bigint): Scaled => ({ integer, exponent: -FRACTION });

function rounded(environment: Environment, { integer, exponent }: Scaled): Ext80 {
  const negative = integer < 0n;
  const value = Unrounded.fromInteger(negative, negative ? -integer : integer, exponent, BIAS);
  return round(environment, value, EXTENDED);
}

/** Rounds a result that is known to be inexact. */
const inexact = (environment: Environment, value: Scaled): Ext80 => rounded(environment, besides(value, 1n));

/** `value` in units of fixed point. */
const toFixed = ({ integer, exponent }: Scaled): bigint => integer << BigInt(exponent + FRACTION);

// ------------------------------------------------------------------------------------------------------ the circle

/** Pi as this unit knows it, with 66 bits after the point: FP-35. */
const PI_66 = 0xc90fdaa22168c234cn;
const PI_66_FRACTION = 66;

/** Below this exponent field a number is its own sine and tangent, but for a little. */
const TINY = BIAS - 70;
/** From this exponent field on the trigonometric instructions give up: FP-36. */
const TOO_GREAT = BIAS + 63;

export const isTooGreat = (value: Ext80) => value.exponent >= TOO_GREAT && value.exponent < 0x7fff;

/** Sine and cosine of a number that is neither zero nor tiny. */
function circularFunctions(value: Ext80): { sine: bigint; cosine: bigint } {
  const { integer, exponent } = scaled(value);
  const x = integer << BigInt(exponent + FRACTION);
  const quarter = PI_66 << BigInt(FRACTION - PI_66_FRACTION - 1);
  const turns = nearestQuotient(x, quarter);
  const rest = x - turns * quarter;
  const s = sine(rest);
  const c = cosine(rest);
  switch (BigInt.asUintN(2, turns)) {
    case 0n:
      return { sine: s, cosine: c };
    case 1n:
      return { sine: c, cosine: -s };
    case 2n:
      return { sine: -s, cosine: -c };
    default:
      return { sine: -c, cosine: s };
  }
}

function nearestQuotient(dividend: bigint, divisor: bigint): bigint {
  const half = divisor >> 1n;
  return dividend >= 0n ? (dividend + half) / divisor : -((-dividend + half) / divisor);
}

/** Sine, cosine or tangent; the value is below 2 to the power of 63. */
type Trigonometric = (environment: Environment, value: Ext80) => Ext80;

const trigonometric =
  (ofZero: (value: Ext80) => Ext80, ofTiny: (value: Ext80) => Scaled, other: (value: Ext80) => Scaled) =>
  (environment: Environment, value: Ext80): Ext80 => {
    const special = specialOperand(environment, value);
    if (special !== undefined) return special;
    if (isInfinite(value)) return invalid(environment);
    if (isZero(value)) return ofZero(value);
    return inexact(environment, value.exponent < TINY ? ofTiny(value) : other(value));
  };

export const sin: Trigonometric = trigonometric(
  (value) => value,
  (value) => justInside(scaled(value)),
  (value) => fixed(circularFunctions(value).sine),
);

export const cos: Trigonometric = trigonometric(
  () => one(false),
  () => fixed(UNIT - 1n),
  (value) => fixed(circularFunctions(value).cosine),
);

export const tan: Trigonometric = trigonometric(
  (value) => value,
  (value) => scaled(value),
  (value) => {
    const found = circularFunctions(value);
    return fixed(over(found.sine, found.cosine));
  },
);

// ----------------------------------------------------------------------------------------------------- arc tangent

/** FPATAN: the angle of the point (x, y), FP-37. */
export function atan2(environment: Environment, y: Ext80, x: Ext80): Ext80 {
  const special = specialOperands(environment, y, x);
  if (special !== undefined) return special;
  reportDenormals(environment, y, x);
  const signed = (angle: Scaled) => ({ ...angle, integer: y.negative ? -angle.integer : angle.integer });
  const axis = axisAngle(y, x);
  if (axis === 0n) return zero(y.negative);
  const angle = axis === undefined ? angleOf(scaled(y), scaled(x)) : fixed(axis);
  return inexact(environment, signed(angle));
}

/** The angle when a coordinate is zero or infinite; without sign. */
function axisAngle(y: Ext80, x: Ext80): bigint | undefined {
  const onX = x.negative ? PI : 0n;
  if (isInfinite(y)) {
    if (!isInfinite(x)) return PI / 2n;
    return x.negative ? (3n * PI) / 4n : PI / 4n;
  }
  if (isInfinite(x) || isZero(y)) return onX;
  return isZero(x) ? PI / 2n : undefined;
}

const magnitude = ({ integer, exponent }: Scaled): Scaled => ({
  integer: integer < 0n ? -integer : integer,
  exponent,
});

/** Coordinates whose exponents are further apart make the angle so flat that it is their ratio, but for a little. */
const FLAT = 200;

/** From 0 to pi. */
function angleOf(signedY: Scaled, x: Scaled): Scaled {
  const y = magnitude(signedY);
  const width = magnitude(x);
  const left = x.integer < 0n;
  const slope = ratio(y, width);
  if (!left && y.exponent - width.exponent < -FLAT) return justInside(slope);
  const acute = arcTangent(toFixed(slope));
  return fixed(left ? PI - acute : acute);
}

/** Bits of a quotient. */
const RATIO_BITS = 512;

const ratio = (dividend: Scaled, divisor: Scaled): Scaled => ({
  integer: (dividend.integer << BigInt(RATIO_BITS)) / divisor.integer,
  exponent: dividend.exponent - divisor.exponent - RATIO_BITS,
});

// --------------------------------------------------------------------------------------- exponential and logarithms

/** Below this exponent field the first term of a series is all there is. */
const FIRST_TERM_ONLY = BIAS - 200;

/** F2XM1: FP-38. Outside of -1 to 1 the result is open; here it is that of the nearer end. */
export function powerMinusOne(environment: Environment, value: Ext80): Ext80 {
  const special = specialOperand(environment, value);
  if (special !== undefined) return special;
  if (isZero(value)) return value;
  if (isInfinite(value)) return value.negative ? one(true) : value;
  if (value.exponent >= BIAS) return value.negative ? MINUS_ONE_HALF : one(false);
  const x = scaled(value);
  if (value.exponent < FIRST_TERM_ONLY) return inexact(environment, product(x, fixed(LN_2)));
  return inexact(environment, fixed(exponentialMinusOne(times(toFixed(x), LN_2))));
}

const MINUS_ONE_HALF = new Ext80(0x8000 | (BIAS - 1), INTEGER_BIT, 0);

/** FYL2X: y times the logarithm of x to the base 2, FP-39. */
export function yLog2(environment: Environment, y: Ext80, x: Ext80): Ext80 {
  const special = specialOperands(environment, y, x);
  if (special !== undefined) return special;
  if (isZero(x)) return logarithmOfZero(environment, y);
  if (x.negative) return invalid(environment);
  const order = compareWithOne(x);
  // Infinity times the zero that the logarithm of 1 is, and the other way round.
  if (isInfinite(y) && order === 0) return invalid(environment);
  if (isInfinite(x) && isZero(y)) return invalid(environment);
  reportDenormals(environment, y, x);
  const negative = y.negative !== order < 0;
  if (isInfinite(y) || isInfinite(x)) return infinity(negative);
  if (isZero(y) || order === 0) return zero(negative);
  return rounded(environment, product(scaled(y), logarithm(x)));
}

function logarithmOfZero(environment: Environment, y: Ext80): Ext80 {
  if (isZero(y)) return invalid(environment);
  if (isInfinite(y)) return infinity(!y.negative);
  environment.raise(Exception.zeroDivide);
  return infinity(!y.negative);
}

/** Below, equal to or above zero as x is to 1; x is positive. */
function compareWithOne({ exponent, high, low }: Ext80): number {
  if (exponent !== BIAS) return exponent - BIAS;
  return high === INTEGER_BIT && low === 0 ? 0 : 1;
}

/** The logarithm to the base 2 of a positive number that is not 1; that of a power of two is exact. */
function logarithm(x: Ext80): Scaled {
  const { exponent, significand } = Unrounded.of(x);
  const fraction = logarithmOfFixed(significand << BigInt(FRACTION - 63));
  return fixed((BigInt(exponent - BIAS) << BigInt(FRACTION)) + fraction);
}

/** To the base 2, of a number near to 1. */
const logarithmOfFixed = (x: bigint): bigint => over(logarithmOfRatio(x, UNIT), LN_2);

const product = (one: Scaled, other: Scaled): Scaled => ({
  integer: one.integer * other.integer,
  exponent: one.exponent + other.exponent,
});

/** FYL2XP1: y times the logarithm of x + 1; x is near to zero, further out the result is open (FP-39). */
export function yLog2OfOneMore(environment: Environment, y: Ext80, x: Ext80): Ext80 {
  const special = specialOperands(environment, y, x);
  if (special !== undefined) return special;
  const negative = y.negative !== x.negative;
  if (x.negative && x.exponent >= BIAS) return invalid(environment); // x + 1 is not positive
  if ((isZero(x) && isInfinite(y)) || (isInfinite(x) && isZero(y))) return invalid(environment);
  reportDenormals(environment, y, x);
  if (isInfinite(x) || isInfinite(y)) return infinity(negative);
  if (isZero(x) || isZero(y)) return zero(negative);
  return inexact(environment, product(scaled(y), logarithmOfOneMore(x)));
}

function logarithmOfOneMore(x: Ext80): Scaled {
  const { integer, exponent } = scaled(x);
  if (x.exponent < FIRST_TERM_ONLY) {
    return { integer: over(integer << A_LITTLE, LN_2), exponent: exponent - Number(A_LITTLE) };
  }
  let near = UNIT + toFixed({ integer, exponent });
  let power = 0n;
  for (; near > 2n * UNIT; power += UNIT) near >>= 1n;
  return fixed(power + logarithmOfFixed(near));
}
