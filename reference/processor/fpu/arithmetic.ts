// SPDX-License-Identifier: GPL-2.0-or-later

/** Addition, subtraction, multiplication, division and square root: FP-20 to FP-24. */

import { type Environment, Exception, Rounding } from './environment.js';
import {
  BIAS,
  type Ext80,
  INTEGER_BIT,
  infinity,
  isInfinite,
  isNormal,
  isZero,
  negated,
  TOP_EXPONENT,
  zero,
} from './ext80.js';
import { integerRoot } from './fixed-point.js';
import { invalid, reportDenormals, specialOperand, specialOperands } from './nan.js';
import { formatOf, round, Unrounded } from './rounding.js';

/** An operation of two operands; the left one is the minuend or dividend. */
export type Binary = (environment: Environment, left: Ext80, right: Ext80) => Ext80;

export const add: Binary = (environment, left, right) => {
  if (isNormal(left) && isNormal(right)) return addFinite(environment, left, right);
  const special = specialOperands(environment, left, right);
  if (special !== undefined) return special;
  if (isInfinite(left)) {
    if (isInfinite(right) && left.negative !== right.negative) return invalid(environment);
    reportDenormals(environment, left, right);
    return left;
  }
  reportDenormals(environment, left, right);
  if (isInfinite(right)) return right;
  if (isZero(left)) return isZero(right) ? sumOfZeros(environment, left, right) : rounded(environment, right);
  return isZero(right) ? rounded(environment, left) : addFinite(environment, left, right);
};

/** The sum with the right operand negated, unless there is a NaN, which keeps its sign. */
export const subtract: Binary = (environment, left, right) => {
  const hasNan = isTheNan(left) || isTheNan(right);
  return add(environment, left, hasNan ? right : negated(right));
};

export const subtractReversed: Binary = (environment, left, right) => subtract(environment, right, left);

const isTheNan = ({ exponent, high, low }: Ext80) =>
  exponent === TOP_EXPONENT && !(high === INTEGER_BIT && low === 0);

/** A value that was not changed but has to be rounded to the precision in force. */
const rounded = (environment: Environment, value: Ext80) =>
  round(environment, Unrounded.of(value), formatOf(environment));

/** Zeros of the same sign keep it; of different signs, and an exact difference, it follows the rounding (FP-20). */
function sumOfZeros(environment: Environment, left: Ext80, right: Ext80): Ext80 {
  return left.negative === right.negative ? left : exactZero(environment);
}

const exactZero = (environment: Environment) => zero(environment.rounding === Rounding.down);

function addFinite(environment: Environment, left: Ext80, right: Ext80): Ext80 {
  const isLeftGreater = compareMagnitudes(left, right) >= 0;
  const greater = Unrounded.of(isLeftGreater ? left : right);
  const smaller = Unrounded.of(isLeftGreater ? right : left);
  smaller.shiftRight(greater.exponent - smaller.exponent);
  if (left.negative === right.negative) {
    addSignificand(greater, smaller);
  } else {
    subtractSignificand(greater, smaller);
    if (greater.high === 0 && greater.low === 0 && greater.rest === 0) return exactZero(environment);
    greater.normalise();
  }
  return round(environment, greater, formatOf(environment));
}

function compareMagnitudes(left: Ext80, right: Ext80): number {
  // A pseudo-denormal has the value of a number with exponent 1.
  const exponents = (left.exponent || 1) - (right.exponent || 1);
  return exponents || left.high - right.high || left.low - right.low;
}

function addSignificand(to: Unrounded, value: Unrounded): void {
  const low = to.low + value.low;
  const high = to.high + value.high + (low > 0xffffffff ? 1 : 0);
  to.low = low >>> 0;
  to.high = high >>> 0;
  to.rest = value.rest;
  if (high <= 0xffffffff) return;
  to.shiftRight(1);
  to.high = (to.high | INTEGER_BIT) >>> 0;
}

function subtractSignificand(from: Unrounded, value: Unrounded): void {
  const rest = -value.rest;
  const low = from.low - value.low - (rest < 0 ? 1 : 0);
  const high = from.high - value.high - (low < 0 ? 1 : 0);
  from.rest = rest >>> 0;
  from.low = low >>> 0;
  from.high = high >>> 0;
}

export const multiply: Binary = (environment, left, right) => {
  if (isNormal(left) && isNormal(right)) return multiplyFinite(environment, left, right);
  const special = specialOperands(environment, left, right);
  if (special !== undefined) return special;
  const negative = left.negative !== right.negative;
  if (isInfinite(left) || isInfinite(right)) {
    if (isZero(left) || isZero(right)) return invalid(environment);
    reportDenormals(environment, left, right);
    return infinity(negative);
  }
  reportDenormals(environment, left, right);
  if (isZero(left) || isZero(right)) return zero(negative);
  return multiplyFinite(environment, left, right);
};

function multiplyFinite(environment: Environment, leftValue: Ext80, rightValue: Ext80): Ext80 {
  const left = Unrounded.of(leftValue);
  const right = Unrounded.of(rightValue);
  const product = left;
  product.negative = left.negative !== right.negative;
  product.exponent += right.exponent - BIAS + 1;
  multiplySignificand(product, right);
  product.normalise();
  return round(environment, product, formatOf(environment));
}

/** The upper half of the product of two words of 32 bits; the lower half is `Math.imul`. */
function multiplyHigh(left: number, right: number): number {
  const leftLow = left & 0xffff;
  const leftHigh = left >>> 16;
  const rightLow = right & 0xffff;
  const rightHigh = right >>> 16;
  const cross = leftHigh * rightLow + ((leftLow * rightLow) >>> 16);
  const otherCross = leftLow * rightHigh + (cross & 0xffff);
  return leftHigh * rightHigh + (cross >>> 16) + (otherCross >>> 16);
}

/** 64 bits by 64 bits: the upper 96 bits of the product, the last of them sticky. */
function multiplySignificand(product: Unrounded, right: Unrounded): void {
  const { high, low } = product;
  const lowest = Math.imul(low, right.low);
  const second =
    multiplyHigh(low, right.low) + (Math.imul(high, right.low) >>> 0) + (Math.imul(low, right.high) >>> 0);
  const third =
    multiplyHigh(high, right.low) +
    multiplyHigh(low, right.high) +
    (Math.imul(high, right.high) >>> 0) +
    Math.floor(second / 0x100000000);
  product.high = multiplyHigh(high, right.high) + Math.floor(third / 0x100000000);
  product.low = third >>> 0;
  product.rest = ((second >>> 0) | (lowest !== 0 ? 1 : 0)) >>> 0;
}

export const divide: Binary = (environment, left, right) => {
  const special = specialOperands(environment, left, right);
  if (special !== undefined) return special;
  const negative = left.negative !== right.negative;
  if (isInfinite(left)) {
    if (isInfinite(right)) return invalid(environment);
    reportDenormals(environment, left, right);
    return infinity(negative);
  }
  if (isZero(right)) {
    if (isZero(left)) return invalid(environment);
    environment.raised = Exception.zeroDivide; // not that the number in memory is denormal
    return infinity(negative);
  }
  reportDenormals(environment, left, right);
  if (isInfinite(right) || isZero(left)) return zero(negative);
  return divideFinite(environment, Unrounded.of(left), Unrounded.of(right));
};

export const divideReversed: Binary = (environment, left, right) => divide(environment, right, left);

function divideFinite(environment: Environment, left: Unrounded, right: Unrounded): Ext80 {
  // At least 66 bits of quotient; the remainder says whether there are more.
  const dividend = left.significand << 66n;
  const divisor = right.significand;
  const quotient = dividend / divisor;
  const sticky = quotient * divisor === dividend ? 0n : 1n;
  const negative = left.negative !== right.negative;
  const exponent = left.exponent - right.exponent - 67;
  const value = Unrounded.fromInteger(negative, (quotient << 1n) | sticky, exponent, BIAS);
  return round(environment, value, formatOf(environment));
}

/** FSQRT: FP-24. */
export function squareRoot(environment: Environment, value: Ext80): Ext80 {
  if (value.negative && !isZero(value) && !isTheNan(value)) return invalid(environment);
  const special = specialOperand(environment, value);
  if (special !== undefined) return special;
  if (isZero(value) || isInfinite(value)) return value;
  const radicand = Unrounded.of(value);
  const exponent = radicand.exponent - BIAS - 63;
  const odd = exponent & 1;
  // Of 130 or 131 bits, so that the root has 65 or 66.
  const shifted = radicand.significand << BigInt(66 + odd);
  const root = integerRoot(shifted);
  const sticky = root * root === shifted ? 0n : 1n;
  const half = (exponent - odd - 66) / 2 - 1;
  const result = Unrounded.fromInteger(false, (root << 1n) | sticky, half, BIAS);
  return round(environment, result, formatOf(environment));
}
