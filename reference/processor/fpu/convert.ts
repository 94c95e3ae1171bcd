// SPDX-License-Identifier: GPL-2.0-or-later

/** Between registers and the formats that memory has: FP-12 to FP-16. */

import { type Environment, Exception } from './environment.js';
import { BIAS, Ext80, INTEGER_BIT, kindOf, POSITIVE_ZERO, TOP_EXPONENT, zero } from './ext80.js';
import { wholeNumber } from './integer.js';
import { specialOperand } from './nan.js';
import { DOUBLE, type Format, round, SINGLE, Unrounded } from './rounding.js';

/** A value of up to 64 bits as two words. */
export interface Words {
  high: number;
  low: number;
}

// ------------------------------------------------------------------------------------------------ single and double

/** Single precision to extended: every value fits, a NaN stays what it is, a denormal is reported. */
export function fromSingle(environment: Environment, bits: number): Ext80 {
  const exponent = (bits >>> 23) & 0xff;
  const high = (bits << 8) >>> 0;
  return widened(environment, SINGLE, bits >= 0x80000000, exponent, high & 0x7fffffff, 0);
}

/** Double precision to extended. */
export function fromDouble(environment: Environment, { high, low }: Words): Ext80 {
  const exponent = (high >>> 20) & 0x7ff;
  const upper = ((high << 11) | (low >>> 21)) & 0x7fffffff;
  return widened(environment, DOUBLE, high >= 0x80000000, exponent, upper, (low << 11) >>> 0);
}

/** @param high the fraction, aligned below the integer bit, which is missing */
function widened(
  environment: Environment,
  { bias, topExponent }: Format,
  negative: boolean,
  exponent: number,
  high: number,
  low: number,
): Ext80 {
  const withIntegerBit = (high | INTEGER_BIT) >>> 0;
  if (exponent === topExponent) return Ext80.of(negative, TOP_EXPONENT, withIntegerBit, low);
  if (exponent !== 0) return Ext80.of(negative, exponent - bias + BIAS, withIntegerBit, low);
  if (high === 0 && low === 0) return zero(negative);
  environment.raise(Exception.denormal);
  const denormal = new Unrounded(negative, 1 - bias + BIAS, high, low, 0);
  denormal.normalise();
  return Ext80.of(negative, denormal.exponent, denormal.high, denormal.low);
}

/** Extended to single precision, rounded; the bits. */
export function toSingle(environment: Environment, value: Ext80): number {
  const { signExponent, high } = narrowed(environment, value, SINGLE);
  return (((signExponent & 0x8000) << 16) | ((signExponent & 0xff) << 23) | ((high >>> 8) & 0x7fffff)) >>> 0;
}

/** Extended to double precision, rounded. */
export function toDouble(environment: Environment, value: Ext80): Words {
  const { signExponent, high, low } = narrowed(environment, value, DOUBLE);
  const top = ((signExponent & 0x8000) << 16) | ((signExponent & 0x7ff) << 20);
  return {
    high: (top | ((high >>> 11) & 0xfffff)) >>> 0,
    low: ((high << 21) | (low >>> 11)) >>> 0,
  };
}

/** The value with the exponent field of the format. */
function narrowed(environment: Environment, value: Ext80, format: Format): Ext80 {
  switch (kindOf(value)) {
    case 'zero':
      return value;
    case 'infinity':
    case 'quiet NaN':
    case 'signalling NaN':
    case 'unsupported': {
      const { negative, high, low } = specialOperand(environment, value) ?? value;
      return Ext80.of(negative, format.topExponent, high, low);
    }
    default: {
      const unrounded = Unrounded.of(value);
      unrounded.exponent += format.bias - BIAS;
      return round(environment, unrounded, format);
    }
  }
}

// --------------------------------------------------------------------------------------------------------- integers

/** A signed integer of up to 64 bits; always exact. */
export function fromInteger(value: bigint): Ext80 {
  if (value === 0n) return POSITIVE_ZERO;
  const negative = value < 0n;
  return exact(Unrounded.fromInteger(negative, negative ? -value : value, 0, BIAS));
}

/** A signed integer of up to 32 bits. */
export function fromInt32(value: number): Ext80 {
  if (value === 0) return POSITIVE_ZERO;
  const unrounded = new Unrounded(value < 0, BIAS + 31, Math.abs(value), 0, 0);
  unrounded.normalise();
  return exact(unrounded);
}

const exact = ({ negative, exponent, high, low }: Unrounded) => Ext80.of(negative, exponent, high, low);

/** The integer nearest by rounding control, or undefined with #IA when the format has no such value. */
export function toInteger(environment: Environment, value: Ext80, bits: 16 | 32 | 64): bigint | undefined {
  const integer = nearestInteger(environment, value);
  if (integer !== undefined && BigInt.asIntN(bits, integer) === integer) return integer;
  return notAnInteger(environment);
}

/** The integer nearest by rounding control, of whatever size; undefined for what is none. */
function nearestInteger(environment: Environment, value: Ext80): bigint | undefined {
  const kind = kindOf(value);
  if (kind === 'zero') return 0n;
  if (kind !== 'normal' && kind !== 'denormal') return undefined;
  const whole = wholeNumber(environment, value);
  const magnitude = (whole.significand << 1n) >> BigInt(BIAS + 64 - whole.exponent);
  return whole.negative ? -magnitude : magnitude;
}

/** Nothing but #IA is reported: not that the value would have been rounded. */
function notAnInteger(environment: Environment): undefined {
  environment.raised = Exception.invalid;
  environment.roundedUp = false;
  return undefined;
}

// ---------------------------------------------------------------------------------------------------- packed decimal

const DECIMAL_BYTES = 9;
const LARGEST_DECIMAL = 10n ** 18n - 1n;

/** 18 decimal digits, two in a byte, the lowest first, and a byte with the sign: FP-16. */
export function fromDecimal(bytes: Uint8Array): Ext80 {
  let value = 0n;
  for (let i = DECIMAL_BYTES - 1; i >= 0; i--) {
    value = value * 100n + BigInt((bytes[i] >>> 4) * 10 + (bytes[i] & 15));
  }
  const negative = (bytes[DECIMAL_BYTES] & 0x80) !== 0;
  if (value === 0n) return zero(negative);
  return exact(Unrounded.fromInteger(negative, value, 0, BIAS));
}

/** The ten bytes; the indefinite ones with #IA when the value does not fit. */
export function toDecimal(environment: Environment, value: Ext80): Uint8Array {
  const integer = nearestInteger(environment, value);
  if (integer === undefined || integer > LARGEST_DECIMAL || integer < -LARGEST_DECIMAL) {
    notAnInteger(environment);
    return Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xff);
  }
  const bytes = new Uint8Array(DECIMAL_BYTES + 1);
  bytes[DECIMAL_BYTES] = value.negative ? 0x80 : 0;
  let rest = value.negative ? -integer : integer;
  for (let i = 0; i < DECIMAL_BYTES; i++) {
    const two = Number(rest % 100n);
    bytes[i] = (Math.floor(two / 10) << 4) | (two % 10);
    rest /= 100n;
  }
  return bytes;
}
