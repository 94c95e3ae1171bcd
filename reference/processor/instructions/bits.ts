// SPDX-License-Identifier: GPL-2.0-or-later

/** Single bits: BT, BTS, BTR, BTC, BSF, BSR. */

import type { Cpu } from '../cpu.js';
import { CF, setFlag, ZF } from '../flags.js';
import { type Execute, effectiveAddress, type Instruction } from '../instruction.js';
import { readForUpdate, readOperand, updateOperand, writeOperand } from '../operands.js';
import { readPrepared, writePrepared } from '../paging.js';
import { prepareSegmentWrite, readSegment } from '../segmentation.js';
import { bitsOf, signed } from '../sizes.js';

/** What becomes of the bit that was tested. */
type BitChange = (value: number, bit: number) => number;

/**
 * A bit offset in a register reaches, with a memory operand, beyond the operand: it is signed and selects the word
 * too. Everything else counts modulo the operand's size.
 */
const reachesBeyond = ({ first, second }: Instruction) =>
  first.kind === 'memory' && second.kind === 'general';

function addressOfBit(cpu: Cpu, instruction: Instruction, offset: number): number {
  const { size } = instruction.first;
  const word = Math.floor(signed(offset, size) / bitsOf(size));
  return ((effectiveAddress(cpu, instruction) + word * size) & instruction.addressMask) >>> 0;
}

export const bt: Execute = (cpu, instruction) => {
  const { first, second } = instruction;
  const offset = readOperand(cpu, instruction, second);
  const value = reachesBeyond(instruction)
    ? readSegment(cpu, cpu.segments[instruction.segment], addressOfBit(cpu, instruction, offset), first.size)
    : readOperand(cpu, instruction, first);
  setFlag(cpu, CF, ((value >>> (offset & (bitsOf(first.size) - 1))) & 1) !== 0);
};

function bitInstruction(change: BitChange): Execute {
  return (cpu, instruction) => {
    const { first, second } = instruction;
    const offset = readOperand(cpu, instruction, second);
    const bit = 1 << (offset & (bitsOf(first.size) - 1));
    let value: number;
    if (reachesBeyond(instruction)) {
      const address = addressOfBit(cpu, instruction, offset);
      prepareSegmentWrite(cpu, cpu.segments[instruction.segment], address, first.size);
      value = readPrepared(cpu, first.size);
      writePrepared(cpu, change(value, bit) >>> 0, first.size);
    } else {
      value = readForUpdate(cpu, instruction, first);
      updateOperand(cpu, first, change(value, bit) >>> 0);
    }
    setFlag(cpu, CF, (value & bit) !== 0);
  };
}

export const bts = bitInstruction((value, bit) => value | bit);
export const btr = bitInstruction((value, bit) => value & ~bit);
export const btc = bitInstruction((value, bit) => value ^ bit);

/** BSF: a source of zero leaves the destination as it is. */
export const bsf: Execute = (cpu, instruction) => {
  const source = readOperand(cpu, instruction, instruction.second);
  setFlag(cpu, ZF, source === 0);
  if (source !== 0) writeOperand(cpu, instruction, instruction.first, 31 - Math.clz32(source & -source));
};

export const bsr: Execute = (cpu, instruction) => {
  const source = readOperand(cpu, instruction, instruction.second);
  setFlag(cpu, ZF, source === 0);
  if (source !== 0) writeOperand(cpu, instruction, instruction.first, 31 - Math.clz32(source));
};
