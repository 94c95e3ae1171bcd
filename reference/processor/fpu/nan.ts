// SPDX-License-Identifier: GPL-2.0-or-later

/** Operands that decide the result alone: FP-8 and FP-47. */

import { type Environment, Exception } from './environment.js';
import { DEFAULT_NAN, type Ext80, isDenormal, isNan, isNormal, kindOf, quieted } from './ext80.js';

/** The answer of an invalid operation, which reports nothing else. */
export function invalid(environment: Environment): Ext80 {
  environment.raised = Exception.invalid;
  return DEFAULT_NAN;
}

/** The result when the operand is a NaN or unsupported; else undefined, and a denormal operand has been reported. */
export function specialOperand(environment: Environment, value: Ext80): Ext80 | undefined {
  if (isNormal(value)) return undefined;
  const kind = kindOf(value);
  if (kind === 'unsupported') return invalid(environment);
  if (isNan(kind)) {
    if (kind === 'signalling NaN') environment.raise(Exception.invalid);
    return quieted(value);
  }
  if (kind === 'denormal') environment.raise(Exception.denormal);
  return undefined;
}

/** The result when one of two operands is a NaN or unsupported; else undefined. Denormals are left to the caller. */
export function specialOperands(environment: Environment, left: Ext80, right: Ext80): Ext80 | undefined {
  const leftKind = kindOf(left);
  const rightKind = kindOf(right);
  if (leftKind === 'unsupported' || rightKind === 'unsupported') return invalid(environment);
  const leftNan = isNan(leftKind);
  const rightNan = isNan(rightKind);
  if (!leftNan && !rightNan) return undefined;
  environment.raised = 0; // a NaN goes before a denormal that was met in memory
  if (leftKind === 'signalling NaN' || rightKind === 'signalling NaN') environment.raise(Exception.invalid);
  if (!rightNan) return quieted(left);
  if (!leftNan) return quieted(right);
  return quieted(greaterNan(left, right));
}

/** The one with the greater significand, which a quiet one has beside a signalling one; of two that have the same, the positive one. */
function greaterNan(left: Ext80, right: Ext80): Ext80 {
  if (left.high !== right.high) return left.high > right.high ? left : right;
  if (left.low !== right.low) return left.low > right.low ? left : right;
  return left.negative ? right : left;
}

/** Reports a denormal among the operands (FP-6). */
export function reportDenormals(environment: Environment, left: Ext80, right: Ext80): void {
  if (isDenormal(left) || isDenormal(right)) environment.raise(Exception.denormal);
}
