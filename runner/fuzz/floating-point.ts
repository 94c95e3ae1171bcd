// SPDX-License-Identifier: GPL-2.0-or-later

import { controlWord, decimal, extended, integer, short } from '../generate/fpu/numbers.js';
import { stateImage } from '../generate/fpu/probes.js';
import type { Random } from '../generate/random.js';
import type { MemoryRun } from '../protocol.js';
import { encode } from './encode.js';
import { type Form, formsOf } from './forms.js';
import type { FuzzInstruction } from './instruction.js';
import { hexByte, littleEndian } from './values.js';

/**
 * x87 and MMX for the fuzzer. A case loads a state with anything in it, runs a few instructions on numbers of all kinds, and
 * stores the state that they leave.
 */

/** Where the data of a case are: numbers, control words, the images that are loaded, and those that are stored. */
const NUMBERS = 0xa000;
const NUMBER_BYTES = 16;
const NUMBER_COUNT = 16;
const CONTROL_WORDS = 0xa200;
const IMAGE = 0xb000;
const FX_IMAGE = 0xb100;
const STORED = 0xb400;
const FX_STORED = 0xb500;
const STORED_ENVIRONMENT = 0xb800;

/** ModRM and address of an operand in memory, as hex digits, and the operand as it is told. */
const at = (reg: number, address: number): string =>
  `${[(reg << 3) | 5, ...littleEndian(address, 4)].map(hexByte).join('')} [0x${address.toString(16)}]`;

const REGISTER_FORMS = `
FP-20 FADD d8c0+ ST0 ST+ | dcc0+ ST+ ST0
FP-20 FADDP dec0+ ST+ ST0
FP-21 FMUL d8c8+ ST0 ST+ | dcc8+ ST+ ST0
FP-21 FMULP dec8+ ST+ ST0
FP-20 FSUB d8e0+ ST0 ST+ | dce8+ ST+ ST0
FP-20 FSUBP dee8+ ST+ ST0
FP-20 FSUBR d8e8+ ST0 ST+ | dce0+ ST+ ST0
FP-20 FSUBRP dee0+ ST+ ST0
FP-22 FDIV d8f0+ ST0 ST+ | dcf8+ ST+ ST0
FP-22 FDIVP def8+ ST+ ST0
FP-22 FDIVR d8f8+ ST0 ST+ | dcf0+ ST+ ST0
FP-22 FDIVRP def0+ ST+ ST0
FP-29 FCOM d8d0+ ST+ | dcd0+ ST+
FP-29 FCOMP d8d8+ ST+ | dcd8+ ST+ | ded0+ ST+
FP-29 FCOMPP ded9
FP-29 FUCOM dde0+ ST+
FP-29 FUCOMP dde8+ ST+
FP-29 FUCOMPP dae9
FP-30 FCOMI dbf0+ ST+
FP-30 FCOMIP dff0+ ST+
FP-30 FUCOMI dbe8+ ST+
FP-30 FUCOMIP dfe8+ ST+
FP-19 FCMOVB dac0+ ST0 ST+
FP-19 FCMOVE dac8+ ST0 ST+
FP-19 FCMOVBE dad0+ ST0 ST+
FP-19 FCMOVU dad8+ ST0 ST+
FP-19 FCMOVNB dbc0+ ST0 ST+
FP-19 FCMOVNE dbc8+ ST0 ST+
FP-19 FCMOVNBE dbd0+ ST0 ST+
FP-19 FCMOVNU dbd8+ ST0 ST+
FP-12 FLD d9c0+ ST+
FP-17 FXCH d9c8+ ST+ | ddc8+ ST+ | dfc8+ ST+
FP-17 FST ddd0+ ST+
FP-17 FSTP ddd8+ ST+ | d9d8+ ST+ | dfd0+ ST+ | dfd8+ ST+
FP-17 FFREE ddc0+ ST+
FP-17 FFREEP dfc0+ ST+
FP-17 FNOP d9d0
FP-17 FDECSTP d9f6
FP-17 FINCSTP d9f7
FP-33 FCHS d9e0
FP-33 FABS d9e1
FP-31 FTST d9e4
FP-32 FXAM d9e5
FP-18 FLD1 d9e8
FP-18 FLDL2T d9e9
FP-18 FLDL2E d9ea
FP-18 FLDPI d9eb
FP-18 FLDLG2 d9ec
FP-18 FLDLN2 d9ed
FP-18 FLDZ d9ee
FP-24 FSQRT d9fa
FP-25 FRNDINT d9fc
FP-26 FSCALE d9fd
FP-27 FXTRACT d9f4
FP-10 FNINIT dbe3
FP-10 FNCLEX dbe2
FP-10 FNSTSW dfe0 AX
FP-9 FWAIT 9b
FP-50 EMMS 0f77
EX-32 SAHF 9e
EX-19 CMC f5
`;

const MEMORY_FORMS = `
FP-20 FADD d8/0 Md | dc/0 Mq
FP-20 FIADD da/0 Md | de/0 Mw
FP-21 FMUL d8/1 Md | dc/1 Mq
FP-21 FIMUL da/1 Md | de/1 Mw
FP-29 FCOM d8/2 Md | dc/2 Mq
FP-29 FICOM da/2 Md | de/2 Mw
FP-29 FCOMP d8/3 Md | dc/3 Mq
FP-29 FICOMP da/3 Md | de/3 Mw
FP-20 FSUB d8/4 Md | dc/4 Mq
FP-20 FISUB da/4 Md | de/4 Mw
FP-20 FSUBR d8/5 Md | dc/5 Mq
FP-20 FISUBR da/5 Md | de/5 Mw
FP-22 FDIV d8/6 Md | dc/6 Mq
FP-22 FIDIV da/6 Md | de/6 Mw
FP-22 FDIVR d8/7 Md | dc/7 Mq
FP-22 FIDIVR da/7 Md | de/7 Mw
FP-12 FLD d9/0 Md | dd/0 Mq | db/5 Mt
FP-13 FILD df/0 Mw | db/0 Md | df/5 Mq
FP-16 FBLD df/4 Mt
FP-14 FST d9/2 Md | dd/2 Mq
FP-14 FSTP d9/3 Md | dd/3 Mq | db/7 Mt
FP-15 FIST df/2 Mw | db/2 Md
FP-15 FISTP df/3 Mw | db/3 Md | df/7 Mq
FP-16 FBSTP df/6 Mt
FP-10 FNSTCW d9/7 Mw
FP-10 FNSTSW dd/7 Mw
FP-3 (undefined) d9/1 Mw | db/4 Mw | db/6 Mw | dd/5 Mw
FP-52 MOVD 0f6e Gmq Ed | 0f7e Ed Gmq
FP-50 MOVQ 0f6f Gmq Emq | 0f7f Emq Gmq
FP-56 PUNPCKLBW 0f60 Gmq Emq
FP-56 PUNPCKLWD 0f61 Gmq Emq
FP-56 PUNPCKLDQ 0f62 Gmq Emq
FP-56 PACKSSWB 0f63 Gmq Emq
FP-55 PCMPGTB 0f64 Gmq Emq
FP-55 PCMPGTW 0f65 Gmq Emq
FP-55 PCMPGTD 0f66 Gmq Emq
FP-56 PACKUSWB 0f67 Gmq Emq
FP-56 PUNPCKHBW 0f68 Gmq Emq
FP-56 PUNPCKHWD 0f69 Gmq Emq
FP-56 PUNPCKHDQ 0f6a Gmq Emq
FP-56 PACKSSDW 0f6b Gmq Emq
FP-55 PCMPEQB 0f74 Gmq Emq
FP-55 PCMPEQW 0f75 Gmq Emq
FP-55 PCMPEQD 0f76 Gmq Emq
FP-57 PSRLW 0fd1 Gmq Emq | 0f71/2 Rmq Ib
FP-57 PSRLD 0fd2 Gmq Emq | 0f72/2 Rmq Ib
FP-57 PSRLQ 0fd3 Gmq Emq | 0f73/2 Rmq Ib
FP-54 PMULLW 0fd5 Gmq Emq
FP-53 PSUBUSB 0fd8 Gmq Emq
FP-53 PSUBUSW 0fd9 Gmq Emq
FP-50 PAND 0fdb Gmq Emq
FP-53 PADDUSB 0fdc Gmq Emq
FP-53 PADDUSW 0fdd Gmq Emq
FP-55 PANDN 0fdf Gmq Emq
FP-57 PSRAW 0fe1 Gmq Emq | 0f71/4 Rmq Ib
FP-57 PSRAD 0fe2 Gmq Emq | 0f72/4 Rmq Ib
FP-54 PMULHW 0fe5 Gmq Emq
FP-53 PSUBSB 0fe8 Gmq Emq
FP-53 PSUBSW 0fe9 Gmq Emq
FP-50 POR 0feb Gmq Emq
FP-53 PADDSB 0fec Gmq Emq
FP-53 PADDSW 0fed Gmq Emq
FP-50 PXOR 0fef Gmq Emq
FP-57 PSLLW 0ff1 Gmq Emq | 0f71/6 Rmq Ib
FP-57 PSLLD 0ff2 Gmq Emq | 0f72/6 Rmq Ib
FP-57 PSLLQ 0ff3 Gmq Emq | 0f73/6 Rmq Ib
FP-54 PMADDWD 0ff5 Gmq Emq
FP-53 PSUBB 0ff8 Gmq Emq
FP-53 PSUBW 0ff9 Gmq Emq
FP-53 PSUBD 0ffa Gmq Emq
FP-53 PADDB 0ffc Gmq Emq
FP-53 PADDW 0ffd Gmq Emq
FP-53 PADDD 0ffe Gmq Emq
`;

/** FPREM is repeated until the remainder is complete, since how far one step goes is open; then its traces are removed. */
const REMAINDER_LOOP = (second: string) => `d9${second}dfe09e7af9b80000000039c0`;

/** Instructions whose operand in memory is a structure that has its place. */
const FIXED_FORMS = `
FP-28 FPREM ${REMAINDER_LOOP('f8')}
FP-28 FPREM1 ${REMAINDER_LOOP('f5')}
FP-10 FLDCW ${Array.from({ length: 4 }, (_, i) => `d9${at(5, CONTROL_WORDS + 2 * i)}`).join(' | ')}
FP-40 FLDENV d9${at(4, IMAGE)}
FP-40 FNSTENV d9${at(6, STORED_ENVIRONMENT)}
FP-45 FXSAVE 0fae${at(0, FX_STORED)}
`;

const LOADING_FORMS = `
FP-43 FRSTOR dd${at(4, IMAGE)}
FP-46 FXRSTOR 0fae${at(1, FX_IMAGE)}
`;

const STORING_FORMS = `
FP-43 FNSAVE dd${at(6, STORED)}
`;

const LOADING = formsOf(LOADING_FORMS, 'none');
const STORING = formsOf(STORING_FORMS, 'none');

export const FLOATING_POINT_FORMS: readonly Form[] = [
  ...formsOf(REGISTER_FORMS, 'none'),
  ...formsOf(MEMORY_FORMS, 'addressing'),
  ...formsOf(FIXED_FORMS, 'none'),
  ...LOADING,
  ...STORING,
];

/** Where operands are; two of them are no numbers but cross a page. */
export const FLOATING_POINT_SPOTS: readonly number[] = [
  ...Array.from({ length: NUMBER_COUNT }, (_, i) => NUMBERS + NUMBER_BYTES * i),
  0xaffc,
  0xcffa,
];

/** What loads the state, and what stores it in the end. */
export function frameOf(random: Random): { before: FuzzInstruction[]; after: FuzzInstruction[] } {
  const plain = (forms: readonly Form[]) => [encode(random.pick(forms), NO_SURROUNDINGS, random)];
  return { before: plain(LOADING), after: plain(STORING) };
}

const NO_SURROUNDINGS = {
  ...{ code32: true, registers: [], spots: [NUMBERS], selectors: [0], following: 0, isFirst: true },
};

const ALL_MASKED = 0x3f;

/** Numbers, control words and images. Few states have an exception pending: then nothing else would happen. */
export function floatingPointMemory(random: Random): { at: number; dwords: number[]; isFixed?: true }[] {
  const masks = () => (random.oneIn(4) ? random.below(64) : ALL_MASKED);
  const numbers = Array.from({ length: NUMBER_COUNT }, () => padded(number(random), NUMBER_BYTES)).flat();
  const controlWords = Array.from({ length: 4 }, () => controlWord(random, masks())).flat();
  const image = stateImage(random, masks());
  return [
    { at: NUMBERS, dwords: dwordsOf(numbers) },
    { at: CONTROL_WORDS, dwords: dwordsOf(controlWords) },
    { at: IMAGE, dwords: dwordsOf(image) },
    { at: FX_IMAGE, dwords: dwordsOf(fxImage(random, masks())), isFixed: true },
  ];
}

function number(random: Random): number[] {
  switch (random.below(8)) {
    case 0:
      return short(random, 4);
    case 1:
      return short(random, 8);
    case 2:
      return integer(random, random.pick([2, 4, 8]));
    case 3:
      return decimal(random);
    default:
      return extended(random);
  }
}

const FX_HEAD_BYTES = 32;
const MXCSR_DEFAULT = [0x80, 0x1f];

/** An image for FXRSTOR. The part of SSE is as after a reset. */
function fxImage(random: Random, masks: number): number[] {
  const tags = random.pick([0, 0xff, random.below(256), random.below(256)]);
  const head = [...controlWord(random, masks), ...random.bytes(2), tags, 0];
  const body = Array.from({ length: 8 }, () => padded(extended(random), NUMBER_BYTES)).flat();
  const mxcsr = padded(head, 24);
  return [...padded([...mxcsr, ...MXCSR_DEFAULT], FX_HEAD_BYTES), ...body];
}

const padded = (bytes: readonly number[], size: number): number[] => [
  ...bytes,
  ...Array.from({ length: size - bytes.length }, () => 0),
];

function dwordsOf(bytes: readonly number[]): number[] {
  const buffer = Buffer.from(padded(bytes, (bytes.length + 3) & ~3));
  return Array.from({ length: buffer.length / 4 }, (_, i) => buffer.readUInt32LE(4 * i));
}

const zeros = (from: number, count: number): MemoryRun => ({ at: from, hex: '00'.repeat(count) });

const FX_STATUS = 2;
const FX_OPCODE = 6;
const FX_REGISTERS = 32;
const FX_SSE = 160;
const FX_BYTES = 512;
const STATUS = 4;
const POINTERS = 12;
const POINTER_BYTES = 16;

/** What is open of the images, by what stores them: the pointers, and the part of SSE. */
const OPEN: Readonly<Record<string, readonly MemoryRun[]>> = {
  FNSAVE: [zeros(STORED + POINTERS, POINTER_BYTES)],
  FNSTENV: [zeros(STORED_ENVIRONMENT + POINTERS, POINTER_BYTES)],
  FXSAVE: [
    zeros(FX_STORED + FX_OPCODE, FX_REGISTERS - FX_OPCODE),
    zeros(FX_STORED + FX_SSE, FX_BYTES - FX_SSE),
  ],
};

/** The instructions that leave C1 open or, for the remainder of a NaN, all condition codes; and the bits that then count. */
const OPEN_CODES: Readonly<Record<string, string>> = {
  ...{ FCOMI: 'fd', FCOMIP: 'fd', FUCOMI: 'fd', FUCOMIP: 'fd' },
  ...{ FPREM: 'b8', FPREM1: 'b8' },
};

/** The bits of memory that count, where not all of them do. */
export function openMemory(instructions: readonly FuzzInstruction[]): MemoryRun[] {
  const codes = instructions.flatMap(({ mnemonic }) => OPEN_CODES[mnemonic] ?? []);
  const statusWords = [STORED + STATUS, STORED_ENVIRONMENT + STATUS, FX_STORED + FX_STATUS];
  return [
    ...instructions.flatMap(({ mnemonic }) => OPEN[mnemonic] ?? []),
    ...codes.flatMap((hex) => statusWords.map((word) => ({ at: word + 1, hex }))),
  ];
}
