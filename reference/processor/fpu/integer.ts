// SPDX-License-Identifier: GPL-2.0-or-later

/** Exponents and whole numbers: FRNDINT, FSCALE, FXTRACT, FPREM and FPREM1 (FP-25 to FP-28). */

import { type Environment, Exception } from './environment.js';
import { BIAS, Ext80, infinity, isInfinite, isZero, zero } from './ext80.js';
import { invalid, reportDenormals, specialOperand, specialOperands } from './nan.js';
import { EXTENDED, round, Unrounded } from './rounding.js';

/** FRNDINT: the value rounded to a whole number by rounding control. */
export function roundToInteger(environment: Environment, value: Ext80): Ext80 {
  const special = specialOperand(environment, value);
  if (special !== undefined) return special;
  return isZero(value) ? value : wholeNumber(environment, value);
}

/** Bits of the fraction, of a significand that counts as 1.xxx. */
const FRACTION_BITS = 63;

/** The same for a finite number that is not zero, with no other exception than #P. */
export function wholeNumber(environment: Environment, value: Ext80): Ext80 {
  if (value.exponent >= BIAS + FRACTION_BITS) return value;
  const { negative } = value;
  // With the units in the last place of the significand, rounding to 64 bits is rounding to a whole number.
  const aligned = Unrounded.of(value);
  aligned.shiftRight(BIAS + FRACTION_BITS - aligned.exponent);
  aligned.exponent = BIAS + FRACTION_BITS;
  const whole = round(environment, aligned, EXTENDED);
  if (whole.high === 0 && whole.low === 0) return zero(negative);
  const normal = new Unrounded(negative, whole.exponent, whole.high, whole.low, 0);
  normal.normalise();
  return Ext80.of(negative, normal.exponent, normal.high, normal.low);
}

/** Beyond this any finite number overflows or underflows. */
const GREATEST_SCALE = 0x10000;

/** FSCALE: the value times 2 to the power of the whole part of `scale`. */
export function scale(environment: Environment, value: Ext80, by: Ext80): Ext80 {
  const special = specialOperands(environment, value, by);
  if (special !== undefined) return special;
  if (isInfinite(by)) {
    const isWrong = by.negative ? isInfinite(value) : isZero(value);
    if (isWrong) return invalid(environment);
    reportDenormals(environment, value, by);
    return by.negative ? zero(value.negative) : infinity(value.negative);
  }
  reportDenormals(environment, value, by);
  if (isInfinite(value) || isZero(value)) return value;
  const scaled = Unrounded.of(value);
  scaled.exponent += wholePart(by);
  return round(environment, scaled, EXTENDED);
}

/** The value rounded toward zero, as far as it matters to an exponent. */
function wholePart({ negative, exponent, high }: Ext80): number {
  if (exponent < BIAS) return 0;
  const shift = BIAS + 31 - exponent;
  const magnitude = shift < 0 ? GREATEST_SCALE : Math.min(high >>> shift, GREATEST_SCALE);
  return negative ? -magnitude : magnitude;
}

/** FXTRACT: the exponent as a number, and the significand as a number from 1 to below 2. */
export function extract(environment: Environment, value: Ext80): { exponent: Ext80; significand: Ext80 } {
  const special = specialOperand(environment, value);
  if (special !== undefined) return { exponent: special, significand: special };
  if (isZero(value)) {
    environment.raise(Exception.zeroDivide);
    return { exponent: infinity(true), significand: value };
  }
  if (isInfinite(value)) return { exponent: infinity(false), significand: value };
  const { negative, exponent, high, low } = Unrounded.of(value);
  return { exponent: smallInteger(exponent - BIAS), significand: Ext80.of(negative, BIAS, high, low) };
}

function smallInteger(value: number): Ext80 {
  if (value === 0) return zero(false);
  const number = new Unrounded(value < 0, BIAS + 31, Math.abs(value), 0, 0);
  number.normalise();
  return Ext80.of(number.negative, number.exponent, number.high, number.low);
}

/** What FPREM and FPREM1 find. `complete` false: the remainder is only a smaller number with the same remainder. */
export interface Remainder {
  remainder: Ext80;
  complete: boolean;
  /** The lowest three bits of the quotient. */
  quotient: number;
}

/** Open, as the result is a NaN. */
const NO_QUOTIENT = { complete: true, quotient: 0 };

/** @param toNearest FPREM1: the quotient is rounded to the nearest integer, else toward zero */
export function remainder(
  environment: Environment,
  dividend: Ext80,
  divisor: Ext80,
  toNearest: boolean,
): Remainder {
  const special = specialOperands(environment, dividend, divisor);
  if (special !== undefined) return { remainder: special, ...NO_QUOTIENT };
  if (isInfinite(dividend) || isZero(divisor)) return { remainder: invalid(environment), ...NO_QUOTIENT };
  reportDenormals(environment, dividend, divisor);
  if (isZero(dividend)) return { remainder: dividend, complete: true, quotient: 0 };
  if (isInfinite(divisor)) {
    const same = round(environment, Unrounded.of(dividend), EXTENDED);
    return { remainder: same, complete: true, quotient: 0 };
  }
  return finiteRemainder(environment, Unrounded.of(dividend), Unrounded.of(divisor), toNearest);
}

/** Exponents that are this far apart are not bridged in one step (FP-28). */
const COMPLETE_BELOW = 64;

function finiteRemainder(
  environment: Environment,
  dividend: Unrounded,
  divisor: Unrounded,
  toNearest: boolean,
): Remainder {
  const distance = dividend.exponent - divisor.exponent;
  const complete = distance < COMPLETE_BELOW;
  // An incomplete step takes 32 to 63 bits of quotient, so that the next ones have a multiple of 32 left.
  const shift = complete ? distance : 32 + (distance & 31);
  const step = { left: dividend.significand, right: divisor.significand, shift };
  // Below the divisor: as it is, but for the rounding of the quotient to the nearest.
  const { rest, quotient } = shift < 0 ? below(step, toNearest) : divided(step, toNearest && complete);
  const exponent = dividend.exponent - Math.max(shift, 0);
  return {
    remainder: signedRest(environment, rest, exponent, dividend.negative),
    complete,
    quotient: complete ? Number(quotient & 7n) : 0,
  };
}

interface Step {
  left: bigint;
  right: bigint;
  /** How many bits of quotient are taken before the binary point. */
  shift: number;
}

/** The rest is a multiple of the last place of the divisor; it is negative when the quotient was rounded up. */
function divided({ left, right, shift }: Step, toNearest: boolean): { rest: bigint; quotient: bigint } {
  const shifted = left << BigInt(shift);
  let quotient = shifted / right;
  let rest = shifted - quotient * right;
  const twice = 2n * rest;
  if (toNearest && (twice > right || (twice === right && (quotient & 1n) !== 0n))) {
    quotient++;
    rest -= right;
  }
  return { rest, quotient };
}

/** The dividend is smaller than the divisor; the rest is a multiple of the last place of the dividend. */
function below({ left, right, shift }: Step, toNearest: boolean): { rest: bigint; quotient: bigint } {
  // More than half of it only with the next exponent and a greater significand.
  const isNearerToOne = toNearest && shift === -1 && left > right;
  return isNearerToOne ? { rest: left - (right << 1n), quotient: 1n } : { rest: left, quotient: 0n };
}

/** @param exponent of a rest of 64 bits */
function signedRest(environment: Environment, rest: bigint, exponent: number, negative: boolean): Ext80 {
  if (rest === 0n) return zero(negative);
  const isTurned = rest < 0n;
  const magnitude = isTurned ? -rest : rest;
  const value = Unrounded.fromInteger(negative !== isTurned, magnitude, exponent - BIAS - 63, BIAS);
  return round(environment, value, EXTENDED);
}
