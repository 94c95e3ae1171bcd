// SPDX-License-Identifier: GPL-2.0-or-later

/** Comparison and classification: FP-29 to FP-32. */

import { type Environment, Exception } from './environment.js';
import { type Ext80, isNan, isNormal, isZero, type Kind, kindOf } from './ext80.js';
import { reportDenormals } from './nan.js';
import { Unrounded } from './rounding.js';

export type Order = 'less' | 'equal' | 'greater' | 'unordered';

/** @param quiet FUCOM and its kin: a quiet NaN is unordered without #IA */
export function compare(environment: Environment, left: Ext80, right: Ext80, quiet: boolean): Order {
  if (!(isNormal(left) && isNormal(right))) {
    const kinds = [kindOf(left), kindOf(right)];
    const isInvalid = (kind: Kind) => isUnordered(kind) && !(quiet && kind === 'quiet NaN');
    if (kinds.some(isUnordered)) {
      // Not that the number in memory is denormal.
      environment.raised = kinds.some(isInvalid) ? Exception.invalid : 0;
      return 'unordered';
    }
    reportDenormals(environment, left, right);
  }
  if (left.negative !== right.negative && !isZero(left) && !isZero(right)) {
    return left.negative ? 'less' : 'greater';
  }
  const difference = magnitudeOrder(left, right);
  if (difference === 0) return 'equal';
  const negative = isZero(left) ? right.negative : left.negative;
  return difference > 0 !== negative ? 'greater' : 'less';
}

const isUnordered = (kind: Kind) => isNan(kind) || kind === 'unsupported';

/** Above zero when the left magnitude is greater. Zeros are smaller than everything. */
function magnitudeOrder(left: Ext80, right: Ext80): number {
  if (isZero(left) || isZero(right)) return (isZero(left) ? 0 : 1) - (isZero(right) ? 0 : 1);
  const one = Unrounded.of(left);
  const other = Unrounded.of(right);
  return one.exponent - other.exponent || one.high - other.high || one.low - other.low;
}
