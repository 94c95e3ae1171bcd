// SPDX-License-Identifier: GPL-2.0-or-later

import { ARITHMETIC_FLAGS, type FlagUse, flagUse, isShift } from './undefined-flags.js';
import { littleEndian } from './values.js';

/** An instruction in parts, so that each can be made simpler. */
export interface FuzzInstruction {
  clause: string;
  mnemonic: string;
  prefixes: readonly number[];
  opcode: readonly number[];
  /** ModRM, and SIB when there is one. */
  modrm: readonly number[];
  displacement: readonly number[];
  immediate: readonly number[];
  /** A relative jump: how many of the instructions behind it are left out, and the bytes of its displacement. */
  jump?: { skips: number; size: 1 | 2 | 4 };
  /** Bytes of the operand. */
  size: 1 | 2 | 4;
  /** Its operands as the table of forms has them, with bytes of the operand size, and the width of its addresses. */
  operands: readonly string[];
  wide: 2 | 4;
  address32: boolean;
  /** A shift whose count is CL, and CL where it is known. */
  countInCl?: { value: number | undefined };
}

const ONE_COUNTS = new Set([0xd0, 0xd1]);

export function flagUseOf(instruction: FuzzInstruction): FlagUse {
  const { mnemonic, opcode, immediate, size, countInCl } = instruction;
  const last = opcode.at(-1) ?? 0;
  if (!isShift(mnemonic)) return flagUse(mnemonic, last);
  const fixed = ONE_COUNTS.has(last) ? 1 : immediate[0];
  return flagUse(mnemonic, last, { count: countInCl === undefined ? fixed : countInCl.value, size });
}

const lengthOf = ({ prefixes, opcode, modrm, displacement, immediate, jump }: FuzzInstruction): number =>
  prefixes.length + opcode.length + modrm.length + displacement.length + immediate.length + (jump?.size ?? 0);

/** Where each instruction begins, and behind the last of them where the code ends, as distances from its beginning. */
export function beginnings(instructions: readonly FuzzInstruction[]): number[] {
  const offsets = [0];
  for (const instruction of instructions) offsets.push((offsets.at(-1) ?? 0) + lengthOf(instruction));
  return offsets;
}

/** The bytes of each instruction. */
export function assemble(instructions: readonly FuzzInstruction[]): number[][] {
  const offsets = beginnings(instructions);
  return instructions.map((instruction, index) => {
    const { prefixes, opcode, modrm, displacement, immediate, jump } = instruction;
    const bytes = [...prefixes, ...opcode, ...modrm, ...displacement, ...immediate];
    if (jump === undefined) return bytes;
    const next = offsets[index + 1] ?? 0;
    const target = offsets[Math.min(index + 1 + jump.skips, instructions.length)] ?? next;
    return [...bytes, ...littleEndian(target - next, jump.size)];
  });
}

/**
 * The flags that are undefined before each instruction and behind the last, on whatever way one comes there; undefined
 * when an instruction would read such a flag.
 */
export function undefinedBefore(instructions: readonly FuzzInstruction[]): number[] | undefined {
  const before = Array.from({ length: instructions.length + 1 }, () => 0);
  const reach = (index: number, flags: number): void => {
    const at = Math.min(index, instructions.length);
    before[at] = (before[at] ?? 0) | flags;
  };
  for (const [index, instruction] of instructions.entries()) {
    const flags = before[index] ?? 0;
    const use = flagUseOf(instruction);
    if ((use.reads & flags) !== 0) return undefined;
    const after = (flags & ~use.defines) | use.undefined;
    reach(index + 1, after);
    if (instruction.jump !== undefined) reach(index + 1 + instruction.jump.skips, after);
  }
  return before;
}

/** Behind the code the fixtures have HLTs up to here. */
export const HALTS_END = 0x100;

export const isBehindCode = (instructions: readonly FuzzInstruction[], offset: number): boolean =>
  offset >= (beginnings(instructions).at(-1) ?? 0) && offset < HALTS_END;

/**
 * The flags that do not count when a run has ended at `offset` of the code.
 * @param offset of the instruction that an exception names; undefined when nothing names one
 */
export function undefinedAtEnd(instructions: readonly FuzzInstruction[], offset: number | undefined): number {
  const before = undefinedBefore(instructions);
  if (before === undefined) return ARITHMETIC_FLAGS;
  const begins = beginnings(instructions);
  const flags = before[offset === undefined ? -1 : begins.indexOf(offset)];
  if (flags !== undefined) return flags;
  // What ran in the data or in the middle of an instruction, and which flags that left undefined, nobody knows.
  const isBehind = offset === undefined || isBehindCode(instructions, offset);
  return isBehind ? before.reduce((all, some) => all | some, 0) : ARITHMETIC_FLAGS;
}
