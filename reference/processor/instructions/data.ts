// SPDX-License-Identifier: GPL-2.0-or-later

/** Moving and converting data: EX-9. */

import { EAX, EBX, ECX, EDX, readGeneral, writeGeneral } from '../cpu.js';
import { condition, setFlag, ZF } from '../flags.js';
import { type Execute, effectiveAddress } from '../instruction.js';
import { longWrite, readLong32, writeLong32 } from '../long-operands.js';
import { readForUpdate, readOperand, updateOperand, writeOperand } from '../operands.js';
import { readSegment } from '../segmentation.js';
import { maskOf, signed, truncate } from '../sizes.js';

/** MOV, and MOVZX, whose source is narrower. */
export const mov: Execute = (cpu, instruction) => {
  const value = readOperand(cpu, instruction, instruction.second);
  writeOperand(cpu, instruction, instruction.first, value);
};

export const movsx: Execute = (cpu, instruction) => {
  const { first, second } = instruction;
  const value = signed(readOperand(cpu, instruction, second), second.size);
  writeOperand(cpu, instruction, first, truncate(value, first.size));
};

/** CMOVcc reads its source whether or not the condition holds. */
export const cmov: Execute = (cpu, instruction) => {
  const value = readOperand(cpu, instruction, instruction.second);
  if (condition(cpu, instruction.opcode & 15)) writeOperand(cpu, instruction, instruction.first, value);
};

export const setcc: Execute = (cpu, instruction) => {
  writeOperand(cpu, instruction, instruction.first, condition(cpu, instruction.opcode & 15) ? 1 : 0);
};

export const xchg: Execute = (cpu, instruction) => {
  const { first, second } = instruction;
  const right = readOperand(cpu, instruction, second);
  const left = readForUpdate(cpu, instruction, first);
  updateOperand(cpu, first, right);
  writeOperand(cpu, instruction, second, left);
};

export const lea: Execute = (cpu, instruction) => {
  const address = effectiveAddress(cpu, instruction);
  writeOperand(cpu, instruction, instruction.first, truncate(address, instruction.first.size));
};

/** XLAT: AL indexes a table at EBX or BX. */
export const xlat: Execute = (cpu, instruction) => {
  const offset = cpu.general[EBX] + readGeneral(cpu, EAX, 1);
  const address = (offset & instruction.addressMask) >>> 0;
  writeGeneral(cpu, EAX, readSegment(cpu, cpu.segments[instruction.segment], address, 1), 1);
};

export const bswap: Execute = (cpu, instruction) => {
  const { index } = instruction.first;
  const value = cpu.general[index];
  const swapped = (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
  writeGeneral(cpu, index, swapped >>> 0, 4);
};

/** CBW and CWDE: sign-extends the lower half of AX or EAX. */
export const convertInAccumulator: Execute = (cpu, instruction) => {
  const size = instruction.operandSize;
  const half = size === 4 ? 2 : 1;
  writeGeneral(cpu, EAX, truncate(signed(readGeneral(cpu, EAX, half), half), size), size);
};

/** CWD and CDQ: fills DX or EDX with the sign of AX or EAX. */
export const convertToDouble: Execute = (cpu, instruction) => {
  const size = instruction.operandSize;
  writeGeneral(cpu, EDX, signed(readGeneral(cpu, EAX, size), size) < 0 ? maskOf(size) : 0, size);
};

export const nop: Execute = () => {};

/** CMPXCHG8B writes in any case. */
export const cmpxchg8b: Execute = (cpu, instruction) => {
  const linear = longWrite(cpu, instruction, 8);
  const low = readLong32(cpu, linear);
  const high = readLong32(cpu, linear, 4);
  const equal = low === readGeneral(cpu, EAX, 4) && high === readGeneral(cpu, EDX, 4);
  writeLong32(cpu, linear, 0, equal ? readGeneral(cpu, EBX, 4) : low);
  writeLong32(cpu, linear, 4, equal ? readGeneral(cpu, ECX, 4) : high);
  writeGeneral(cpu, EAX, low, 4);
  writeGeneral(cpu, EDX, high, 4);
  setFlag(cpu, ZF, equal);
};
