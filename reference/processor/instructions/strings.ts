// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * String instructions: EX-20. With a repeat prefix (EX-21) each round is a step of its own, so it can be interrupted
 * and restarted (EX-22).
 */

import { type Cpu, EAX, ECX, EDI, EDX, ESI, readGeneral, writeGeneral } from '../cpu.js';
import { DF } from '../flags.js';
import type { Execute, Instruction } from '../instruction.js';
import type { PortSize } from '../interface.js';
import { writePrepared } from '../paging.js';
import { prepareSegmentWrite, readSegment, writeSegment } from '../segmentation.js';
import { type OperandSize, truncate } from '../sizes.js';
import { checkPortAccess } from '../task-state.js';
import { readPort, writePort } from './io.js';

/** One round: moves or compares one item and advances the index registers. */
type Round = (cpu: Cpu, instruction: Instruction, size: OperandSize) => void;

/** Moves an index register by one item, as DF says, within the address size. */
function advance(cpu: Cpu, register: number, instruction: Instruction, size: OperandSize): void {
  const width = instruction.addressSize;
  const step = (cpu.systemFlags & DF) !== 0 ? -size : size;
  writeGeneral(cpu, register, truncate(readGeneral(cpu, register, width) + step, width), width);
}

const sourceOffset = (cpu: Cpu, instruction: Instruction) => readGeneral(cpu, ESI, instruction.addressSize);
const targetOffset = (cpu: Cpu, instruction: Instruction) => readGeneral(cpu, EDI, instruction.addressSize);

function readSource(cpu: Cpu, instruction: Instruction, size: OperandSize): number {
  return readSegment(cpu, cpu.segments[instruction.segment], sourceOffset(cpu, instruction), size);
}

/**
 * @param compares the instruction is CMPS or SCAS: REPE and REPNE also look at ZF
 */
function stringInstruction(round: Round, compares = false): Execute {
  return (cpu, instruction) => {
    const size = instruction.first.size;
    if (instruction.repeat === 'none') {
      round(cpu, instruction, size);
      return;
    }
    const width = instruction.addressSize;
    const count = readGeneral(cpu, ECX, width);
    if (count === 0) return;
    round(cpu, instruction, size);
    writeGeneral(cpu, ECX, count - 1, width);
    const { zero } = cpu.status;
    const satisfied = compares && zero !== (instruction.repeat === 'repe');
    if (count > 1 && !satisfied) {
      cpu.nextEip = cpu.eip;
      cpu.repeating = true;
    }
  };
}

export const movs = stringInstruction((cpu, instruction, size) => {
  const value = readSource(cpu, instruction, size);
  writeSegment(cpu, cpu.es, targetOffset(cpu, instruction), value, size);
  advance(cpu, ESI, instruction, size);
  advance(cpu, EDI, instruction, size);
});

export const stos = stringInstruction((cpu, instruction, size) => {
  writeSegment(cpu, cpu.es, targetOffset(cpu, instruction), readGeneral(cpu, EAX, size), size);
  advance(cpu, EDI, instruction, size);
});

export const lods = stringInstruction((cpu, instruction, size) => {
  writeGeneral(cpu, EAX, readSource(cpu, instruction, size), size);
  advance(cpu, ESI, instruction, size);
});

export const cmps = stringInstruction((cpu, instruction, size) => {
  const left = readSource(cpu, instruction, size);
  const right = readSegment(cpu, cpu.es, targetOffset(cpu, instruction), size);
  cpu.status.subtract(left, right, 0, size);
  advance(cpu, ESI, instruction, size);
  advance(cpu, EDI, instruction, size);
}, true);

export const scas = stringInstruction((cpu, instruction, size) => {
  const right = readSegment(cpu, cpu.es, targetOffset(cpu, instruction), size);
  cpu.status.subtract(readGeneral(cpu, EAX, size), right, 0, size);
  advance(cpu, EDI, instruction, size);
}, true);

/** INS and OUTS ask for permission first, even when the count is zero: IO-10. */
function portString(instruction: Execute): Execute {
  return (cpu, decoded) => {
    checkPortAccess(cpu, readGeneral(cpu, EDX, 2), decoded.first.size);
    instruction(cpu, decoded);
  };
}

/** INS: the memory is checked for the write before the port is read. */
export const ins = portString(
  stringInstruction((cpu, instruction, size: PortSize) => {
    prepareSegmentWrite(cpu, cpu.es, targetOffset(cpu, instruction), size);
    writePrepared(cpu, readPort(cpu, readGeneral(cpu, EDX, 2), size), size);
    advance(cpu, EDI, instruction, size);
  }),
);

export const outs = portString(
  stringInstruction((cpu, instruction, size: PortSize) => {
    const value = readSource(cpu, instruction, size);
    writePort(cpu, readGeneral(cpu, EDX, 2), size, value);
    advance(cpu, ESI, instruction, size);
  }),
);
