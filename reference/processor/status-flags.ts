// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * The six status flags and the arithmetic that sets them. Most results are never asked for their flags, so an operation
 * only notes its operands and its result; the flags are worked out when somebody wants them.
 */

import { type OperandSize, signOf } from './sizes.js';

export const CF = 1 << 0;
export const PF = 1 << 2;
export const AF = 1 << 4;
export const ZF = 1 << 6;
export const SF = 1 << 7;
export const OF = 1 << 11;
export const STATUS = CF | PF | AF | ZF | SF | OF;

/** PF by the low byte of a result: set when the number of ones is even. */
const PARITY = Uint8Array.from({ length: 256 }, (_, byte) => {
  let ones = 0;
  for (let bits = byte; bits !== 0; bits >>>= 1) ones += bits & 1;
  return ones % 2 === 0 ? PF : 0;
});

/** SF, ZF and PF of a result of this size. */
export function signZeroParity(result: number, size: OperandSize): number {
  return ((result & signOf(size)) !== 0 ? SF : 0) | (result === 0 ? ZF : 0) | PARITY[result & 0xff];
}

/** Whose result the flags describe; `none`: they are worked out. */
const Operation = { none: 0, logic: 1, add: 2, subtract: 3, increment: 4, decrement: 5 } as const;
type OperationCode = (typeof Operation)[keyof typeof Operation];

/** The values are kept as signed 32-bit numbers, which the JavaScript engine stores in place. */
export class StatusFlags {
  private bits = 0;
  private operation: OperationCode = Operation.none;
  private size: OperandSize = 4;
  private left = 0;
  private right = 0;
  private result = 0;
  /** INC and DEC: the CF that they leave alone. */
  private keptCarry = false;

  /** All six; other bits are 0. */
  get value(): number {
    if (this.operation !== Operation.none) {
      this.bits = this.workedOut();
      this.operation = Operation.none;
    }
    return this.bits;
  }

  set value(bits: number) {
    this.operation = Operation.none;
    this.bits = bits & STATUS;
  }

  get carry(): boolean {
    switch (this.operation) {
      case Operation.none:
        return (this.bits & CF) !== 0;
      case Operation.logic:
        return false;
      case Operation.add:
      case Operation.subtract:
        return (this.carries() & signOf(this.size)) !== 0;
      default:
        return this.keptCarry;
    }
  }

  get zero(): boolean {
    return this.operation === Operation.none ? (this.bits & ZF) !== 0 : this.result === 0;
  }

  get sign(): boolean {
    if (this.operation === Operation.none) return (this.bits & SF) !== 0;
    return (this.result & signOf(this.size)) !== 0;
  }

  get overflow(): boolean {
    return (this.value & OF) !== 0;
  }

  get parity(): boolean {
    return (this.value & PF) !== 0;
  }

  /** left + right + carry, cut to the size. */
  add(left: number, right: number, carry: number, size: OperandSize): number {
    return this.note(Operation.add, left, right, left + right + carry, size);
  }

  /** left - right - borrow, cut to the size. */
  subtract(left: number, right: number, borrow: number, size: OperandSize): number {
    return this.note(Operation.subtract, left, right, left - right - borrow, size);
  }

  /** value + 1; CF stays: EX-12. */
  increment(value: number, size: OperandSize): number {
    this.keptCarry = this.carry;
    return this.note(Operation.increment, value, 1, value + 1, size);
  }

  /** value - 1; CF stays: EX-12. */
  decrement(value: number, size: OperandSize): number {
    this.keptCarry = this.carry;
    return this.note(Operation.decrement, value, 1, value - 1, size);
  }

  /** The flags of AND, OR, XOR and TEST: CF and OF are cleared, and so is AF, which the architecture leaves open. */
  logic(result: number, size: OperandSize): number {
    return this.note(Operation.logic, 0, 0, result, size);
  }

  private note(
    operation: OperationCode,
    left: number,
    right: number,
    result: number,
    size: OperandSize,
  ): number {
    const cut = size === 4 ? result | 0 : size === 2 ? result & 0xffff : result & 0xff;
    this.operation = operation;
    this.size = size;
    this.left = left | 0;
    this.right = right | 0;
    this.result = cut;
    return cut >>> 0;
  }

  private workedOut(): number {
    const { operation, size, left, right, result } = this;
    const plain = signZeroParity(result, size);
    if (operation === Operation.logic) return plain;
    const carry = this.carry ? CF : 0;
    const isSum = operation === Operation.add || operation === Operation.increment;
    // A sum overflows when its sign is that of neither operand; a difference when left and right, and left and it, differ.
    const overflow =
      (isSum ? (left ^ result) & (right ^ result) : (left ^ right) & (left ^ result)) & signOf(size);
    return plain | carry | ((left ^ right ^ result) & AF) | (overflow !== 0 ? OF : 0);
  }

  /** The carries or borrows out of each bit. */
  private carries(): number {
    const { left, right, result } = this;
    return this.operation === Operation.add
      ? (left & right) | ((left | right) & ~result)
      : (~left & right) | ((~left | right) & result);
  }
}
