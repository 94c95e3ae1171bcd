// SPDX-License-Identifier: GPL-2.0-or-later

import type { ProcessorRegisters, SegmentRegister } from '../protocol.js';

/**
 * Where an implementation has declared another choice than the reference (spec/choices.md), instructions that the choice
 * is about may differ in these places.
 */
const FREEDOMS: Readonly<Record<string, { mnemonics: readonly string[]; paths: readonly string[] }>> = {
  pushed_selector: { mnemonics: ['PUSH', 'CALL', 'INT', 'INTO', 'IRET'], paths: ['memory'] },
  frame_selector: { mnemonics: [], paths: ['memory'] },
  accessed_on_fault: { mnemonics: [], paths: ['memory@0001'] },
  popa_fault: { mnemonics: ['POPA'], paths: ['registers'] },
  pusha_fault: { mnemonics: ['PUSHA'], paths: ['memory'] },
  enter_fault: { mnemonics: ['ENTER'], paths: ['memory'] },
  cmps_order: { mnemonics: ['CMPS'], paths: ['registers.cr2', 'registers.eip', 'registers.esp', 'memory'] },
  branch_limit: { mnemonics: ['CALL'], paths: ['memory'] },
  stale_translation: { mnemonics: [], paths: [] },
  global_translation: { mnemonics: [], paths: [] },
};

/** Nothing says in which order an instruction with several operands in memory accesses them, and so which page is missed. */
const ORDER: Freedom = {
  mnemonics: ['RETF', 'IRET', 'LOAD', 'PUSHA', 'POPA', 'ENTER', 'CMPS', 'BOUND', 'CALL', 'JMP'],
  paths: ['registers.cr2'],
};

/** A far CALL to an offset beyond the limit of its target may have stored the return address below ESP, as a near one may. */
const FAR_LIMIT: Freedom = {
  mnemonics: ['CALL'],
  paths: ['memory', 'registers.cr2', 'registers.eip', 'registers.esp'],
  vector: 13,
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
  return [ORDER, FAR_LIMIT, EARLY_READ, READ_ORDER, ...declared.flatMap(([name]) => FREEDOMS[name] ?? [])];
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

const MODES_8086 = { protectedMode: 1, virtual8086: 0x20000 };
const SEGMENT_BYTES = 0x10000;

/** Whether the outcome has a segment of real or virtual-8086 mode that goes on where the case has no memory. */
export function isBeyondMemory(registers: ProcessorRegisters, memorySize: number): boolean {
  const is8086 =
    (registers.cr0 & MODES_8086.protectedMode) === 0 || (registers.eflags & MODES_8086.virtual8086) !== 0;
  const { cs, ss, ds, es, fs, gs } = registers;
  return is8086 && [cs, ss, ds, es, fs, gs].some(({ base }) => base + SEGMENT_BYTES > memorySize);
}
