// SPDX-License-Identifier: GPL-2.0-or-later

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { add, type Binary, divide, multiply, squareRoot, subtract } from './arithmetic.js';
import { fromDouble, toDouble, type Words } from './convert.js';
import { Environment } from './environment.js';
import type { Ext80 } from './ext80.js';
import { atan2, powerMinusOne, sin, tan, yLog2 } from './transcendental.js';

/** With 53 bits of precision the unit computes what the doubles of this machine do, as long as no exponent is at its end. */
const DOUBLE_PRECISION = 0x27f;

const view = new DataView(new ArrayBuffer(8));

function wordsOf(value: number): Words {
  view.setFloat64(0, value);
  return { high: view.getUint32(0), low: view.getUint32(4) };
}

function numberOf({ high, low }: Words): number {
  view.setUint32(0, high);
  view.setUint32(4, low);
  return view.getFloat64(0);
}

function environment(): Environment {
  const made = new Environment();
  made.setControl(DOUBLE_PRECISION);
  return made;
}

const extended = (value: number): Ext80 => fromDouble(environment(), wordsOf(value));
const double = (value: Ext80): number => numberOf(toDouble(environment(), value));

/** Numbers whose products and quotients are far from the ends of the exponents. */
const ordinary = fc
  .tuple(fc.double({ min: 1, max: 2, noNaN: true }), fc.integer({ min: -300, max: 300 }), fc.boolean())
  .map(([significand, exponent, negative]) => (negative ? -1 : 1) * significand * 2 ** exponent);

test.each<[string, Binary, (left: number, right: number) => number]>([
  ['add', add, (left, right) => left + right],
  ['subtract', subtract, (left, right) => left - right],
  ['multiply', multiply, (left, right) => left * right],
  ['divide', divide, (left, right) => left / right],
])('%s agrees with the doubles of this machine', (_, operation, expected) => {
  fc.assert(
    fc.property(ordinary, ordinary, (left, right) => {
      expect(double(operation(environment(), extended(left), extended(right)))).toBe(expected(left, right));
    }),
    { seed: 1, numRuns: 2000 },
  );
});

test('squareRoot agrees with the doubles of this machine', () => {
  fc.assert(
    fc.property(ordinary, (value) => {
      expect(double(squareRoot(environment(), extended(Math.abs(value))))).toBe(Math.sqrt(Math.abs(value)));
    }),
    { seed: 1, numRuns: 1000 },
  );
});

/** Relative error that the functions of the language may have. */
const TOLERANCE = 1e-14;

test.each([0.3, 1, -1.5, 3, 20, 1e-3])(
  'the transcendental functions of %d are those of the language',
  (x) => {
    const at = extended(x);
    const isNear = (value: Ext80, expected: number) =>
      expect(Math.abs(double(value) / expected - 1)).toBeLessThan(TOLERANCE);
    isNear(sin(environment(), at), Math.sin(x));
    isNear(tan(environment(), at), Math.tan(x));
    isNear(atan2(environment(), at, extended(-2)), Math.atan2(x, -2));
    isNear(yLog2(environment(), extended(3), extended(Math.abs(x) + 0.5)), 3 * Math.log2(Math.abs(x) + 0.5));
    if (Math.abs(x) < 1) isNear(powerMinusOne(environment(), at), Math.expm1(x * Math.LN2));
  },
);
