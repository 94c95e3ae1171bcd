// SPDX-License-Identifier: GPL-2.0-or-later

import type { Random } from '../generate/random.js';
import { type Form, isImplicit } from './forms.js';
import type { FuzzInstruction } from './instruction.js';
import { interestingWord, littleEndian } from './values.js';

/** What an encoding can make use of: where data lie, and what registers hold before the first instruction. */
export interface Surroundings {
  /** Operands and addresses of 32 bits without a prefix. */
  code32: boolean;
  /** General registers in the order of their numbers. */
  registers: readonly number[];
  /** Offsets that are worth an access. */
  spots: readonly number[];
  selectors: readonly number[];
  /** How many instructions follow. */
  following: number;
  /** It is the first instruction: the registers are still those. */
  isFirst: boolean;
}

const OPERAND_SIZE = 0x66;
const ADDRESS_SIZE = 0x67;
const LOCK = 0xf0;
const REPEAT = [0xf2, 0xf3];
const SEGMENTS = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];
const STRINGS = new Set(['MOVS', 'CMPS', 'STOS', 'LODS', 'SCAS', 'INS', 'OUTS']);
/**
 * A repeat prefix, which the manuals reserve here, makes another instruction on later processors, as it does in front of
 * most opcodes behind 0Fh: PAUSE; LOOPE and LOOPNE take their condition from it on AMD's.
 */
const REPEAT_MEANS_MORE = new Set(['NOP', 'LOOPE', 'LOOPNE']);
const ALLOWS_LOCK = new Set(
  'ADD OR ADC SBB AND SUB XOR INC DEC NOT NEG XADD CMPXCHG CMPXCHG8B BTS BTR BTC XCHG'.split(' '),
);
/** No instruction may be longer: most of the time it is not. */
const LONGEST = 15;
const ESP = 4;
const EBP = 5;
const ECX = 1;

/** Register, memory, or one of them for an operand of ModRM. */
type Place = 'either' | 'memory' | 'register';

export function encode(form: Form, around: Surroundings, random: Random): FuzzInstruction {
  const { clause, mnemonic, operands } = form;
  const prefixes = prefixesFor(form, around.code32, random);
  const wide = prefixes.includes(OPERAND_SIZE) !== around.code32;
  const address32 = prefixes.includes(ADDRESS_SIZE) !== around.code32;
  const opcode = opcodeOf(form, random);
  const size = sizeOf(form, wide ? 4 : 2);
  const place = placeOf(form);
  const modrm = place === undefined ? NO_MODRM : modrmFor(form, place, address32, around, random);
  const rest =
    isDoubleShift(mnemonic) && operands.includes('Nb')
      ? [random.below(wide ? 64 : 17)]
      : operands.flatMap((operand) => immediateFor(operand, wide, address32, around, random));
  const jump = jumpFor(operands, wide, around, random);
  const countInCl = isCountInCl(opcode)
    ? { value: around.isFirst ? around.registers[ECX] : undefined }
    : undefined;
  return {
    ...{ clause, mnemonic, prefixes, opcode, size, operands, address32, wide: wide ? 4 : 2 },
    ...{ modrm: modrm.bytes, displacement: modrm.displacement, immediate: rest },
    ...(jump === undefined ? {} : { jump }),
    ...(countInCl === undefined ? {} : { countInCl }),
  };
}

/** With 16 bits the outcome of BSWAP is undefined, and that of a double shift by more than 16. */
const needsWide = ({ mnemonic, opcode }: Form): boolean =>
  mnemonic === 'BSWAP' || (isDoubleShift(mnemonic) && isCountInCl(opcode));

const isDoubleShift = (mnemonic: string): boolean => mnemonic === 'SHLD' || mnemonic === 'SHRD';

function prefixesFor(form: Form, code32: boolean, random: Random): number[] {
  const { mnemonic, opcode, operands } = form;
  const prefixes: number[] = [];
  if (form.prefixes === 'none') return prefixes;
  if (form.prefixes === 'addressing') return addressingPrefixes(random);
  const isWide = operands.some((operand) => /[vO]/.test(operand)) || operands.every(isImplicit);
  if (needsWide(form) ? !code32 : random.oneIn(isWide ? 4 : 16)) prefixes.push(OPERAND_SIZE);
  if (random.oneIn(10)) prefixes.push(ADDRESS_SIZE);
  if (random.oneIn(8)) prefixes.push(random.pick(SEGMENTS));
  if (STRINGS.has(mnemonic) && random.oneIn(2)) prefixes.push(random.pick(REPEAT));
  else if (opcode[0] !== 0x0f && !REPEAT_MEANS_MORE.has(mnemonic) && random.oneIn(40))
    prefixes.push(random.pick(REPEAT));
  // LOCK MOV CR0 is another register on some processors.
  if (mnemonic !== 'MOVCR' && random.oneIn(ALLOWS_LOCK.has(mnemonic) ? 12 : 80)) prefixes.push(LOCK);
  if (mnemonic !== '(undefined)' && random.oneIn(200))
    prefixes.push(...Array.from({ length: LONGEST - 3 }, () => random.pick(SEGMENTS)));
  return prefixes;
}

function addressingPrefixes(random: Random): number[] {
  const prefixes: number[] = [];
  if (random.oneIn(10)) prefixes.push(ADDRESS_SIZE);
  if (random.oneIn(8)) prefixes.push(random.pick(SEGMENTS));
  if (random.oneIn(80)) prefixes.push(LOCK);
  return prefixes;
}

function opcodeOf({ opcode, variants }: Form, random: Random): number[] {
  const last = (opcode.at(-1) ?? 0) + random.below(variants);
  return [...opcode.slice(0, -1), last];
}

function sizeOf({ operands, opcode }: Form, wide: 2 | 4): 1 | 2 | 4 {
  const [first] = operands;
  if (first === undefined) return wide;
  if ((first.endsWith('b') || first === 'AL') && opcode.length === 1) return 1;
  return first.endsWith('w') ? 2 : wide;
}

const isCountInCl = (opcode: readonly number[]): boolean =>
  (opcode.length === 1 && (opcode[0] === 0xd2 || opcode[0] === 0xd3)) ||
  (opcode.length === 2 && (opcode[1] === 0xa5 || opcode[1] === 0xad));

function placeOf({ operands, digit }: Form): Place | undefined {
  if (operands.some((operand) => operand.startsWith('M'))) return 'memory';
  if (operands.some((operand) => operand.startsWith('R'))) return 'register';
  return digit !== undefined || operands.some((operand) => /^E[bwdvm]/.test(operand)) ? 'either' : undefined;
}

interface ModrmBytes {
  bytes: number[];
  displacement: number[];
}

const NO_MODRM: ModrmBytes = { bytes: [], displacement: [] };
const CONTROL_REGISTERS = [0, 0, 2, 3, 4];

function modrmFor(
  { digit, operands }: Form,
  place: Place,
  address32: boolean,
  around: Surroundings,
  random: Random,
): ModrmBytes {
  const reg = (digit ?? regFor(operands, random)) << 3;
  if (place === 'register' || (place === 'either' && random.oneIn(2))) {
    return { bytes: [0xc0 | reg | random.below(8)], displacement: [] };
  }
  return address32 ? memory32(reg, around, random) : memory16(reg, around, random);
}

function regFor(operands: readonly string[], random: Random): number {
  if (operands.includes('C') || operands.includes('D')) return random.pick(CONTROL_REGISTERS);
  // CS, and what is no segment register, now and then.
  if (operands.includes('Sw')) return random.oneIn(16) ? random.below(8) : random.pick([0, 2, 3, 4, 5]);
  return random.below(8);
}

/** An address that most of the time is one of the spots, if the registers are still what they were. */
function memory32(reg: number, { registers, spots }: Surroundings, random: Random): ModrmBytes {
  const target = random.pick(spots);
  if (random.oneIn(3)) return { bytes: [reg | 5], displacement: littleEndian(target, 4) };
  const base = random.below(8);
  const mod = random.pick([0, 1, 2, 2, 2]);
  const hasSib = base === ESP || random.oneIn(4);
  const index = random.below(8);
  const scale = random.below(4);
  const bytes = hasSib
    ? [(mod << 6) | reg | ESP, (scale << 6) | (index << 3) | base]
    : [(mod << 6) | reg | base];
  const indexed = hasSib && index !== ESP ? (registers[index] ?? 0) << scale : 0;
  const noBase = base === EBP && mod === 0;
  const sum = (noBase ? 0 : (registers[base] ?? 0)) + indexed;
  if (mod === 2 || noBase) return { bytes, displacement: littleEndian(target - sum, 4) };
  return { bytes, displacement: mod === 1 ? [random.below(256)] : [] };
}

const EBX = 3;
const ESI = 6;
const EDI = 7;
/** The registers of the addresses of 16 bits, by ModRM.rm. */
const SUMS = [[EBX, ESI], [EBX, EDI], [EBP, ESI], [EBP, EDI], [ESI], [EDI], [EBP], [EBX]];

function memory16(reg: number, { registers, spots }: Surroundings, random: Random): ModrmBytes {
  const target = random.pick(spots);
  const rm = random.below(8);
  const mod = random.pick([0, 1, 2, 2]);
  if (mod === 0 && rm === 6) return { bytes: [reg | rm], displacement: littleEndian(target, 2) };
  const bytes = [(mod << 6) | reg | rm];
  const sum = (SUMS[rm] ?? []).reduce((total, number) => total + (registers[number] ?? 0), 0);
  if (mod === 2) return { bytes, displacement: littleEndian(target - sum, 2) };
  return { bytes, displacement: mod === 1 ? [random.below(256)] : [] };
}

const COUNTS = [0, 1, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 255];

function immediateFor(
  operand: string,
  wide: boolean,
  address32: boolean,
  around: Surroundings,
  random: Random,
): number[] {
  switch (operand) {
    case 'Ib':
      return [interestingWord(random) & 0xff];
    case 'Iw':
      return littleEndian(random.oneIn(2) ? 4 * random.below(8) : interestingWord(random), 2);
    case 'Iv':
      return littleEndian(
        random.oneIn(8) ? random.pick(around.spots) : interestingWord(random),
        wide ? 4 : 2,
      );
    case 'Nb':
      return [random.oneIn(2) ? random.pick(COUNTS) : random.below(wide ? 32 : 17)];
    case 'Lb':
      return [random.oneIn(2) ? 0 : random.pick([1, 2, 3, 31, 32])];
    case 'O':
      return littleEndian(random.pick(around.spots), address32 ? 4 : 2);
    case 'P':
      return [
        ...littleEndian(random.pick(around.spots), wide ? 4 : 2),
        ...littleEndian(random.pick(around.selectors), 2),
      ];
    default:
      return [];
  }
}

function jumpFor(
  operands: readonly string[],
  wide: boolean,
  { following }: Surroundings,
  random: Random,
): FuzzInstruction['jump'] {
  const skips = random.below(Math.min(following, 2) + 1);
  if (operands.includes('Jb')) return { skips, size: 1 };
  return operands.includes('Jv') ? { skips, size: wide ? 4 : 2 } : undefined;
}
