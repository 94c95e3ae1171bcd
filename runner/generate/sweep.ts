// SPDX-License-Identifier: GPL-2.0-or-later

import type { FuzzCase } from '../fuzz/case.js';
import { encode } from '../fuzz/encode.js';
import { type Form, RARE_FORMS } from '../fuzz/forms.js';
import type { FuzzInstruction } from '../fuzz/instruction.js';
import { type Family, machineOf } from '../fuzz/machine.js';
import { Random } from './random.js';

/** Random encodings of each form, out of which the different ones are taken. */
const TRIES = 250;
/** Cases of one encoding, so that one of them may end otherwise than by a fault of its operands. */
const OF_ONE_ENCODING = 3;

/**
 * Every encoding of every instruction alone: opcode, member of its group, register and memory operand, operand and address
 * size, LOCK, repetition.
 */
export function* everyEncoding(seed: number, families: readonly Family[]): Generator<FuzzCase> {
  const random = new Random(seed);
  let number = 0;
  for (const family of families) {
    const forms = family.frame === undefined ? [...family.forms, ...RARE_FORMS] : family.forms;
    for (const form of forms) {
      const seen = new Map<string, number>();
      for (let i = 0; i < TRIES; i++) {
        const entry = caseOf(`sweep-${seed}-${number}`, family, form, random);
        const key = encodingOf(entry.instruction);
        const count = seen.get(key) ?? 0;
        seen.set(key, count + 1);
        if (count >= OF_ONE_ENCODING) continue;
        number++;
        yield entry.whole;
      }
    }
  }
}

function caseOf(
  id: string,
  family: Family,
  form: Form,
  random: Random,
): { whole: FuzzCase; instruction: FuzzInstruction } {
  const { machine, around } = machineOf(family, random);
  const instruction = encode(form, { ...around, following: 0, isFirst: true }, random);
  const { before, after } = family.frame?.(random) ?? { before: [], after: [] };
  const instructions = [...before, instruction, ...after];
  return { whole: { id, family: family.name, machine, instructions }, instruction };
}

const LOCK = 0xf0;
const REPEATS = [0xf2, 0xf3];
const REGISTER_OPERANDS = 0xc0;
/** What has no ModRM and is yet in memory. */
const IMPLIED_MEMORY = new Set([
  'MOVS',
  'CMPS',
  'STOS',
  'LODS',
  'SCAS',
  'INS',
  'OUTS',
  'XLAT',
  'LOOP',
  'JCXZ',
]);

/** ModRM.reg chooses among a group, since no operand is there. */
const hasDigit = (operands: readonly string[]): boolean =>
  !operands.some((operand) => /^(?:G.*|Sw|C|D)$/.test(operand));

/** Whether the operand size counts: with operands of that size, and with none. */
const isSized = (operands: readonly string[]): boolean =>
  operands.length === 0 || operands.some((operand) => /^(?:[EGIJZ]v|rAX|M|O|P|[CDEFGS]S)$/.test(operand));

/** What distinguishes an encoding from others of the same form; which registers it names does not. */
function encodingOf(instruction: FuzzInstruction): string {
  const { mnemonic, prefixes, opcode, modrm, operands, wide, address32 } = instruction;
  const [first] = modrm;
  const place = first === undefined ? 'none' : first >= REGISTER_OPERANDS ? 'register' : 'memory';
  const hasMemory = place === 'memory' || operands.includes('O') || IMPLIED_MEMORY.has(mnemonic);
  return [
    ...[mnemonic, opcode.join(' '), hasDigit(operands) ? ((first ?? 0) >> 3) & 7 : '', place],
    isSized(operands) ? wide : '',
    hasMemory ? address32 : '',
    prefixes.filter((prefix) => prefix === LOCK || REPEATS.includes(prefix)).join(' '),
  ].join('|');
}

/** The encoding that a case is about. */
export const encodingsOf = ({ family, instructions }: FuzzCase): string[] => [
  `${family} ${instructions.map(encodingOf).join(' ')}`,
];
