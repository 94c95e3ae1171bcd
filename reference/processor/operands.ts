// SPDX-License-Identifier: GPL-2.0-or-later

/** Reading and writing the operands of an instruction. */

import { type Cpu, readGeneral, writeGeneral } from './cpu.js';
import { effectiveAddress, type Instruction, type Operand } from './instruction.js';
import { readPrepared, writePrepared } from './paging.js';
import { prepareSegmentWrite, readSegment, writeSegment } from './segmentation.js';

export function readOperand(cpu: Cpu, instruction: Instruction, operand: Operand): number {
  switch (operand.kind) {
    case 'general':
      return readGeneral(cpu, operand.index, operand.size);
    case 'memory': {
      const segment = cpu.segments[instruction.segment];
      return readSegment(cpu, segment, effectiveAddress(cpu, instruction), operand.size);
    }
    case 'immediate':
      return instruction.immediate;
    case 'segment':
      return cpu.segments[operand.index].selector;
    case 'none':
      throw new Error(`${instruction.mnemonic} has no such operand`);
  }
}

export function writeOperand(cpu: Cpu, instruction: Instruction, operand: Operand, value: number): void {
  switch (operand.kind) {
    case 'general':
      writeGeneral(cpu, operand.index, value, operand.size);
      return;
    case 'memory': {
      const segment = cpu.segments[instruction.segment];
      writeSegment(cpu, segment, effectiveAddress(cpu, instruction), value, operand.size);
      return;
    }
    default:
      throw new Error(`${instruction.mnemonic} cannot write its ${operand.kind} operand`);
  }
}

/**
 * Reads an operand that will be written: memory is checked for the write before it is read, so that `updateOperand`,
 * which must follow, cannot fault.
 */
export function readForUpdate(cpu: Cpu, instruction: Instruction, operand: Operand): number {
  if (operand.kind !== 'memory') return readGeneral(cpu, operand.index, operand.size);
  const segment = cpu.segments[instruction.segment];
  prepareSegmentWrite(cpu, segment, effectiveAddress(cpu, instruction), operand.size);
  return readPrepared(cpu, operand.size);
}

/** Writes an operand that was read with `readForUpdate`. */
export function updateOperand(cpu: Cpu, operand: Operand, value: number): void {
  if (operand.kind === 'memory') writePrepared(cpu, value, operand.size);
  else writeGeneral(cpu, operand.index, value, operand.size);
}
