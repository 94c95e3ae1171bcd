// SPDX-License-Identifier: GPL-2.0-or-later

import { isImplicit } from './forms.js';
import type { FuzzInstruction } from './instruction.js';
import { assemble, beginnings } from './instruction.js';
import { CODE } from './machine.js';
import { hexByte } from './values.js';

/** Instructions in the notation of NASM, for a reader: the bytes are what counts. */

const REGISTERS_32 = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'];
const REGISTERS_16 = REGISTERS_32.map((name) => name.slice(1));
const REGISTERS_8 = ['al', 'cl', 'dl', 'bl', 'ah', 'ch', 'dh', 'bh'];
const SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs', 'segr6', 'segr7'];
const SUMS_16 = ['bx+si', 'bx+di', 'bp+si', 'bp+di', 'si', 'di', 'bp', 'bx'];
const CONDITIONS = 'o no c nc z nz na a s ns p np l nl ng g'.split(' ');
const SIZE_WORDS: Readonly<Record<number, string>> = {
  1: 'byte',
  2: 'word',
  4: 'dword',
  8: 'qword',
  10: 'tword',
};
const SIZES: Readonly<Record<string, number>> = { b: 1, w: 2, d: 4, q: 8, t: 10 };
const [OPERAND_SIZE, ADDRESS_SIZE] = [0x66, 0x67];
const PREFIXES: Readonly<Record<number, string>> = {
  ...{ 38: 'es', 46: 'cs', 54: 'ss', 62: 'ds', 100: 'fs', 101: 'gs' },
  ...{ 240: 'lock', 242: 'repne', 243: 'rep' },
};

/** One line for each instruction. */
export function assembly(instructions: readonly FuzzInstruction[]): string[] {
  const bytes = assemble(instructions);
  const offsets = beginnings(instructions);
  return instructions.map((instruction, i) => {
    const line = [...prefixWords(instruction), nameOf(instruction)].join(' ');
    const next = CODE + (offsets[i + 1] ?? 0);
    const operands = operandTexts(instruction, bytes[i] ?? [], next);
    return operands.length === 0 ? line : `${line} ${operands.join(', ')}`;
  });
}

function prefixWords({ prefixes, wide, address32 }: FuzzInstruction): string[] {
  return prefixes.map((prefix) => {
    if (prefix === OPERAND_SIZE) return wide === 4 ? 'o32' : 'o16';
    if (prefix === ADDRESS_SIZE) return address32 ? 'a32' : 'a16';
    return PREFIXES[prefix] ?? hexByte(prefix);
  });
}

// -------------------------------------------------------------------------------------------------------------- names

/** Mnemonics of the table of forms that stand for several, by the digit in ModRM.reg or the last byte of the opcode. */
const LOADS: Readonly<Record<number, string>> = {
  196: 'les',
  197: 'lds',
  178: 'lss',
  180: 'lfs',
  181: 'lgs',
};
const STORES: Readonly<Record<number, readonly string[]>> = {
  0: ['sldt', 'str'],
  1: ['sgdt', 'sidt', '', '', 'smsw'],
};
const CONDITIONAL: Readonly<Record<string, string>> = { JCC: 'j', SETCC: 'set', CMOVCC: 'cmov' };
/** These have another name with 32 bits. */
const WIDE_NAMES: Readonly<Record<string, string>> = {
  ...{
    CBW: 'cwde',
    CWD: 'cdq',
    PUSHA: 'pushad',
    POPA: 'popad',
    PUSHF: 'pushfd',
    POPF: 'popfd',
    IRET: 'iretd',
  },
};
const STRINGS = new Set(['MOVS', 'CMPS', 'STOS', 'LODS', 'SCAS', 'INS', 'OUTS']);

function nameOf({ mnemonic, opcode, modrm, wide, address32, operands }: FuzzInstruction): string {
  const last = opcode.at(-1) ?? 0;
  const condition = CONDITIONAL[mnemonic];
  if (condition !== undefined) return `${condition}${CONDITIONS[last & 0xf]}`;
  if (STRINGS.has(mnemonic))
    return `${mnemonic.toLowerCase()}${(last & 1) === 0 ? 'b' : wide === 4 ? 'd' : 'w'}`;
  if (mnemonic === 'JCXZ') return address32 ? 'jecxz' : 'jcxz';
  if (mnemonic === 'LOAD') return LOADS[last] ?? 'load';
  if (mnemonic === 'STORE') return STORES[last]?.[((modrm[0] ?? 0) >> 3) & 7] ?? 'store';
  if (mnemonic === 'MOVCR' || mnemonic === 'MOVDR') return 'mov';
  if (mnemonic === 'INT' && last === 0xcc) return 'int3';
  const name = wide === 4 ? WIDE_NAMES[mnemonic] : undefined;
  const isFar = last === 0xff && operands[0] === 'M';
  return `${name ?? mnemonic.toLowerCase()}${isFar ? ' far' : ''}`;
}

// ----------------------------------------------------------------------------------------------------------- operands

/** @param next address of the next instruction, where a relative jump begins to count */
function operandTexts(instruction: FuzzInstruction, bytes: readonly number[], next: number): string[] {
  if (instruction.jump !== undefined) {
    const distance = signed(bytes.slice(-instruction.jump.size));
    return [number(next + distance)];
  }
  const rest = [...instruction.immediate];
  return instruction.operands.map((operand) => operandText(instruction, operand, rest));
}

/** @param rest the immediate bytes that are not yet told */
function operandText(instruction: FuzzInstruction, operand: string, rest: number[]): string {
  const { opcode, modrm, wide } = instruction;
  const size = sizeOf(operand, wide);
  const reg = ((modrm[0] ?? 0) >> 3) & 7;
  const rm = (modrm[0] ?? 0) & 7;
  if (isImplicit(operand)) return namedOperand(operand, reg, instruction);
  if (operand.endsWith('mq'))
    return operand === 'Gmq' ? `mm${reg}` : registerOrMemory(instruction, 8, `mm${rm}`);
  switch (operand[0]) {
    case 'E':
      return registerOrMemory(instruction, size, registerName(rm, size));
    case 'M':
      return memoryText(instruction, operand === 'M' ? undefined : size);
    case 'R':
      return registerName(rm, size);
    case 'G':
      return registerName(reg, size);
    case 'Z':
      return registerName((opcode.at(-1) ?? 0) & 7, size);
    case 'I':
    case 'N':
    case 'L':
      return number(unsigned(rest.splice(0, size)));
    case 'O':
      return `[${number(unsigned(rest.splice(0)))}]`;
    case 'P': {
      const offset = unsigned(rest.splice(0, wide));
      return `${number(unsigned(rest))}:${number(offset)}`;
    }
    default:
      return namedOperand(operand, reg, instruction);
  }
}

/** What has a name of its own. */
function namedOperand(operand: string, reg: number, { opcode, wide }: FuzzInstruction): string {
  switch (operand) {
    case 'Sw':
      return SEGMENTS[reg] ?? '';
    case 'C':
      return `cr${reg}`;
    case 'D':
      return `dr${reg}`;
    case 'ST+':
      return `st${(opcode.at(-1) ?? 0) & 7}`;
    case 'rAX':
      return wide === 4 ? 'eax' : 'ax';
    default:
      return operand.toLowerCase();
  }
}

const sizeOf = (operand: string, wide: number): number => SIZES[operand.at(-1) ?? ''] ?? wide;

function registerName(index: number, size: number): string {
  const names = size === 1 ? REGISTERS_8 : size === 2 ? REGISTERS_16 : REGISTERS_32;
  return names[index] ?? '';
}

const REGISTER_MODE = 3;

const registerOrMemory = (instruction: FuzzInstruction, size: number, register: string): string =>
  (instruction.modrm[0] ?? 0) >> 6 === REGISTER_MODE ? register : memoryText(instruction, size);

function memoryText({ modrm, displacement, address32 }: FuzzInstruction, size: number | undefined): string {
  const [first = 0, sib] = modrm;
  const base = address32 ? base32(first, sib) : base16(first, displacement.length);
  const distance = displacement.length === 1 ? signed(displacement) : unsigned(displacement);
  const isAlone = base === '';
  const offset =
    displacement.length === 0
      ? ''
      : distance < 0
        ? `-${number(-distance)}`
        : `${isAlone ? '' : '+'}${number(distance)}`;
  return `${size === undefined ? '' : `${SIZE_WORDS[size]} `}[${base}${offset}]`;
}

const [ESP, EBP] = [4, 5];

function base32(modrm: number, sib: number | undefined): string {
  const hasBase = (base: number) => base !== EBP || modrm >> 6 !== 0;
  if (sib === undefined) return hasBase(modrm & 7) ? (REGISTERS_32[modrm & 7] ?? '') : '';
  const index = (sib >> 3) & 7;
  const base = hasBase(sib & 7) ? [REGISTERS_32[sib & 7]] : [];
  const scaled = index === ESP ? [] : [`${REGISTERS_32[index]}*${1 << (sib >> 6)}`];
  return [...base, ...scaled].join('+');
}

const base16 = (modrm: number, displacementBytes: number): string =>
  (modrm & 7) === 6 && modrm >> 6 === 0 && displacementBytes === 2 ? '' : (SUMS_16[modrm & 7] ?? '');

// ------------------------------------------------------------------------------------------------------------ numbers

const unsigned = (bytes: readonly number[]): number => bytes.reduceRight((sum, byte) => sum * 256 + byte, 0);

function signed(bytes: readonly number[]): number {
  const value = unsigned(bytes);
  const limit = 2 ** (8 * bytes.length);
  return value >= limit / 2 ? value - limit : value;
}

const number = (value: number): string =>
  value < 10 && value >= 0 ? `${value}` : `0x${(value >>> 0).toString(16)}`;
