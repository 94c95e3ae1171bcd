// SPDX-License-Identifier: GPL-2.0-or-later

/** The notation of the opcode maps: which operands an instruction has and how they are encoded. */

import type { Execute } from './instruction.js';

/**
 * Operands in the notation of the manuals' opcode maps. The first letter is where the operand is, the second its size.
 *
 * E: register or memory by ModRM; M: memory only; R: register only; G: register by ModRM.reg; Z: register by the low
 * bits of the opcode; S: segment register by ModRM.reg; I: immediate; J: displacement relative to the next
 * instruction; O: memory at an offset that follows the opcode; A: far pointer that follows the opcode; X: the item of a
 * string instruction.
 *
 * b: byte; w: 16 bits; d: 32 bits; v: 16 or 32 bits by the operand size attribute; s: a byte, sign-extended to the
 * operand size; p: a far pointer; `Mw/Rv`: 16 bits in memory, operand size in a register; `M`: memory of which the
 * instruction decides the size. `Q`: MMX register or memory by ModRM, read and written by the instruction itself.
 * `I2`: a second immediate byte.
 */
export type OperandCode =
  | ('Eb' | 'Ev' | 'Ew' | 'M' | 'Mw/Rv' | 'Mp' | 'Rd' | 'Q')
  | ('Gb' | 'Gv' | 'Gw' | 'Zb' | 'Zv' | 'Sw')
  | ('Ib' | 'Iv' | 'Iw' | 'Is' | 'I2' | 'Jb' | 'Jv' | 'Ob' | 'Ov' | 'Ap')
  | ('Xb' | 'Xv')
  | ('AL' | 'rAX' | 'CL' | 'DX' | '1')
  | ('ES' | 'CS' | 'SS' | 'DS' | 'FS' | 'GS');

/** One instruction of an opcode map. */
export interface Opcode {
  mnemonic: string;
  operands: readonly OperandCode[];
  execute: Execute;
  /** LOCK is permitted when the first operand is memory. */
  lockable: boolean;
  /** Bits of `Feature`: a processor without one of them does not have the instruction. */
  needs: number;
}

/** Several instructions that share an opcode: ModRM.reg chooses. */
export interface OpcodeGroup {
  group: readonly (Opcode | undefined)[];
}

/** The instructions behind an escape byte, D8h to DFh: FP-3. */
export interface EscapeGroup {
  /** With a memory operand, by ModRM.reg. */
  memory: readonly (Opcode | undefined)[];
  /** With registers, by ModRM.reg; where ModRM.rm tells instructions apart, eight of them. */
  register: readonly (Opcode | readonly (Opcode | undefined)[] | undefined)[];
}

/** What is undefined raises #UD. */
export type OpcodeMap = Readonly<Record<number, Opcode | OpcodeGroup | EscapeGroup | undefined>>;

/** @param operands in the order of the manual */
export function opcode(mnemonic: string, operands: readonly OperandCode[], execute: Execute): Opcode {
  return { mnemonic, operands, execute, lockable: false, needs: 0 };
}

export function lockable(mnemonic: string, operands: readonly OperandCode[], execute: Execute): Opcode {
  return { mnemonic, operands, execute, lockable: true, needs: 0 };
}

/** An instruction that only the processors with a feature have: SYS-27. */
export const since = (feature: number, entry: Opcode): Opcode => ({ ...entry, needs: feature });

/** @param members eight, by ModRM.reg */
export const group = (...members: (Opcode | undefined)[]): OpcodeGroup => ({ group: members });

/** Names of the conditions, by the low four bits of the opcode (EX-17). */
const CONDITIONS = ['O', 'NO', 'B', 'AE', 'E', 'NE', 'BE', 'A', 'S', 'NS', 'P', 'NP', 'L', 'GE', 'LE', 'G'];

/** The sixteen opcodes of Jcc, SETcc or CMOVcc. */
export function conditionRow(
  from: number,
  prefix: string,
  operands: readonly OperandCode[],
  execute: Execute,
  feature = 0,
): Record<number, Opcode> {
  return Object.fromEntries(
    CONDITIONS.map((name, code) => [from + code, since(feature, opcode(prefix + name, operands, execute))]),
  );
}

/** The same instruction at `count` opcodes in a row. */
export function row<Entry extends Opcode | undefined>(
  from: number,
  count: number,
  entry: Entry,
): Record<number, Entry> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [from + i, entry]));
}
