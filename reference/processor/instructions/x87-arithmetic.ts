// SPDX-License-Identifier: GPL-2.0-or-later

/** Arithmetic and comparison on the register stack: FP-20 to FP-33. */

import type { Cpu } from '../cpu.js';
import { AF, CF, OF, PF, SF, setFlags, ZF } from '../flags.js';
import {
  add,
  type Binary,
  divide,
  divideReversed,
  multiply,
  squareRoot,
  subtract,
  subtractReversed,
} from '../fpu/arithmetic.js';
import { compare, type Order } from '../fpu/compare.js';
import type { Environment } from '../fpu/environment.js';
import { DEFAULT_NAN, Ext80, type Kind, kindOf, negated, POSITIVE_ZERO } from '../fpu/ext80.js';
import { extract, remainder, roundToInteger, scale } from '../fpu/integer.js';
import { type FpuUnit, Status } from '../fpu/unit.js';
import type { Execute } from '../instruction.js';
import { onRegisters, withMemory } from './x87.js';
import type { ReadNumber } from './x87-data.js';

export { add, divide, divideReversed, multiply, subtract, subtractReversed };

// ----------------------------------------------------------------------------------------- operations of two operands

function operate(fpu: FpuUnit, operation: Binary, to: number, from: number, pops: boolean): void {
  if (fpu.isEmpty(to) || fpu.isEmpty(from)) {
    fpu.underflow(to, pops);
    return;
  }
  const result = operation(fpu.environment, fpu.st(to), fpu.st(from));
  if (!fpu.conclude()) return;
  fpu.set(to, result);
  if (pops) fpu.pop();
}

/** ST(0) is the destination, ST(i) the other operand. */
export const toTop = (operation: Binary): Execute =>
  onRegisters((fpu, _cpu, { modrm }) => operate(fpu, operation, 0, modrm & 7, false));

/** ST(i) is the destination, ST(0) the other operand. */
export const toRegister = (operation: Binary): Execute =>
  onRegisters((fpu, _cpu, { modrm }) => operate(fpu, operation, modrm & 7, 0, false));

export const toRegisterAndPop = (operation: Binary): Execute =>
  onRegisters((fpu, _cpu, { modrm }) => operate(fpu, operation, modrm & 7, 0, true));

/** ST(0) is the destination, a number in memory the other operand. */
export const withNumber = (operation: Binary, read: ReadNumber): Execute =>
  withMemory(read, (fpu, value) => {
    if (fpu.isEmpty(0)) {
      fpu.underflow(0);
      return;
    }
    const result = operation(fpu.environment, fpu.st(0), value);
    if (fpu.conclude()) fpu.set(0, result);
  });

// ------------------------------------------------------------------------------------------ operations of one operand

/** ST(0) becomes a function of itself. */
const onTop = (operation: (environment: Environment, value: Ext80) => Ext80): Execute =>
  onRegisters((fpu) => {
    if (fpu.isEmpty(0)) {
      fpu.underflow(0);
      return;
    }
    const result = operation(fpu.environment, fpu.st(0));
    if (fpu.conclude()) fpu.set(0, result);
  });

export const fsqrt = onTop(squareRoot);
export const frndint = onTop(roundToInteger);
export const fchs = onTop((_environment, value) => negated(value));
export const fabs = onTop(
  (_environment, { signExponent, high, low }) => new Ext80(signExponent & 0x7fff, high, low),
);

/** FSCALE: FP-26. */
export const fscale: Execute = onRegisters((fpu) => operate(fpu, scale, 0, 1, false));

/** FXTRACT: FP-27. */
export const fxtract: Execute = onRegisters((fpu) => {
  if (lacksPlaces(fpu)) return;
  const { exponent, significand } = extract(fpu.environment, fpu.st(0));
  if (fpu.conclude()) replaceAndPush(fpu, exponent, significand);
});

/** Whether ST(0) is empty or the place above it is not, which has then been reported, and answered if that is masked. */
export function lacksPlaces(fpu: FpuUnit): boolean {
  const isEmpty = fpu.isEmpty(0);
  if (!isEmpty && fpu.isEmpty(-1)) return false;
  const masked = isEmpty ? fpu.stackUnderflow() : fpu.stackOverflow();
  if (masked) replaceAndPush(fpu, DEFAULT_NAN, DEFAULT_NAN);
  return true;
}

/** ST(0) gets a new value, and another one comes on top of it. */
export function replaceAndPush(fpu: FpuUnit, replacement: Ext80, pushed: Ext80): void {
  fpu.set(0, replacement);
  fpu.pushUnchecked(pushed);
}

/** FPREM and FPREM1: FP-28. */
const partialRemainder = (toNearest: boolean): Execute =>
  onRegisters((fpu) => {
    fpu.setC2(false);
    if (fpu.isEmpty(0) || fpu.isEmpty(1)) {
      fpu.underflow(0);
      return;
    }
    const found = remainder(fpu.environment, fpu.st(0), fpu.st(1), toNearest);
    if (!fpu.conclude()) return;
    fpu.set(0, found.remainder);
    if (!found.complete) fpu.setConditionCodes(Status.C2);
    else fpu.setConditionCodes(quotientCodes(found.quotient));
  });

function quotientCodes(quotient: number): number {
  const bit0 = (quotient & 1) !== 0 ? Status.C1 : 0;
  const bit1 = (quotient & 2) !== 0 ? Status.C3 : 0;
  const bit2 = (quotient & 4) !== 0 ? Status.C0 : 0;
  return bit0 | bit1 | bit2;
}

export const fprem = partialRemainder(false);
export const fprem1 = partialRemainder(true);

// --------------------------------------------------------------------------------------------------------- comparison

/** FP-29. */
const CODES: Readonly<Record<Order, number>> = {
  greater: 0,
  less: Status.C0,
  equal: Status.C3,
  unordered: Status.C0 | Status.C2 | Status.C3,
};

/** The same in EFLAGS: FP-30. */
const FLAGS: Readonly<Record<Order, number>> = {
  greater: 0,
  less: CF,
  equal: ZF,
  unordered: CF | PF | ZF,
};

/** Puts an order where the program can see it. */
type Report = (fpu: FpuUnit, cpu: Cpu, order: Order) => void;
const inStatus: Report = (fpu, _cpu, order) => fpu.setConditionCodes(CODES[order]);
const inFlags: Report = (_fpu, cpu, order) => setFlags(cpu, CF | PF | AF | ZF | SF | OF, FLAGS[order]);

const popTimes = (fpu: FpuUnit, times: number): void => {
  for (let i = 0; i < times; i++) fpu.pop();
};

interface Comparison {
  /** A quiet NaN is no invalid operand. */
  quiet: boolean;
  pops: 0 | 1 | 2;
  report: Report;
}

/** ST(0) with ST(i): FP-29. */
const compareRegister = ({ quiet, pops, report }: Comparison): Execute =>
  onRegisters((fpu, cpu, { modrm }) => {
    const index = modrm & 7;
    if (fpu.isEmpty(0) || fpu.isEmpty(index)) {
      compareEmpty(fpu, cpu, report, pops);
      return;
    }
    report(fpu, cpu, compare(fpu.environment, fpu.st(0), fpu.st(index), quiet));
    if (fpu.conclude()) popTimes(fpu, pops);
  });

/** An empty operand is unordered. */
function compareEmpty(fpu: FpuUnit, cpu: Cpu, report: Report, pops: number): void {
  report(fpu, cpu, 'unordered');
  if (fpu.stackUnderflow()) popTimes(fpu, pops);
}

/** ST(0) with a number in memory: FP-29. */
export const compareNumber = (read: ReadNumber, pops: 0 | 1): Execute =>
  withMemory(read, (fpu, value, cpu) => {
    if (fpu.isEmpty(0)) {
      compareEmpty(fpu, cpu, inStatus, pops);
      return;
    }
    inStatus(fpu, cpu, compare(fpu.environment, fpu.st(0), value, false));
    if (fpu.conclude()) popTimes(fpu, pops);
  });

export const fcom = compareRegister({ quiet: false, pops: 0, report: inStatus });
export const fcomp = compareRegister({ quiet: false, pops: 1, report: inStatus });
export const fcompp = compareRegister({ quiet: false, pops: 2, report: inStatus });
export const fucom = compareRegister({ quiet: true, pops: 0, report: inStatus });
export const fucomp = compareRegister({ quiet: true, pops: 1, report: inStatus });
export const fucompp = compareRegister({ quiet: true, pops: 2, report: inStatus });
// FP-30
export const fcomi = compareRegister({ quiet: false, pops: 0, report: inFlags });
export const fcomip = compareRegister({ quiet: false, pops: 1, report: inFlags });
export const fucomi = compareRegister({ quiet: true, pops: 0, report: inFlags });
export const fucomip = compareRegister({ quiet: true, pops: 1, report: inFlags });

/** FTST: FP-31. */
export const ftst: Execute = onRegisters((fpu, cpu) => {
  if (fpu.isEmpty(0)) {
    compareEmpty(fpu, cpu, inStatus, 0);
    return;
  }
  inStatus(fpu, cpu, compare(fpu.environment, fpu.st(0), POSITIVE_ZERO, false));
  fpu.conclude();
});

/** FXAM: FP-32. */
const CLASS_CODES: Readonly<Record<Kind, number>> = {
  unsupported: 0,
  'quiet NaN': Status.C0,
  'signalling NaN': Status.C0,
  normal: Status.C2,
  infinity: Status.C2 | Status.C0,
  zero: Status.C3,
  denormal: Status.C3 | Status.C2,
};
const CLASS_EMPTY = Status.C3 | Status.C0;

export const fxam: Execute = onRegisters((fpu) => {
  const value = fpu.st(0);
  const sign = value.negative ? Status.C1 : 0;
  fpu.setConditionCodes(sign | (fpu.isEmpty(0) ? CLASS_EMPTY : CLASS_CODES[kindOf(value)]));
});
