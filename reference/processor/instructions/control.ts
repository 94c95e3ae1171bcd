// SPDX-License-Identifier: GPL-2.0-or-later

/** Jumps, calls, returns (EX-16), conditions (EX-17), loops (EX-18) and software interrupts. */

import { type Cpu, ECX, readGeneral, writeGeneral } from '../cpu.js';
import { boundRange, generalProtection, invalidOpcode, Vector } from '../exceptions.js';
import { condition } from '../flags.js';
import { type Execute, effectiveAddress, type Instruction } from '../instruction.js';
import { deliverTrap, softwareInterrupt } from '../interrupts.js';
import { inVirtual8086Mode } from '../modes.js';
import { readOperand } from '../operands.js';
import { readSegment } from '../segmentation.js';
import { signed, truncate } from '../sizes.js';
import { pop, push, setStackPointer, stackOffset } from '../stack.js';
import { callFar, jumpFar, jumpNear, returnFar, returnFromInterrupt } from '../transfers.js';
import { redirectInterrupt } from '../virtual-8086.js';

/** Where a relative transfer goes; with a 16-bit operand EIP keeps 16 bits. */
const relativeTarget = (cpu: Cpu, instruction: Instruction) =>
  truncate(cpu.nextEip + instruction.immediate, instruction.operandSize);

export const jmpRelative: Execute = (cpu, instruction) => {
  jumpNear(cpu, relativeTarget(cpu, instruction));
};

export const jmpIndirect: Execute = (cpu, instruction) => {
  jumpNear(cpu, readOperand(cpu, instruction, instruction.first));
};

export const jcc: Execute = (cpu, instruction) => {
  if (condition(cpu, instruction.opcode & 15)) jumpNear(cpu, relativeTarget(cpu, instruction));
};

/** JCXZ and JECXZ: the address size chooses the register. */
export const jcxz: Execute = (cpu, instruction) => {
  if (readGeneral(cpu, ECX, instruction.addressSize) === 0) jumpNear(cpu, relativeTarget(cpu, instruction));
};

/** LOOP, LOOPE, LOOPNE: counts down, and jumps while the count is not zero and the condition holds. */
function loopInstruction(goesOn: (zero: boolean) => boolean): Execute {
  return (cpu, instruction) => {
    const size = instruction.addressSize;
    const count = truncate(readGeneral(cpu, ECX, size) - 1, size);
    if (count !== 0 && goesOn(cpu.status.zero)) jumpNear(cpu, relativeTarget(cpu, instruction));
    writeGeneral(cpu, ECX, count, size);
  };
}

export const loop = loopInstruction(() => true);
export const loope = loopInstruction((zero) => zero);
export const loopne = loopInstruction((zero) => !zero);

/** A call beyond the code limit pushes nothing: choice `branch_limit`. */
function callNear(cpu: Cpu, target: number, size: 2 | 4): void {
  if (target > cpu.cs.limit) throw generalProtection(0);
  push(cpu, cpu.nextEip, size);
  cpu.nextEip = target;
}

export const callRelative: Execute = (cpu, instruction) => {
  callNear(cpu, relativeTarget(cpu, instruction), instruction.operandSize);
};

export const callIndirect: Execute = (cpu, instruction) => {
  callNear(cpu, readOperand(cpu, instruction, instruction.first), instruction.operandSize);
};

/** RET, and RET with bytes of parameters to drop. */
export const retNear: Execute = (cpu, instruction) => {
  const target = pop(cpu, instruction.operandSize);
  jumpNear(cpu, target);
  setStackPointer(cpu, stackOffset(cpu, instruction.immediate));
};

/** The far pointer in memory: the offset, then the selector. */
export function readFarPointer(cpu: Cpu, instruction: Instruction): { offset: number; selector: number } {
  const segment = cpu.segments[instruction.segment];
  const size = instruction.operandSize;
  const address = effectiveAddress(cpu, instruction);
  const offset = readSegment(cpu, segment, address, size);
  const selector = readSegment(cpu, segment, ((address + size) & instruction.addressMask) >>> 0, 2);
  return { offset, selector };
}

export const jmpFarDirect: Execute = (cpu, instruction) => {
  jumpFar(cpu, instruction.immediate2, instruction.immediate);
};

export const jmpFarIndirect: Execute = (cpu, instruction) => {
  const { offset, selector } = readFarPointer(cpu, instruction);
  jumpFar(cpu, selector, offset);
};

export const callFarDirect: Execute = (cpu, instruction) => {
  callFar(cpu, instruction.immediate2, instruction.immediate, instruction.operandSize);
};

export const callFarIndirect: Execute = (cpu, instruction) => {
  const { offset, selector } = readFarPointer(cpu, instruction);
  callFar(cpu, selector, offset, instruction.operandSize);
};

export const retFar: Execute = (cpu, instruction) => {
  returnFar(cpu, instruction.operandSize, instruction.immediate);
};

export const iret: Execute = (cpu, instruction) => {
  returnFromInterrupt(cpu, instruction.operandSize);
};

export const int: Execute = (cpu, instruction) => {
  const vector = instruction.immediate;
  const redirected = inVirtual8086Mode(cpu) && redirectInterrupt(cpu, vector);
  if (!redirected) softwareInterrupt(cpu, vector);
};
export const int3: Execute = (cpu) => softwareInterrupt(cpu, Vector.breakpoint);
export const into: Execute = (cpu) => {
  if (cpu.status.overflow) softwareInterrupt(cpu, Vector.overflow);
};

/** ICEBP (F1h): a debug exception that no gate's DPL can refuse (DBG-19). */
export const icebp: Execute = (cpu) => deliverTrap(cpu, Vector.debug, cpu.nextEip);

/** BOUND: the first operand, signed, must lie between the two words in memory. */
export const bound: Execute = (cpu, instruction) => {
  const size = instruction.operandSize;
  const segment = cpu.segments[instruction.segment];
  const address = effectiveAddress(cpu, instruction);
  const lower = readSegment(cpu, segment, address, size);
  const upper = readSegment(cpu, segment, ((address + size) & instruction.addressMask) >>> 0, size);
  const value = signed(readOperand(cpu, instruction, instruction.first), size);
  if (value < signed(lower, size) || value > signed(upper, size)) throw boundRange();
};

export const ud: Execute = () => {
  throw invalidOpcode();
};
