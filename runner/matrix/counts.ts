// SPDX-License-Identifier: GPL-2.0-or-later

import type { Expectations } from '../known-failures.js';
import { isBad, type Result } from '../verdict.js';
import type { Column } from './collect.js';

/** The pattern of an entry about a deviation that shows in cases of every kind. */
export const ANYWHERE = '**';

export interface Counts {
  pass: number;
  /** Differ by nothing but what the implementation does everywhere, such as a flag in every frame. */
  everywhere: number;
  fail: number;
  unsupported: number;
}

export function countsOf(results: readonly Result[], expectations: Expectations): Counts {
  const counts = { pass: 0, everywhere: 0, fail: 0, unsupported: 0 };
  for (const result of results) {
    if (isBad(result.verdict)) counts[isEverywhere(result, expectations) ? 'everywhere' : 'fail']++;
    else if (result.verdict === 'pass') counts.pass++;
    else if (result.verdict === 'unsupported') counts.unsupported++;
  }
  return counts;
}

function isEverywhere(result: Result, expectations: Expectations): boolean {
  return expectations.of(result)?.entry.pattern === ANYWHERE;
}

/** One line of the matrix: a behaviour and its counts, in the order of the columns. */
export interface Line {
  behaviour: string;
  cells: (Counts | undefined)[];
}

/** The behaviours that any column has results for, in alphabetical order, and their counts. */
export function linesOf(columns: readonly Column[]): Line[] {
  const behaviours = new Set(
    columns.flatMap(({ results }) => results.map((result) => result.case.behaviour)),
  );
  return [...behaviours].sort().map((behaviour) => ({
    behaviour,
    cells: columns.map(({ skipped, results, expectations }) =>
      skipped === undefined
        ? countsOf(
            results.filter((result) => result.case.behaviour === behaviour),
            expectations,
          )
        : undefined,
    ),
  }));
}

/** `574`, or `574, 3 fail, 21 unsupported`; a dash when nothing was run. */
export function cellText(counts: Counts | undefined): string {
  if (counts === undefined) return 'skipped';
  const { pass, everywhere, fail, unsupported } = counts;
  if (pass + everywhere + fail + unsupported === 0) return '-';
  return [
    `${pass}`,
    ...(everywhere > 0 ? [`${everywhere} everywhere`] : []),
    ...(fail > 0 ? [`${fail} fail`] : []),
    ...(unsupported > 0 ? [`${unsupported} unsupported`] : []),
  ].join(', ');
}
