// SPDX-License-Identifier: GPL-2.0-or-later

import type { Random } from '../generate/random.js';
import { GENERAL_REGISTERS } from '../protocol.js';
import type { Surroundings } from './encode.js';
import {
  FLOATING_POINT_FORMS,
  FLOATING_POINT_SPOTS,
  floatingPointMemory,
  frameOf,
} from './floating-point.js';
import { ALL_FORMS, type Form, ORDINARY_FORMS } from './forms.js';
import type { FuzzInstruction } from './instruction.js';
import { interestingWord } from './values.js';

/** What a fuzzed case gives over its fixture: the machine before the code. */
export interface FuzzMachine {
  fixture: string;
  /** Words, and segment registers by their selectors. */
  registers: Record<string, number>;
  memory: MemoryItem[];
}

export interface MemoryItem {
  at: number;
  dwords: number[];
  /** Without it the case would be about something else: it stays as it is when cases are made smaller. */
  isFixed?: true;
}

/** A family of machines: a fixture, and what is random in it. */
export interface Family {
  name: string;
  fixture: string;
  forms: readonly Form[];
  code32: boolean;
  /** A user process of the machine below can have such a state. */
  isNative: boolean;
  /** Its segments go on behind the memory, where a process has nothing and a machine something. */
  isOpen?: true;
  /** Where ESP begins. */
  stack: number;
  eflags(random: Random): number;
  /** Segment registers, tables and page tables. */
  vary(machine: FuzzMachine, random: Random): void;
  selectors: readonly number[];
  /** Where its operands lie, when its data are not random words. */
  spots?: readonly number[];
  /** Instructions that every case begins and ends with. */
  frame?(random: Random): { before: FuzzInstruction[]; after: FuzzInstruction[] };
}

/** Code begins here in every fixture. */
export const CODE = 0x8000;
const CODE_END_OF_HALTS = 0x80f0;
const DATA = 0xa000;
const DATA_END = 0x10000;
const PAGE = 0x1000;

const LDT = 0x1400;
const LDT_ENTRIES = 8;
/** The first three of the LDT are the fixture's. */
const FREE_LDT = 0x18;
const GDT = 0x1000;
const FREE_GDT = 0x48;
const GDT_END = 0x100;
const PAGE_TABLE = 0x11000;
const DIRECTORY = 0x10000;

const ARITHMETIC = 0x8d5;
const DF = 0x400;
const TF = 0x100;
const AC = 0x40000;
const NT = 0x4000;
const ID = 0x200000;

const arithmeticFlags = (random: Random): number =>
  0x202 | (random.word() & ARITHMETIC) | (random.oneIn(4) ? DF : 0);

/** With IOPL, TF and what else a kernel may set. */
const systemFlags = (random: Random): number => {
  const flags = (arithmeticFlags(random) & ~0x200) | (random.oneIn(2) ? 0x200 : 0) | (random.below(4) << 12);
  return flags | (random.oneIn(12) ? TF : 0) | (random.oneIn(12) ? NT : 0) | (random.oneIn(8) ? ID | AC : 0);
};

/** The descriptors that modify_ldt can make: DPL 3, accessed, no conforming code. */
const USER_ACCESS = [0xf1, 0xf3, 0xf3, 0xf3, 0xf5, 0xf7, 0xf7, 0xf9, 0xfb, 0x73, 0x7b];
/** All kinds: data, code, TSSs, LDT, call gates, with all levels. */
const SYSTEM_TYPES = [0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x89, 0x8b, 0x8c, 0x8e, 0x8f, 0x80, 0x8a];

const LIMITS = [0, 1, 0xfff, 0x1000, 0x1ffe, 0x2fff, 0xbfff, 0xcfff, 0xffff, 0xfffff];
/** With the largest base these are still inside the memory. */
const SHORT_LIMITS = [0, 1, 0xfff, 0x1000, 0x1ffe, 0x2fff, 0xbfff, 0xcfff, 0xffff];
/** The same in pages. */
const SHORT_PAGES = [0, 1, 0x0c, 0x0f];
const BASES = [0, 0, 0, 0x1000, 0x8000, 0x9000, 0xa000, 0xa001, 0xb800];

/** A descriptor as two double words. */
function descriptor(access: number, random: Random, isShort = false): [number, number] {
  const base = random.pick(BASES);
  const granular = random.oneIn(3);
  const limit = random.pick(isShort ? (granular ? SHORT_PAGES : SHORT_LIMITS) : LIMITS);
  const flags = (random.oneIn(4) ? 0 : 4) | (granular ? 8 : 0) | (random.oneIn(8) ? 1 : 0);
  const low = ((base & 0xffff) << 16) | (limit & 0xffff);
  const high =
    (base & 0xff000000) | (flags << 20) | (limit & 0xf0000) | (access << 8) | ((base >>> 16) & 0xff);
  return [low >>> 0, high >>> 0];
}

function callGate(random: Random): [number, number] {
  const type = random.oneIn(4) ? 0x84 : 0x8c;
  const access = type | (random.below(4) << 5);
  const selector = random.pick([0x08, 0x30, 0x20, 0x10, 0, 0x48, 0x50, 0x58, 0x60]);
  return [(selector << 16) | CODE_END_OF_HALTS, (access << 8) | random.pick([0, 0, 1, 2, 31])];
}

function anyDescriptor(random: Random): [number, number] {
  if (random.oneIn(5)) return callGate(random);
  const present = random.oneIn(10) ? 0x7f : 0xff;
  const level = random.below(4) << 5;
  if (random.oneIn(6)) return descriptor((random.pick(SYSTEM_TYPES) | level) & present, random, true);
  return descriptor((0x90 | random.below(16) | level) & present, random, true);
}

const selectorsOf = (from: number, to: number, bits: readonly number[]): number[] =>
  Array.from({ length: (to - from) / 8 }, (_, i) => from + 8 * i).flatMap((selector) =>
    bits.map((low) => selector | low),
  );

const LOCAL = selectorsOf(0, 8 * LDT_ENTRIES, [7, 7, 7, 6, 4]);
const GLOBAL = selectorsOf(FREE_GDT, GDT_END, [0, 1, 3]);
/** Those that a Linux process has, or is refused, as the case would have it. */
const NATIVE_SELECTORS = [0x23, 0x2b, 0x2b, 0, 0, 1, 3, 0x10, ...LOCAL];
const SYSTEM_SELECTORS = [
  ...[0, 3, 8, 0x0b, 0x10, 0x13, 0x18, 0x20, 0x23, 0x28, 0x2b, 0x31, 0x39, 0x40, 0xf8, 0x100, 0xfff8],
  ...LOCAL,
  ...GLOBAL,
];

function randomLdt(machine: FuzzMachine, make: () => [number, number]): void {
  const entries = Array.from({ length: LDT_ENTRIES - 3 }, make);
  machine.memory.push({ at: LDT + FREE_LDT, dwords: entries.flat() });
}

/** A data segment register gets one of the LDT's segments now and then. */
function userSegments(machine: FuzzMachine, random: Random): void {
  randomLdt(machine, () => descriptor(random.pick(USER_ACCESS), random));
  const table = machine.memory.at(-1)?.dwords ?? [];
  for (const name of ['ds', 'es', 'fs', 'gs']) {
    if (!random.oneIn(4)) continue;
    const index = random.below(LDT_ENTRIES - 3);
    const access = ((table[2 * index + 1] ?? 0) >>> 8) & 0xff;
    const isLoadable = (access & 0x80) !== 0 && (access & 0xa) !== 8;
    machine.registers[name] = isLoadable ? FREE_LDT + 8 * index + 7 : random.pick([0, 0x0f]);
  }
}

/** The fixture's segments, but no longer than the memory that is there: nobody knows what lies behind it. */
const SHORT_SEGMENTS = [0x9b, 0x93].flatMap((access) => [0x0000001e, 0x00c00000 | (access << 8)]);
const SHORT_OUTER_SEGMENTS = [0xfb, 0xf3, 0xbb, 0xb3].flatMap((access) => [
  0x0000001e,
  0x00c00000 | (access << 8),
]);

function systemSegments(machine: FuzzMachine, random: Random): void {
  machine.memory.push(
    { at: GDT + 8, dwords: SHORT_SEGMENTS, isFixed: true },
    { at: GDT + 0x20, dwords: SHORT_OUTER_SEGMENTS, isFixed: true },
  );
  randomLdt(machine, () => anyDescriptor(random));
  const count = random.between(2, (GDT_END - FREE_GDT) / 8);
  machine.memory.push({
    at: GDT + FREE_GDT,
    dwords: Array.from({ length: count }, () => anyDescriptor(random)).flat(),
  });
}

/**
 * Entries for pages of data and stack: not present, read-only, supervisor, not accessed, not dirty.
 * @param hasAliases some lead to another page of data
 */
function pageRights(machine: FuzzMachine, random: Random, hasAliases = true): void {
  const first = DATA / PAGE;
  for (let page = first; page < DATA_END / PAGE; page++) {
    if (!random.oneIn(3)) continue;
    const rights = random.pick([0x67, 0x07, 0x27, 0x65, 0x25, 0x05, 0x63, 0x66, 0x64, 0x06, 0x47]);
    const frame = hasAliases && random.oneIn(4) ? DATA + PAGE * random.below(6) : page * PAGE;
    machine.memory.push({ at: PAGE_TABLE + 4 * page, dwords: [frame | rights] });
  }
  const protectsKernel = random.oneIn(3);
  if (protectsKernel) machine.registers.cr0 = 0x80010011;
  if (!random.oneIn(6)) return;
  // The stack of level 0 stays writable: else there is no end but a triple fault.
  const rights = random.pick(
    protectsKernel ? [0x07, 0x27, 0x03, 0x23] : [0x07, 0x27, 0x05, 0x25, 0x03, 0x23],
  );
  machine.memory.push({ at: DIRECTORY, dwords: [PAGE_TABLE | rights] });
}

const none = (): void => {};

const native = { forms: ORDINARY_FORMS, code32: true, isNative: true, eflags: arithmeticFlags };
const privileged = { forms: ALL_FORMS, code32: true, isNative: false, eflags: systemFlags };

const both =
  (...varies: readonly Family['vary'][]): Family['vary'] =>
  (machine, random) => {
    for (const vary of varies) vary(machine, random);
  };

const SELECTORS_8086 = [0, 0x0300, 0x0400, 0x0800, 0x0a00, 0x0c00, 0x0eff];

/** CR0.NE: x87 errors raise #MF. */
const NE = 0x20;

/**
 * Data for the x87 and MMX.
 * @param cr0 that of the fixture
 */
const numbers =
  (cr0: number): Family['vary'] =>
  (machine, random) => {
    machine.memory.push(...floatingPointMemory(random));
    machine.registers.cr0 = ((machine.registers.cr0 ?? cr0) | NE) >>> 0;
  };

const floatingPoint = {
  ...{ ...native, forms: FLOATING_POINT_FORMS, frame: frameOf, spots: FLOATING_POINT_SPOTS },
  ...{ stack: 0xcf80, selectors: NATIVE_SELECTORS },
};

export const FAMILIES: readonly Family[] = [
  {
    ...native,
    ...{ name: 'user', isOpen: true, fixture: 'machine-ring3', stack: 0xcf80, selectors: NATIVE_SELECTORS },
    vary: userSegments,
  },
  {
    ...native,
    ...{ name: 'user-paged', fixture: 'machine-paged-ring3', stack: 0xcf80, selectors: NATIVE_SELECTORS },
    vary: both(userSegments, pageRights),
  },
  {
    ...privileged,
    ...{ name: 'kernel', fixture: 'machine-ring0', stack: 0xcf80, selectors: SYSTEM_SELECTORS },
    vary: systemSegments,
  },
  {
    ...privileged,
    ...{ name: 'kernel-paged', fixture: 'machine-paged-ring0', stack: 0xcf80, selectors: SYSTEM_SELECTORS },
    vary: both(systemSegments, pageRights),
  },
  {
    ...privileged,
    ...{ name: 'ring1', fixture: 'machine-ring1', stack: 0xcf80, selectors: SYSTEM_SELECTORS },
    vary: systemSegments,
  },
  {
    ...privileged,
    ...{ name: 'ring3', fixture: 'machine-ring3', stack: 0xcf80, selectors: SYSTEM_SELECTORS },
    vary: systemSegments,
  },
  {
    ...privileged,
    ...{ name: 'real', fixture: 'machine-real', code32: false, stack: 0x0f80 },
    selectors: SELECTORS_8086,
    eflags: (random: Random) => systemFlags(random) & ~0x7000,
    vary: none,
  },
  {
    ...privileged,
    ...{ name: 'virtual-8086', fixture: 'machine-virtual-8086', code32: false, stack: 0x0f80 },
    selectors: SELECTORS_8086,
    eflags: (random: Random) => (systemFlags(random) & ~NT) | 0x20000,
    vary: none,
  },
  { ...floatingPoint, name: 'x87', isOpen: true, fixture: 'machine-ring3', vary: numbers(0x11) },
  {
    ...{ ...floatingPoint, name: 'x87-paged', fixture: 'machine-paged-ring3' },
    vary: both((machine, random) => pageRights(machine, random, false), numbers(0x80000011)),
  },
];

/** Offsets at which something may happen: starts, middles and ends of pages, the stack. */
function spotsOf(random: Random, stack: number): number[] {
  const page = random.pick([0xa000, 0xa000, 0xb000, 0xc000, 0xd000, 0xe000, 0xf000]);
  const near = [page, page + 4 * random.below(1024), page + random.below(PAGE)];
  const edges = [page + PAGE - 1, page + PAGE - 2, page + PAGE - 3, page + PAGE - 4, page + PAGE - 6];
  const rare = random.oneIn(8) ? [interestingWord(random), CODE_END_OF_HALTS] : [];
  return [...near, ...near, ...edges, stack, stack - 8, ...rare];
}

/** The spots of 16-bit code are offsets in segments of 64 KiB. */
function spots8086(random: Random, stack: number): number[] {
  const near = [0, 4 * random.below(1024), random.below(0x4000), 0x200, 0x1000];
  return [...near, ...near, stack, stack - 4, ...(random.oneIn(3) ? [0xfffd, 0xfffe, 0xffff] : [])];
}

/** A machine of the family, and what its code should know of it. */
export function machineOf(
  family: Family,
  random: Random,
): { machine: FuzzMachine; around: Omit<Surroundings, 'following' | 'isFirst'> } {
  const stack = family.stack + (random.oneIn(6) ? random.pick([0x80, 0x7e, 0x7c, 0x84, 1, -1, 2]) : 0);
  const spots =
    family.spots !== undefined
      ? [...family.spots]
      : family.code32
        ? spotsOf(random, stack)
        : spots8086(random, stack);
  const values = GENERAL_REGISTERS.map((name) =>
    name === 'esp' ? stack : initialValue(name, spots, random),
  );
  const machine: FuzzMachine = {
    fixture: family.fixture,
    registers: {
      ...Object.fromEntries(GENERAL_REGISTERS.map((name, i) => [name, values[i] ?? 0])),
      eflags: family.eflags(random),
    },
    memory: [],
  };
  family.vary(machine, random);
  if (family.spots === undefined) {
    for (const at of [stack, ...new Set(spots)]) addData(machine, at, family, random);
  }
  return {
    machine,
    around: { code32: family.code32, registers: values, spots, selectors: family.selectors },
  };
}

function initialValue(name: string, spots: readonly number[], random: Random): number {
  if (name === 'ecx' && random.oneIn(2)) return random.below(10);
  const isPointer = name === 'esi' || name === 'edi' ? !random.oneIn(5) : random.oneIn(4);
  return isPointer ? random.pick(spots) : interestingWord(random);
}

/** Words at a spot: numbers, offsets of code and data, selectors. */
function addData(machine: FuzzMachine, spot: number, family: Family, random: Random): void {
  const base = family.code32 ? 0 : DATA;
  const at = (base + spot - 4) & ~3;
  if (at < DATA || at + 32 > DATA_END) return;
  const dwords = Array.from({ length: random.between(2, 6) }, () => word(family, random));
  machine.memory.push({ at, dwords });
}

function word({ selectors }: Family, random: Random): number {
  switch (random.below(6)) {
    case 0:
      return random.pick(selectors);
    case 1:
      return CODE_END_OF_HALTS;
    case 2:
      return DATA + random.below(DATA_END - DATA);
    default:
      return interestingWord(random);
  }
}
