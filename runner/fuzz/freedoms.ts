// SPDX-License-Identifier: GPL-2.0-or-later

import type { ProcessorRegisters, SegmentRegister } from '../protocol.js';
import type { FuzzInstruction } from './instruction.js';

/**
 * Where an implementation has declared another choice than the reference (spec/choices.md), instructions that the choice
 * is about may differ in these places.
 */
const FREEDOMS: Readonly<Record<string, Freedom | readonly Freedom[]>> = {
  pushed_selector: { mnemonics: ['PUSH', 'CALL', 'INT', 'INTO', 'IRET'], paths: ['memory'] },
  frame_selector: { mnemonics: [], paths: ['memory'] },
  accessed_on_fault: { mnemonics: [], paths: ['memory@0001'] },
  popa_fault: { mnemonics: ['POPA'], paths: ['registers'] },
  pusha_fault: { mnemonics: ['PUSHA'], paths: ['memory', 'registers.cr2', 'registers.eip', 'registers.esp'] },
  enter_fault: { mnemonics: ['ENTER'], paths: ['memory'] },
  cmps_order: { mnemonics: ['CMPS'], paths: ['registers.cr2', 'registers.eip', 'registers.esp', 'memory'] },
  branch_limit: { mnemonics: ['CALL'], paths: ['memory'] },
  far_call_limit: [
    {
      ...{ mnemonics: ['CALL'], vector: 13 },
      paths: ['memory', 'registers.cr2', 'registers.eip', 'registers.esp'],
    },
    { mnemonics: ['CALL'], vector: 14, paths: ['memory'] },
  ],
  far_return_order: { mnemonics: ['RETF', 'IRET'], paths: ['registers.cr2', 'memory@0001'] },
  alignment_order: { mnemonics: [], vector: 17, paths: ['registers', 'memory'] },
  fstp1_empty: { mnemonics: ['FSTP'], paths: ['memory', 'registers'] },
  stale_translation: { mnemonics: [], paths: [] },
  global_translation: { mnemonics: [], paths: [] },
};

/** Nothing says in which order an instruction with several operands in memory accesses them, and so which page is missed. */
const ORDER: Freedom = {
  mnemonics: [
    ...['RETF', 'IRET', 'LOAD', 'PUSHA', 'POPA', 'ENTER', 'CMPS', 'BOUND', 'CALL', 'JMP'],
    ...['FRSTOR', 'FNSAVE', 'FLDENV', 'FNSTENV', 'FXRSTOR', 'FXSAVE'],
  ],
  paths: ['registers.cr2'],
};

/** A far RET may read all that it might need before it looks at any of it. */
const EARLY_READ: Freedom = {
  mnemonics: ['RETF', 'IRET'],
  paths: ['registers.cr2', 'registers.eip', 'registers.esp', 'memory'],
  vector: 13,
};

/** And which accessed bits it has set before the page that it misses. */
const READ_ORDER: Freedom = { mnemonics: ['RETF', 'IRET'], paths: ['memory@0001'], vector: 14 };

export interface Freedom {
  /** It is about cases that end with this exception; about all when there is none. */
  vector?: number;
  /** It is about these; about all when there are none. */
  mnemonics: readonly string[];
  /** What the path of a difference begins with. */
  paths: readonly string[];
}

/** @param choices as an implementation has declared them; @param defaults those of the reference */
export function freedomsOf(
  choices: Readonly<Record<string, string>>,
  defaults: Readonly<Record<string, string>>,
): Freedom[] {
  const declared = Object.entries(choices).filter(([name, value]) => defaults[name] !== value);
  return [ORDER, EARLY_READ, READ_ORDER, ...declared.flatMap(([name]) => FREEDOMS[name] ?? [])];
}

export function isFree(
  path: string,
  mnemonics: ReadonlySet<string>,
  vector: number | undefined,
  freedoms: readonly Freedom[],
): boolean {
  return freedoms.some(
    (freedom) =>
      (freedom.vector === undefined || freedom.vector === vector) &&
      freedom.paths.some((begin) => path.startsWith(begin)) &&
      (freedom.mnemonics.length === 0 || freedom.mnemonics.some((mnemonic) => mnemonics.has(mnemonic))),
  );
}

/**
 * Why the answer of `native` to a case with this outcome is none: when a page is touched, its monitor goes on by way of
 * the kernel, which sets the RPL of DS, ES, FS and GS to 3 and makes null selectors 0.
 */
export function isDisturbed(label: string, { ds, es, fs, gs }: ProcessorRegisters): boolean {
  const changes = ({ selector }: SegmentRegister): boolean =>
    selector !== 0 && (selector < 4 || (selector & 3) !== 3);
  return label === 'native' && [ds, es, fs, gs].some(changes);
}

/** The program that runs the cases of `native` is in the same address space, from here to there. */
const MONITOR = { from: 0x6ff00000, to: 0x71000000 };
/** An access that begins behind here may go on at address 0. */
const END_OF_ADDRESSES = 0xfffffff0;
const SELECTOR_LOOKS = new Set(['LAR', 'LSL', 'VERR', 'VERW']);
const REGISTER_OPERANDS = 0xc0;
const INVALID_TSS = 10;
const PAGE_FAULT = 14;

/** Whether the limit of a segment of 4 GiB or a page stops an access over the end of the address space is free. */
export const isOverTheEnd = ({ cr2 }: LastFault): boolean => cr2 >= END_OF_ADDRESSES;

const OFFSETS_OF_16_BITS = 0xffff;

/** Whether the end of a long operand with a 16-bit address is beyond 64 KiB or at 0 is free. */
export function isOver64K(
  instructions: readonly FuzzInstruction[],
  one: LastFault,
  other: LastFault,
): boolean {
  return (
    instructions.some(({ address32 }) => !address32) &&
    one.vector === PAGE_FAULT &&
    other.vector === PAGE_FAULT &&
    ((one.cr2 ^ other.cr2) & OFFSETS_OF_16_BITS) === 0
  );
}

/** What the exception that ended a run says: where, and what it was. */
export interface LastFault {
  vector: number | undefined;
  eip: number;
  cr2: number;
  /** General registers, which may have led somewhere. */
  pointers: readonly number[];
  isInCode: boolean;
}

/** Why a process of the kernel below cannot tell what a case would have done; undefined when it can. */
export function nativeDoubt(instructions: readonly FuzzInstruction[], fault: LastFault): string | undefined {
  const { vector, eip, cr2, pointers, isInCode } = fault;
  if ([eip, cr2, ...pointers].some((address) => address >= MONITOR.from && address < MONITOR.to))
    return 'an address of its monitor';
  if (vector === INVALID_TSS && instructions.some(({ mnemonic }) => mnemonic === 'IRET'))
    return 'IRET with NT';
  // A fetch that fails there is what the case is about.
  if (!isInCode && !(vector === PAGE_FAULT && cr2 === eip)) return 'it went on in its data';
  const looks = instructions.some(
    ({ mnemonic, modrm }, i) => i > 0 && SELECTOR_LOOKS.has(mnemonic) && (modrm[0] ?? 0) >= REGISTER_OPERANDS,
  );
  return looks ? 'a selector that the case has computed is looked at' : undefined;
}

const MODES_8086 = { protectedMode: 1, virtual8086: 0x20000 };
const SEGMENT_BYTES = 0x10000;

/** Whether the outcome has a segment of real or virtual-8086 mode that goes on where the case has no memory. */
export function isBeyondMemory(registers: ProcessorRegisters, memorySize: number): boolean {
  const is8086 =
    (registers.cr0 & MODES_8086.protectedMode) === 0 || (registers.eflags & MODES_8086.virtual8086) !== 0;
  const { cs, ss, ds, es, fs, gs } = registers;
  return is8086 && [cs, ss, ds, es, fs, gs].some(({ base }) => base + SEGMENT_BYTES > memorySize);
}
