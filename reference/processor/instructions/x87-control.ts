// SPDX-License-Identifier: GPL-2.0-or-later

/** The control, status and tag words, and the whole state as an image in memory: FP-10, FP-40 to FP-46. */

import { type Cpu, CR0, EAX, writeGeneral } from '../cpu.js';
import { generalProtection } from '../exceptions.js';
import { VM } from '../flags.js';
import { ALL_EXCEPTIONS } from '../fpu/environment.js';
import { Ext80 } from '../fpu/ext80.js';
import type { FpuUnit } from '../fpu/unit.js';
import type { Execute, Instruction } from '../instruction.js';
import { longRead, longWrite, readLong16, readLong32, writeLong16, writeLong32 } from '../long-operands.js';
import { notWaiting, waiting } from './x87.js';

export const fninit: Execute = notWaiting((fpu) => fpu.initialise());
export const fnclex: Execute = notWaiting((fpu) => fpu.clearExceptions());
/** FNENI, FNDISI and FNSETPM: nothing since the 387. */
export const nothing: Execute = notWaiting(() => {});

export const fnstcw: Execute = notWaiting((fpu, cpu, instruction) =>
  writeLong16(cpu, longWrite(cpu, instruction, 2), 0, fpu.controlWord),
);

export const fnstsw: Execute = notWaiting((fpu, cpu, instruction) =>
  writeLong16(cpu, longWrite(cpu, instruction, 2), 0, fpu.statusWord),
);

export const fnstswAx: Execute = notWaiting((fpu, cpu) => writeGeneral(cpu, EAX, fpu.statusWord, 2));

export const fldcw: Execute = waiting((fpu, cpu, instruction) => {
  fpu.controlWord = readLong16(cpu, longRead(cpu, instruction, 2));
});

// ------------------------------------------------------------------------------- the environment: FNSTENV and FLDENV

const ENVIRONMENT_WORDS = 7;
const REGISTER_BYTES = 10;

const environmentSize = ({ operandSize }: Instruction) => ENVIRONMENT_WORDS * operandSize;

/** In real and virtual-8086 mode the pointers are linear addresses: FP-42. */
const hasLinearPointers = (cpu: Cpu) => (cpu.cr0 & CR0.PE) === 0 || (cpu.systemFlags & VM) !== 0;

/**
 * Seven items: control, status and tag words, and the pointers as the mode has them. With operands of 16 bits it is their lower
 * halves that are stored.
 */
function environmentItems(cpu: Cpu): readonly number[] {
  const { fpu } = cpu;
  const words = [fpu.controlWord, fpu.statusWord, fpu.tagWord].map(withOnes);
  const { codeSelector, codeOffset, dataSelector, dataOffset, opcode } = fpu.pointers;
  if (!hasLinearPointers(cpu)) {
    // FP-41
    return [...words, codeOffset, codeSelector | (opcode << 16), dataOffset, withOnes(dataSelector)];
  }
  // FP-42
  const code = codeSelector * 16 + codeOffset;
  const data = dataSelector * 16 + dataOffset;
  const upper = (linear: number) => (linear >>> 16) << 12;
  return [...words, withOnes(code & 0xffff), upper(code) | opcode, withOnes(data & 0xffff), upper(data)];
}

/** The upper half of a double word that holds 16 bits. */
const withOnes = (word: number) => (0xffff0000 | word) >>> 0;

function writeItem(cpu: Cpu, linear: number, index: number, size: 2 | 4, value: number): void {
  if (size === 2) writeLong16(cpu, linear, 2 * index, value);
  else writeLong32(cpu, linear, 4 * index, value);
}

function writeEnvironment(cpu: Cpu, linear: number, operandSize: 2 | 4): void {
  environmentItems(cpu).forEach((item, index) => {
    writeItem(cpu, linear, index, operandSize, item);
  });
}

/** All is read before anything is loaded. */
function readEnvironment(cpu: Cpu, linear: number, operandSize: 2 | 4): void {
  const { fpu } = cpu;
  const item = (index: number) =>
    operandSize === 2 ? readLong16(cpu, linear, 2 * index) : readLong32(cpu, linear, 4 * index);
  const items = [0, 1, 2, 3, 4, 5, 6].map(item);
  fpu.controlWord = items[0];
  fpu.statusWord = items[1];
  fpu.tagWord = items[2];
  const [, , , third, fourth, fifth, sixth] = items;
  if (hasLinearPointers(cpu)) {
    fpu.pointers = linearPointers(third, fourth, fifth, sixth);
    return;
  }
  fpu.pointers = {
    codeOffset: third,
    codeSelector: fourth & 0xffff,
    opcode: (fourth >>> 16) & 0x7ff,
    dataOffset: fifth,
    dataSelector: sixth & 0xffff,
  };
}

function linearPointers(code: number, codeTop: number, data: number, dataTop: number) {
  // Bits 12 up of the second item are bits 16 up of the address; 16-bit images have four of them.
  const top = (item: number) => ((item & 0x0ffff000) << 4) >>> 0;
  return {
    codeSelector: 0,
    codeOffset: (top(codeTop) | (code & 0xffff)) >>> 0,
    opcode: codeTop & 0x7ff,
    dataSelector: 0,
    dataOffset: (top(dataTop) | (data & 0xffff)) >>> 0,
  };
}

/** FP-40: afterwards all exceptions are masked. */
export const fnstenv: Execute = notWaiting((fpu, cpu, instruction) => {
  writeEnvironment(cpu, longWrite(cpu, instruction, environmentSize(instruction)), instruction.operandSize);
  fpu.controlWord |= ALL_EXCEPTIONS;
});

export const fldenv: Execute = waiting((_fpu, cpu, instruction) => {
  const linear = longRead(cpu, instruction, environmentSize(instruction));
  readEnvironment(cpu, linear, instruction.operandSize);
});

// ------------------------------------------------------------------------------------------------- FNSAVE and FRSTOR

const stateSize = (instruction: Instruction) => environmentSize(instruction) + 8 * REGISTER_BYTES;

function writeRegister(cpu: Cpu, linear: number, { signExponent, high, low }: Ext80): void {
  writeLong32(cpu, linear, 0, low);
  writeLong32(cpu, linear, 4, high);
  writeLong16(cpu, linear, 8, signExponent);
}

function readRegister(cpu: Cpu, linear: number): Ext80 {
  const low = readLong32(cpu, linear);
  const high = readLong32(cpu, linear, 4);
  return new Ext80(readLong16(cpu, linear, 8), high, low);
}

/** Eight registers from ST(0) on, `stride` bytes apart. */
function writeRegisters(cpu: Cpu, fpu: FpuUnit, linear: number, stride: number): void {
  for (let i = 0; i < 8; i++) writeRegister(cpu, (linear + i * stride) >>> 0, fpu.st(i));
}

const ALL_REGISTERS = [0, 1, 2, 3, 4, 5, 6, 7];

const readRegisters = (cpu: Cpu, linear: number, stride: number): Ext80[] =>
  ALL_REGISTERS.map((i) => readRegister(cpu, (linear + i * stride) >>> 0));

/** From ST(0) on, as TOP is now. */
const loadRegisters = (fpu: FpuUnit, values: readonly Ext80[]): void =>
  values.forEach((value, i) => {
    fpu.setContent(i, value);
  });

/** FP-43: afterwards the unit is as after FNINIT. */
export const fnsave: Execute = notWaiting((fpu, cpu, instruction) => {
  const linear = longWrite(cpu, instruction, stateSize(instruction));
  writeEnvironment(cpu, linear, instruction.operandSize);
  writeRegisters(cpu, fpu, linear + environmentSize(instruction), REGISTER_BYTES);
  fpu.initialise();
});

export const frstor: Execute = waiting((fpu, cpu, instruction) => {
  const linear = longRead(cpu, instruction, stateSize(instruction));
  const registers = readRegisters(cpu, linear + environmentSize(instruction), REGISTER_BYTES);
  readEnvironment(cpu, linear, instruction.operandSize);
  loadRegisters(fpu, registers);
});

// ------------------------------------------------------------------------------------------------ FXSAVE and FXRSTOR

const FXSAVE_BYTES = 512;
const FXSAVE_ALIGNMENT = 16;
const FXSAVE_REGISTERS = 32;
const FXSAVE_STRIDE = 16;

/** FP-44. Checked before the pages. */
function requireAligned(linear: number): void {
  if (linear % FXSAVE_ALIGNMENT !== 0) throw generalProtection(0);
}

/** FP-45. Where the image has MXCSR and the SSE registers, memory stays as it is: this processor has none. */
export const fxsave: Execute = notWaiting((fpu, cpu, instruction) => {
  const linear = longWrite(cpu, instruction, FXSAVE_BYTES);
  requireAligned(linear);
  const { codeSelector, codeOffset, dataSelector, dataOffset, opcode } = fpu.pointers;
  writeLong32(cpu, linear, 0, fpu.controlWord | (fpu.statusWord << 16));
  writeLong32(cpu, linear, 4, fpu.abridgedTags | (opcode << 16));
  writeLong32(cpu, linear, 8, codeOffset);
  writeLong32(cpu, linear, 12, codeSelector);
  writeLong32(cpu, linear, 16, dataOffset);
  writeLong32(cpu, linear, 20, dataSelector);
  for (let i = 0; i < 8; i++) {
    const at = (linear + FXSAVE_REGISTERS + i * FXSAVE_STRIDE) >>> 0;
    writeRegister(cpu, at, fpu.st(i));
    for (const reserved of [10, 12, 14]) writeLong16(cpu, at, reserved, 0);
  }
});

/** FP-46. */
export const fxrstor: Execute = notWaiting((fpu, cpu, instruction) => {
  const linear = longRead(cpu, instruction, FXSAVE_BYTES);
  requireAligned(linear);
  const registers = readRegisters(cpu, linear + FXSAVE_REGISTERS, FXSAVE_STRIDE);
  fpu.controlWord = readLong16(cpu, linear);
  fpu.statusWord = readLong16(cpu, linear, 2);
  fpu.abridgedTags = readLong16(cpu, linear, 4);
  fpu.pointers = {
    opcode: readLong16(cpu, linear, 6) & 0x7ff,
    codeOffset: readLong32(cpu, linear, 8),
    codeSelector: readLong16(cpu, linear, 12),
    dataOffset: readLong32(cpu, linear, 16),
    dataSelector: readLong16(cpu, linear, 20),
  };
  loadRegisters(fpu, registers);
});
