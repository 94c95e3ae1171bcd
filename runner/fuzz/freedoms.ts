// SPDX-License-Identifier: GPL-2.0-or-later

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
  cmps_order: { mnemonics: ['CMPS'], paths: ['registers.cr2', 'memory'] },
  branch_limit: { mnemonics: ['CALL'], paths: ['memory'] },
  stale_translation: { mnemonics: [], paths: [] },
  global_translation: { mnemonics: [], paths: [] },
};

export interface Freedom {
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
  return Object.entries(choices)
    .filter(([name, value]) => defaults[name] !== value)
    .flatMap(([name]) => FREEDOMS[name] ?? []);
}

export function isFree(path: string, mnemonics: ReadonlySet<string>, freedoms: readonly Freedom[]): boolean {
  return freedoms.some(
    (freedom) =>
      freedom.paths.some((begin) => path.startsWith(begin)) &&
      (freedom.mnemonics.length === 0 || freedom.mnemonics.some((mnemonic) => mnemonics.has(mnemonic))),
  );
}
