// SPDX-License-Identifier: GPL-2.0-or-later

/** The transcendental instructions: FP-34 to FP-39. */

import type { Environment } from '../fpu/environment.js';
import { type Ext80, isNan, kindOf, one } from '../fpu/ext80.js';
import {
  atan2,
  cos,
  isTooGreat,
  powerMinusOne,
  sin,
  tan,
  yLog2,
  yLog2OfOneMore,
} from '../fpu/transcendental.js';
import type { FpuUnit } from '../fpu/unit.js';
import type { Execute } from '../instruction.js';
import { onRegisters } from './x87.js';
import { lacksPlaces, replaceAndPush } from './x87-arithmetic.js';

type Function = (environment: Environment, value: Ext80) => Ext80;

/** FP-36: the operand is too great, which C2 tells, and nothing happens. C2 is 0 otherwise. */
function refusesAsTooGreat(fpu: FpuUnit): boolean {
  const refuses = isTooGreat(fpu.st(0));
  fpu.setC2(refuses);
  return refuses;
}

/** FSIN and FCOS. */
const ofAngle = (operation: Function): Execute =>
  onRegisters((fpu) => {
    if (fpu.isEmpty(0)) {
      fpu.underflow(0);
      return;
    }
    if (refusesAsTooGreat(fpu)) return;
    const result = operation(fpu.environment, fpu.st(0));
    if (fpu.conclude()) fpu.set(0, result);
  });

export const fsin = ofAngle(sin);
export const fcos = ofAngle(cos);

/** FSINCOS and FPTAN: one result replaces ST(0), the other is pushed. */
const withTwoResults = (operation: (environment: Environment, value: Ext80) => [Ext80, Ext80]): Execute =>
  onRegisters((fpu) => {
    fpu.setC2(false);
    if (lacksPlaces(fpu) || refusesAsTooGreat(fpu)) return;
    const [replacement, pushed] = operation(fpu.environment, fpu.st(0));
    if (fpu.conclude()) replaceAndPush(fpu, replacement, pushed);
  });

export const fsincos = withTwoResults((environment, value) => [
  sin(environment, value),
  cos(environment, value),
]);

/** What is pushed is 1, or the same NaN. */
export const fptan = withTwoResults((environment, value) => {
  const result = tan(environment, value);
  return [result, isNan(kindOf(result)) ? result : one(false)];
});

export const f2xm1: Execute = onRegisters((fpu) => {
  if (fpu.isEmpty(0)) {
    fpu.underflow(0);
    return;
  }
  const result = powerMinusOne(fpu.environment, fpu.st(0));
  if (fpu.conclude()) fpu.set(0, result);
});

/** The result replaces ST(1), and ST(0) is popped. */
const ofTwo = (operation: (environment: Environment, y: Ext80, x: Ext80) => Ext80): Execute =>
  onRegisters((fpu) => {
    if (fpu.isEmpty(0) || fpu.isEmpty(1)) {
      fpu.underflow(1, true);
      return;
    }
    const result = operation(fpu.environment, fpu.st(1), fpu.st(0));
    if (!fpu.conclude()) return;
    fpu.set(1, result);
    fpu.pop();
  });

export const fpatan = ofTwo(atan2);
export const fyl2x = ofTwo(yLog2);
export const fyl2xp1 = ofTwo(yLog2OfOneMore);
