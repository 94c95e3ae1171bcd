// SPDX-License-Identifier: GPL-2.0-or-later

import type { Place, Probe } from '../program.js';
import type { Random } from '../random.js';
import * as code from './code.js';
import { C1, IMAGE, imageMasks, zeros } from './masks.js';
import * as numbers from './numbers.js';

/** What is tested, each with random operands. A probe begins with FNINIT or FRSTOR and ends with FNSAVE. */

/** Where the parts of a probe's data are. */
const INPUT = { control: 0, top: 16, second: 32, operand: 48, operandBesideState: 112 } as const;
/** Where a probe stores something beside the image of FNSAVE. */
const BESIDE_IMAGE = 112;

const ALL_MASKED = 0x3f;

/** Parts of data, each at its offset. */
function layOut(parts: Readonly<Record<number, readonly number[]>>): number[] {
  const bytes: number[] = [];
  for (const [offset, part] of Object.entries(parts)) {
    part.forEach((byte, i) => {
      bytes[Number(offset) + i] = byte;
    });
  }
  return Array.from(bytes, (byte) => byte ?? 0);
}

/** All exceptions masked, or some of them. */
const masksOf = (random: Random): number => (random.oneIn(4) ? random.below(64) : ALL_MASKED);

interface Numbers {
  control: number[];
  top: number[];
  second: number[];
}

const someNumbers = (random: Random): Numbers => {
  const top = numbers.extended(random);
  return {
    control: numbers.controlWord(random, masksOf(random)),
    top,
    second: numbers.related(random, top),
  };
};

/** Two numbers on the stack, then an instruction. */
function onNumbers(
  title: string,
  { control, top, second }: Numbers,
  instruction: (place: Place) => number[],
  operand: readonly number[] = [],
): Probe {
  return {
    title,
    data: layOut({
      [INPUT.control]: control,
      [INPUT.top]: top,
      [INPUT.second]: second,
      [INPUT.operand]: operand,
    }),
    code: (place) => [
      ...code.fninit,
      ...code.fldcw(place.input + INPUT.control),
      ...code.fldExtended(place.input + INPUT.second),
      ...code.fldExtended(place.input + INPUT.top),
      ...instruction(place),
      ...code.fnsave(place.output),
    ],
    masks: (place, outcome) => imageMasks(title, place, outcome),
  };
}

function operandOf(random: Random, operand: code.Operand): number[] {
  switch (operand) {
    case 'm32':
      return numbers.short(random, 4);
    case 'm64':
      return numbers.short(random, 8);
    case 'm80':
      return numbers.extended(random);
    case 'i16':
      return numbers.integer(random, 2);
    case 'i32':
      return numbers.integer(random, 4);
    case 'i64':
      return numbers.integer(random, 8);
    case 'bcd':
      return numbers.decimal(random);
  }
}

/** The second byte with a register number. */
const withIndex = ({ bytes: [first, second], indexed }: code.RegisterForm, index: number): number[] => [
  first,
  indexed ? second + index : second,
];

const registerProbe = (random: Random, form: code.RegisterForm): Probe =>
  onNumbers(form.name, someNumbers(random), () => withIndex(form, 1));

const comparisonProbe = (random: Random, form: code.RegisterForm): Probe =>
  onNumbers(form.name, someNumbers(random), ({ output }) => [
    ...withIndex(form, 1),
    ...code.storeFlags(output + BESIDE_IMAGE),
  ]);

const memoryProbe = (random: Random, { name, opcode, reg, operand }: code.MemoryForm): Probe =>
  onNumbers(
    `${name} ${operand}`,
    someNumbers(random),
    ({ input }) => [opcode, ...code.at(reg, input + INPUT.operand)],
    operandOf(random, operand),
  );

function storeProbe(random: Random, { name, opcode, reg, operand }: code.MemoryForm): Probe {
  const given = someNumbers(random);
  const isInteger = operand.startsWith('i') || operand === 'bcd';
  const top = isInteger && !random.oneIn(3) ? numbers.nearInteger(random) : given.top;
  return onNumbers(`${name} ${operand}`, { ...given, top }, ({ output }) => [
    opcode,
    ...code.at(reg, output + BESIDE_IMAGE),
  ]);
}

// ------------------------------------------------------------------------------------------------- any state before

/** An image for FRSTOR with anything in it. */
export function stateImage(random: Random, masks = ALL_MASKED): number[] {
  const pad = [0xff, 0xff];
  // Half of the images have only few registers that are not empty, or that are.
  const tags = random.pick([
    random.word() & 0xffff,
    0xffff,
    0,
    0xffff & ~(3 << (2 * random.below(8))),
    3 << (2 * random.below(8)),
  ]);
  return [
    ...numbers.controlWord(random, masks),
    ...pad,
    ...random.bytes(2),
    ...pad,
    tags & 0xff,
    tags >>> 8,
    ...pad,
    ...random.bytes(16),
    ...Array.from({ length: 8 }, () => numbers.extended(random)).flat(),
  ];
}

function onState(
  title: string,
  state: readonly number[],
  operand: readonly number[],
  instruction: (place: Place) => number[],
): Probe {
  return {
    title,
    data: layOut({ 0: state, [INPUT.operandBesideState]: operand }),
    code: (place) => [...code.frstor(place.input), ...instruction(place), ...code.fnsave(place.output)],
    masks: (place, outcome) => imageMasks(title, place, outcome),
  };
}

const STATE_FORMS = [
  ...code.TWO_NUMBERS,
  ...code.COMPARISONS,
  ...code.ONE_NUMBER,
  ...code.CONSTANTS,
  ...code.STACK,
];

/** Any register instruction in any state of the stack. */
function stackProbe(random: Random): Probe {
  const form = random.pick(random.oneIn(2) ? code.STACK : STATE_FORMS);
  const instruction = withIndex(form, random.below(8));
  return onState(`${form.name} in any state`, stateImage(random), [], () => instruction);
}

function stackMemoryProbe(random: Random): Probe {
  const { name, opcode, reg, operand } = random.pick([...code.LOADS, ...code.WITH_MEMORY]);
  return onState(
    `${name} ${operand} in any state`,
    stateImage(random),
    operandOf(random, operand),
    ({ input }) => [opcode, ...code.at(reg, input + INPUT.operandBesideState)],
  );
}

// --------------------------------------------------------------------------------------------------------------- MMX

const MMX_ITEMS = [0x00, 0x01, 0x7f, 0x80, 0x81, 0xff];

/** Eight bytes of which many are at the edges of their items. */
const mmxVector = (random: Random): number[] =>
  random.bytes(8).map((byte) => (random.oneIn(2) ? random.pick(MMX_ITEMS) : byte));

/** A state whose registers hold such vectors. */
function mmxState(random: Random): number[] {
  const state = stateImage(random);
  for (let i = 0; i < 8; i++)
    state.splice(IMAGE.registers + IMAGE.registerBytes * i, 8, ...mmxVector(random));
  return state;
}

const isShift = (name: string): boolean => /^ps[lr][lra]/.test(name);

/** The count of a shift is small most of the time. */
const shiftCount = (random: Random): number[] => [
  random.below(70),
  0,
  0,
  0,
  ...(random.oneIn(8) ? [1, 0, 0, 0] : [0, 0, 0, 0]),
];

function mmxProbe(random: Random, name: string, opcode: number): Probe {
  const reg = random.below(8);
  const fromMemory = isShift(name) || random.oneIn(2);
  const operand = isShift(name) ? shiftCount(random) : mmxVector(random);
  return onState(name, mmxState(random), operand, ({ input }) => [
    0x0f,
    opcode,
    ...(fromMemory ? code.at(reg, input + INPUT.operandBesideState) : [0xc0 | (reg << 3) | (opcode & 7)]),
  ]);
}

function mmxShiftProbe(random: Random, name: string, [opcode, reg]: readonly [number, number]): Probe {
  const count = random.oneIn(8) ? random.below(256) : random.below(66);
  const modrm = 0xc0 | (reg << 3) | random.below(8);
  return onState(`${name} by immediate`, mmxState(random), [], () => [0x0f, opcode, modrm, count]);
}

/** MOVD and MOVQ to memory, MOVD from and to EAX, EMMS. */
function mmxMoveProbe(random: Random): Probe {
  const reg = random.below(8);
  const [name, bytes] = random.pick<[string, (place: Place) => number[]]>([
    ['movd from memory', ({ input }) => [0x0f, 0x6e, ...code.at(reg, input + INPUT.operandBesideState)]],
    ['movd to memory', ({ output }) => [0x0f, 0x7e, ...code.at(reg, output + BESIDE_IMAGE)]],
    ['movq to memory', ({ output }) => [0x0f, 0x7f, ...code.at(reg, output + BESIDE_IMAGE)]],
    ['movq to register', () => [0x0f, 0x7f, 0xc2 | (reg << 3)]],
    ['movd from eax', () => [0x0f, 0x6e, 0xc0 | (reg << 3)]],
    [
      'movd to eax',
      ({ output }) => [0x0f, 0x7e, 0xc0 | (reg << 3), ...code.movEaxToMemory(output + BESIDE_IMAGE)],
    ],
    ['emms', () => [0x0f, 0x77]],
  ]);
  return onState(name, mmxState(random), mmxVector(random), bytes);
}

// ------------------------------------------------------------------------------------------- environment and pointers

/** FLDENV of anything, then FNSTENV of either size. Selectors do not count: a kernel may lose them at any time. */
function environmentProbe(random: Random): Probe {
  const [small, smallStore] = [random.oneIn(2), random.oneIn(2)];
  const prefix = (is: boolean) => (is ? [0x66] : []);
  return {
    title: `fldenv of ${small ? 16 : 32} bits, fnstenv of ${smallStore ? 16 : 32}`,
    data: random.bytes(28),
    code: ({ input, output }) => [
      ...code.fninit,
      ...[...prefix(small), ...code.fldenv(input)],
      ...[...prefix(smallStore), ...code.fnstenv(output)],
      ...code.fninit,
    ],
    masks: ({ output }) =>
      smallStore
        ? [zeros(output + 8, 2), zeros(output + 12, 2)]
        : [zeros(output + 16, 2), zeros(output + 24, 2)],
  };
}

/** Where FNSTENV says that the last instruction and its operand were. */
function pointersProbe(random: Random): Probe {
  const { name, opcode, reg, operand } = random.pick([...code.LOADS, ...code.WITH_MEMORY]);
  const form = random.pick([...code.TWO_NUMBERS, ...code.COMPARISONS, ...code.ONE_NUMBER, ...code.STACK]);
  const last = random.oneIn(2) ? withIndex(form, 1) : [];
  return {
    title: `pointers after ${name} ${operand} and ${form.name}`,
    data: layOut({ 0: numbers.extended(random), [INPUT.operand]: operandOf(random, operand) }),
    code: ({ input, output }) => [
      ...code.fninit,
      ...code.fldExtended(input),
      ...code.fldExtended(input),
      ...[opcode, ...code.at(reg, input + INPUT.operand)],
      ...last,
      ...code.fnstenv(output),
      ...code.fninit,
    ],
    masks: ({ output }) => [
      { at: output + IMAGE.status + 1, hex: (0xff & ~C1).toString(16) },
      zeros(output + 16, 2),
      zeros(output + 24, 2),
    ],
  };
}

// ------------------------------------------------------------------------------------------------------ transcendental

/** The result as double precision: processors may be one unit off in the last place of the registers. */
function transcendentalProbe(random: Random): Probe {
  const form = random.pick(code.TRANSCENDENTAL);
  const top = transcendentalOperand(random, form.name);
  const popsOne = ['fpatan', 'fyl2x', 'fyl2xp1'].includes(form.name);
  return {
    title: form.name,
    data: layOut({ [INPUT.top]: top, [INPUT.second]: numbers.extended(random) }),
    code: ({ input, output }) => [
      ...code.fninit,
      ...code.fldExtended(input + INPUT.second),
      ...code.fldExtended(input + INPUT.top),
      ...withIndex(form, 0),
      ...code.fstpDouble(output),
      ...(popsOne ? [] : code.fstpDouble(output + 8)),
      ...code.fninit,
    ],
  };
}

/** An operand of which the result is defined. */
function transcendentalOperand(random: Random, name: string): number[] {
  const value = numbers.extended(random);
  const [low, high] = [value[8] ?? 0, value[9] ?? 0];
  const isSpecial = (low | ((high & 0x7f) << 8)) === 0x7fff || (low | ((high & 0x7f) << 8)) === 0;
  if (isSpecial || name === 'fpatan' || name === 'fyl2x') return value;
  // Below 1/4 for 2^x - 1 and log(x + 1), below 2^13 for angles.
  const field =
    0x3fff + (name.startsWith('f2') || name.endsWith('p1') ? -2 - random.below(20) : random.between(-20, 12));
  value[8] = field & 0xff;
  value[9] = (high & 0x80) | (field >>> 8);
  return value;
}

// ----------------------------------------------------------------------------------------------------------- the whole

/** The numbers of probes that one round makes of each kind. */
export function* arithmeticProbes(random: Random): Generator<Probe> {
  for (const form of [...code.TWO_NUMBERS, ...code.TWO_NUMBERS]) yield registerProbe(random, form);
  for (const form of [...code.ONE_NUMBER, ...code.CONSTANTS]) yield registerProbe(random, form);
  for (const form of code.COMPARISONS) yield comparisonProbe(random, form);
  for (const form of [...code.WITH_MEMORY, ...code.LOADS]) yield memoryProbe(random, form);
  for (const form of [...code.STORES, ...code.STORES]) yield storeProbe(random, form);
}

export function* stackProbes(random: Random): Generator<Probe> {
  for (let i = 0; i < 24; i++) yield stackProbe(random);
  for (let i = 0; i < 8; i++) yield stackMemoryProbe(random);
}

export function* mmxProbes(random: Random): Generator<Probe> {
  for (const [name, opcode] of Object.entries(code.MMX)) yield mmxProbe(random, name, opcode);
  for (const [name, opcode] of Object.entries(code.MMX_SHIFTS)) yield mmxShiftProbe(random, name, opcode);
  for (let i = 0; i < 7; i++) yield mmxMoveProbe(random);
}

export function* environmentProbes(random: Random): Generator<Probe> {
  for (let i = 0; i < 8; i++) yield environmentProbe(random);
  for (let i = 0; i < 8; i++) yield pointersProbe(random);
}

export function* transcendentalProbes(random: Random): Generator<Probe> {
  for (let i = 0; i < 16; i++) yield transcendentalProbe(random);
}

/** An exception that is not masked, found by the instruction after it: the program ends there. */
export function* errorProbes(random: Random): Generator<Probe> {
  const forms = [...code.TWO_NUMBERS, ...code.ONE_NUMBER, ...code.COMPARISONS];
  for (let i = 0; i < 8; i++) {
    const form = random.pick(forms);
    const given = { ...someNumbers(random), control: numbers.controlWord(random, random.below(64)) };
    const waiting = random.pick([code.fwait, [0xd9, 0xe8], [0x0f, 0x77], [0xd9, 0xd0], [0xd8, 0xc1]]);
    yield onNumbers(`${form.name}, then an instruction that waits`, given, () => [
      ...withIndex(form, 1),
      ...waiting,
    ]);
  }
}
