// SPDX-License-Identifier: GPL-2.0-or-later

/** Addition, subtraction, comparison (EX-10), multiplication and division. */

import { type Cpu, EAX, EDX, readGeneral, writeGeneral } from '../cpu.js';
import { divideError } from '../exceptions.js';
import { CF, OF, PF, SF, setFlags, signZeroParity, ZF } from '../flags.js';
import type { Execute } from '../instruction.js';
import { readForUpdate, readOperand, updateOperand, writeOperand } from '../operands.js';
import { maskOf, type OperandSize, signed, truncate } from '../sizes.js';

export const add: Execute = (cpu, instruction) => {
  const { first, second } = instruction;
  const right = readOperand(cpu, instruction, second);
  const left = readForUpdate(cpu, instruction, first);
  updateOperand(cpu, first, cpu.status.add(left, right, 0, first.size));
};

export const adc: Execute = (cpu, instruction) => {
  const { first, second } = instruction;
  const right = readOperand(cpu, instruction, second);
  const left = readForUpdate(cpu, instruction, first);
  updateOperand(cpu, first, cpu.status.add(left, right, Number(cpu.status.carry), first.size));
};

export const sub: Execute = (cpu, instruction) => {
  const { first, second } = instruction;
  const right = readOperand(cpu, instruction, second);
  const left = readForUpdate(cpu, instruction, first);
  updateOperand(cpu, first, cpu.status.subtract(left, right, 0, first.size));
};

export const sbb: Execute = (cpu, instruction) => {
  const { first, second } = instruction;
  const right = readOperand(cpu, instruction, second);
  const left = readForUpdate(cpu, instruction, first);
  updateOperand(cpu, first, cpu.status.subtract(left, right, Number(cpu.status.carry), first.size));
};

export const cmp: Execute = (cpu, instruction) => {
  const { first, second } = instruction;
  const right = readOperand(cpu, instruction, second);
  const left = readOperand(cpu, instruction, first);
  cpu.status.subtract(left, right, 0, first.size);
};

export const neg: Execute = (cpu, instruction) => {
  const { first } = instruction;
  const value = readForUpdate(cpu, instruction, first);
  updateOperand(cpu, first, cpu.status.subtract(0, value, 0, first.size));
};

/** INC and DEC leave CF alone: EX-12. */
export const inc: Execute = (cpu, instruction) => {
  const { first } = instruction;
  const value = readForUpdate(cpu, instruction, first);
  updateOperand(cpu, first, cpu.status.increment(value, first.size));
};

export const dec: Execute = (cpu, instruction) => {
  const { first } = instruction;
  const value = readForUpdate(cpu, instruction, first);
  updateOperand(cpu, first, cpu.status.decrement(value, first.size));
};

/** XADD: the sum goes to the first operand, its old value to the second. */
export const xadd: Execute = (cpu, instruction) => {
  const { first, second } = instruction;
  const right = readOperand(cpu, instruction, second);
  const left = readForUpdate(cpu, instruction, first);
  const sum = cpu.status.add(left, right, 0, first.size);
  writeOperand(cpu, instruction, second, left);
  updateOperand(cpu, first, sum);
};

/** CMPXCHG: memory is written in either case, with its own value when the comparison fails. */
export const cmpxchg: Execute = (cpu, instruction) => {
  const { first, second } = instruction;
  const replacement = readOperand(cpu, instruction, second);
  const value = readForUpdate(cpu, instruction, first);
  const accumulator = readGeneral(cpu, EAX, first.size);
  cpu.status.subtract(accumulator, value, 0, first.size);
  if (accumulator === value) {
    updateOperand(cpu, first, replacement);
  } else {
    updateOperand(cpu, first, value);
    writeGeneral(cpu, EAX, value, first.size);
  }
};

/** The two halves of a product, each of the operand's size. */
function unsignedProduct(left: number, right: number, size: OperandSize): { low: number; high: number } {
  if (size !== 4) {
    const product = left * right;
    return { low: truncate(product, size), high: product >>> (size * 8) };
  }
  const HALF = 0x10000;
  const leftHigh = left >>> 16;
  const leftLow = left & 0xffff;
  const rightHigh = right >>> 16;
  const rightLow = right & 0xffff;
  const cross = leftHigh * rightLow + Math.floor((leftLow * rightLow) / HALF);
  const otherCross = leftLow * rightHigh + (cross % HALF);
  const high = leftHigh * rightHigh + Math.floor(cross / HALF) + Math.floor(otherCross / HALF);
  return { low: Math.imul(left, right) >>> 0, high: high >>> 0 };
}

function signedProduct(left: number, right: number, size: OperandSize): { low: number; high: number } {
  const { low, high } = unsignedProduct(left, right, size);
  const correction = (signed(left, size) < 0 ? right : 0) + (signed(right, size) < 0 ? left : 0);
  return { low, high: truncate(high - correction, size) };
}

/** Stores a double-width result: AX for bytes, else DX:AX or EDX:EAX. */
function writeDouble(cpu: Cpu, low: number, high: number, size: OperandSize): void {
  if (size === 1) {
    writeGeneral(cpu, EAX, low | (high << 8), 2);
  } else {
    writeGeneral(cpu, EAX, low, size);
    writeGeneral(cpu, EDX, high, size);
  }
}

/** CF and OF say that the upper half matters; the others are open and follow the lower half here. */
function productFlags(cpu: Cpu, low: number, overflow: boolean, size: OperandSize): void {
  const status = (overflow ? CF | OF : 0) | signZeroParity(low, size);
  setFlags(cpu, CF | OF | SF | ZF | PF, status);
}

export const mul: Execute = (cpu, instruction) => {
  const { first } = instruction;
  const { size } = first;
  const right = readOperand(cpu, instruction, first);
  const { low, high } = unsignedProduct(readGeneral(cpu, EAX, size), right, size);
  writeDouble(cpu, low, high, size);
  productFlags(cpu, low, high !== 0, size);
};

export const imulAccumulator: Execute = (cpu, instruction) => {
  const { first } = instruction;
  const { size } = first;
  const right = readOperand(cpu, instruction, first);
  const { low, high } = signedProduct(readGeneral(cpu, EAX, size), right, size);
  const extension = signed(low, size) < 0 ? maskOf(size) : 0;
  writeDouble(cpu, low, high, size);
  productFlags(cpu, low, high !== extension, size);
};

/** IMUL with two or three operands: the first is the destination, the last two are multiplied. */
export const imul: Execute = (cpu, instruction) => {
  const { first, second, third } = instruction;
  const { size } = first;
  const left = readOperand(cpu, instruction, third.kind === 'none' ? first : third);
  const right = readOperand(cpu, instruction, second);
  const { low, high } = signedProduct(left, right, size);
  const extension = signed(low, size) < 0 ? maskOf(size) : 0;
  writeOperand(cpu, instruction, first, low);
  productFlags(cpu, low, high !== extension, size);
};

/** The dividend: AX for bytes, else DX:AX or EDX:EAX. */
function readDouble(cpu: Cpu, size: OperandSize): bigint {
  if (size === 1) return BigInt(readGeneral(cpu, EAX, 2));
  const bits = BigInt(size * 8);
  return (BigInt(readGeneral(cpu, EDX, size)) << bits) | BigInt(readGeneral(cpu, EAX, size));
}

/** DIV leaves the flags, which are open, as they are. */
export const div: Execute = (cpu, instruction) => {
  const { first } = instruction;
  const { size } = first;
  const divisor = BigInt(readOperand(cpu, instruction, first));
  if (divisor === 0n) throw divideError();
  const dividend = readDouble(cpu, size);
  const quotient = dividend / divisor;
  if (quotient > BigInt(maskOf(size))) throw divideError();
  writeDouble(cpu, Number(quotient), Number(dividend % divisor), size);
};

export const idiv: Execute = (cpu, instruction) => {
  const { first } = instruction;
  const { size } = first;
  const divisor = BigInt(signed(readOperand(cpu, instruction, first), size));
  if (divisor === 0n) throw divideError();
  const dividend = BigInt.asIntN(size * 16, readDouble(cpu, size));
  const quotient = dividend / divisor;
  if (quotient !== BigInt.asIntN(size * 8, quotient)) throw divideError();
  const remainder = dividend % divisor;
  writeDouble(cpu, truncate(Number(quotient), size), truncate(Number(remainder), size), size);
};
