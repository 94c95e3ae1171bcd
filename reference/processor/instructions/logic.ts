// SPDX-License-Identifier: GPL-2.0-or-later

/** AND, OR, XOR, TEST (EX-11), NOT (EX-12), shifts and rotates (EX-13). */

import type { Cpu } from '../cpu.js';
import { AF, CF, OF, PF, SF, setFlag, setFlags, signZeroParity, ZF } from '../flags.js';
import type { Execute, Instruction } from '../instruction.js';
import { readForUpdate, readOperand, updateOperand } from '../operands.js';
import { bitsOf, type OperandSize, signed, signOf, truncate } from '../sizes.js';

export const and: Execute = (cpu, instruction) => {
  const { first, second } = instruction;
  const right = readOperand(cpu, instruction, second);
  const left = readForUpdate(cpu, instruction, first);
  updateOperand(cpu, first, cpu.status.logic((left & right) >>> 0, first.size));
};

export const or: Execute = (cpu, instruction) => {
  const { first, second } = instruction;
  const right = readOperand(cpu, instruction, second);
  const left = readForUpdate(cpu, instruction, first);
  updateOperand(cpu, first, cpu.status.logic((left | right) >>> 0, first.size));
};

export const xor: Execute = (cpu, instruction) => {
  const { first, second } = instruction;
  const right = readOperand(cpu, instruction, second);
  const left = readForUpdate(cpu, instruction, first);
  updateOperand(cpu, first, cpu.status.logic((left ^ right) >>> 0, first.size));
};

export const test: Execute = (cpu, instruction) => {
  const { first, second } = instruction;
  const right = readOperand(cpu, instruction, second);
  const left = readOperand(cpu, instruction, first);
  cpu.status.logic((left & right) >>> 0, first.size);
};

/** NOT changes no flag. */
export const not: Execute = (cpu, instruction) => {
  const { first } = instruction;
  updateOperand(cpu, first, truncate(~readForUpdate(cpu, instruction, first), first.size));
};

/** Shifts by `count` (1 to 31), sets the flags and gives the result. */
type Shift = (cpu: Cpu, value: number, count: number, size: OperandSize) => number;

/** A shift or rotate instruction: a count of zero, modulo 32, changes nothing, but memory is checked for the write. */
function shiftInstruction(shift: Shift): Execute {
  return (cpu: Cpu, instruction: Instruction) => {
    const { first, second } = instruction;
    const count = readOperand(cpu, instruction, second) & 31;
    const value = readForUpdate(cpu, instruction, first);
    if (count !== 0) updateOperand(cpu, first, shift(cpu, value, count, first.size));
  };
}

const SHIFT_FLAGS = CF | OF | SF | ZF | PF | AF;

const differs = (left: boolean, right: boolean) => (left !== right ? OF : 0);

export const shl = shiftInstruction((cpu, value, count, size) => {
  const bits = bitsOf(size);
  const result = truncate(value << count, size);
  // Beyond the operand's width JavaScript counts from 32 down, where there is nothing.
  const carry = ((value >>> (bits - count)) & 1) !== 0;
  const overflow = differs((result & signOf(size)) !== 0, carry);
  setFlags(cpu, SHIFT_FLAGS, (carry ? CF : 0) | overflow | signZeroParity(result, size));
  return result;
});

export const shr = shiftInstruction((cpu, value, count, size) => {
  const result = value >>> count;
  const carry = ((value >>> (count - 1)) & 1) !== 0;
  const overflow = (value & signOf(size)) !== 0 ? OF : 0;
  setFlags(cpu, SHIFT_FLAGS, (carry ? CF : 0) | overflow | signZeroParity(result, size));
  return result;
});

export const sar = shiftInstruction((cpu, value, count, size) => {
  const wide = signed(value, size);
  const result = truncate(wide >> count, size);
  const carry = ((wide >> (count - 1)) & 1) !== 0;
  setFlags(cpu, SHIFT_FLAGS, (carry ? CF : 0) | signZeroParity(result, size));
  return result;
});

export const rol = shiftInstruction((cpu, value, count, size) => {
  const bits = bitsOf(size);
  const turn = count % bits;
  const result = truncate((value << turn) | (value >>> (bits - turn)), size);
  const carry = (result & 1) !== 0;
  const overflow = differs((result & signOf(size)) !== 0, carry);
  setFlags(cpu, CF | OF, (carry ? CF : 0) | overflow);
  return result;
});

export const ror = shiftInstruction((cpu, value, count, size) => {
  const bits = bitsOf(size);
  const turn = count % bits;
  const result = truncate((value >>> turn) | (value << (bits - turn)), size);
  const top = (result & signOf(size)) !== 0;
  const overflow = differs(top, ((result << 1) & signOf(size)) !== 0);
  setFlags(cpu, CF | OF, (top ? CF : 0) | overflow);
  return result;
});

/** RCL: the value and CF turn together, one bit at a time. */
export const rcl = shiftInstruction((cpu, value, count, size) => {
  let result = value;
  let { carry } = cpu.status;
  for (let left = count % (bitsOf(size) + 1); left > 0; left--) {
    const top = (result & signOf(size)) !== 0;
    result = truncate((result << 1) | (carry ? 1 : 0), size);
    carry = top;
  }
  setFlag(cpu, CF, carry);
  setFlags(cpu, OF, differs((result & signOf(size)) !== 0, carry));
  return result;
});

export const rcr = shiftInstruction((cpu, value, count, size) => {
  let result = value;
  let { carry } = cpu.status;
  for (let left = count % (bitsOf(size) + 1); left > 0; left--) {
    const bottom = (result & 1) !== 0;
    result = truncate((result >>> 1) | (carry ? signOf(size) : 0), size);
    carry = bottom;
  }
  setFlag(cpu, CF, carry);
  const top = (result & signOf(size)) !== 0;
  setFlags(cpu, OF, differs(top, ((result << 1) & signOf(size)) !== 0));
  return result;
});

/** SHLD and SHRD: the first operand shifts, the second supplies the bits that come in. The third is the count. */
function doubleShift(
  shift: (cpu: Cpu, value: number, filler: number, count: number, size: OperandSize) => number,
): Execute {
  return (cpu, instruction) => {
    const { first, second, third } = instruction;
    const count = readOperand(cpu, instruction, third) & 31;
    const filler = readOperand(cpu, instruction, second);
    const value = readForUpdate(cpu, instruction, first);
    if (count !== 0) updateOperand(cpu, first, shift(cpu, value, filler, count, first.size));
  };
}

export const shld = doubleShift((cpu, value, filler, count, size) => {
  const bits = BigInt(bitsOf(size));
  const shifted = ((BigInt(value) << bits) | BigInt(filler)) << BigInt(count);
  const result = Number(BigInt.asUintN(Number(bits), shifted >> bits));
  const carry = ((shifted >> (2n * bits)) & 1n) !== 0n;
  doubleShiftFlags(cpu, value, result, carry, size);
  return result;
});

export const shrd = doubleShift((cpu, value, filler, count, size) => {
  const bits = BigInt(bitsOf(size));
  const wide = (BigInt(filler) << bits) | BigInt(value);
  const result = Number(BigInt.asUintN(Number(bits), wide >> BigInt(count)));
  const carry = ((wide >> BigInt(count - 1)) & 1n) !== 0n;
  doubleShiftFlags(cpu, value, result, carry, size);
  return result;
});

/** OF says that the sign changed. */
function doubleShiftFlags(cpu: Cpu, before: number, result: number, carry: boolean, size: OperandSize): void {
  const overflow = ((before ^ result) & signOf(size)) !== 0 ? OF : 0;
  setFlags(cpu, SHIFT_FLAGS, (carry ? CF : 0) | overflow | signZeroParity(result, size));
}
