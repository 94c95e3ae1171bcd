// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * Elementary functions on fixed-point numbers: integers that count units of 2 to the power of -`FRACTION`. The results
 * are off by some units in the last place, which is some 400 bits finer than what is asked of them (FP-34).
 */

import { bitLength } from './rounding.js';

/** Bits after the point. */
export const FRACTION = 576;
const BITS = BigInt(FRACTION);
export const UNIT = 1n << BITS;

export const times = (left: bigint, right: bigint) => (left * right) >> BITS;
export const over = (left: bigint, right: bigint) => (left << BITS) / right;

/** Sum of x, x^3/3, x^5/5, ... with alternating signs when `alternates`; |x| well below 1. */
function oddSeries(x: bigint, alternates: boolean): bigint {
  const square = times(x, x);
  let power = x;
  let sum = x;
  for (let n = 3n; power !== 0n && power !== -1n; n += 2n) {
    power = times(power, square);
    sum += (alternates && n % 4n === 3n ? -power : power) / n;
  }
  return sum;
}

/** 1 - x^2/2! + x^4/4! - ... from the term with x^`first` on: cosine from 0, sine from 1. */
function circular(x: bigint, first: 0n | 1n): bigint {
  const square = times(x, x);
  let term = first === 0n ? UNIT : x;
  let sum = term;
  for (let n = first; term !== 0n; n += 2n) {
    term = -times(term, square) / ((n + 1n) * (n + 2n));
    sum += term;
  }
  return sum;
}

export const sine = (x: bigint) => circular(x, 1n);
export const cosine = (x: bigint) => circular(x, 0n);

/** e to the power of x, minus 1; |x| below 1. */
export function exponentialMinusOne(x: bigint): bigint {
  let term = x;
  let sum = x;
  for (let n = 2n; term !== 0n; n++) {
    term = times(term, x) / n;
    sum += term;
  }
  return sum;
}

/** The natural logarithm of the quotient of two numbers that are close to each other. */
export const logarithmOfRatio = (numerator: bigint, denominator: bigint) =>
  2n * oddSeries(over(numerator - denominator, numerator + denominator), false);

/** Arc tangent of a number that is not negative: four times the angle is halved, so that the series is short. */
export function arcTangent(x: bigint): bigint {
  let reduced = x;
  for (let i = 0; i < 4; i++) {
    const hypotenuse = integerRoot((UNIT + times(reduced, reduced)) << BITS);
    reduced = over(reduced, UNIT + hypotenuse);
  }
  return oddSeries(reduced, true) << 4n;
}

/** The greatest integer whose square is not above `value`, by Newton's iteration from above. */
export function integerRoot(value: bigint): bigint {
  let root = 1n << BigInt((bitLength(value) + 1) >>> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** Machin's formula. */
export const PI = 4n * (4n * oddSeries(UNIT / 5n, true) - oddSeries(UNIT / 239n, true));
export const LN_2 = logarithmOfRatio(2n * UNIT, UNIT);
