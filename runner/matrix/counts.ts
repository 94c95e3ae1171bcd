// SPDX-License-Identifier: GPL-2.0-or-later

import { isBad, type Result } from '../verdict.js';
import type { Column } from './collect.js';

export interface Counts {
  pass: number;
  fail: number;
  unsupported: number;
}

export function countsOf(results: readonly Result[]): Counts {
  const counts = { pass: 0, fail: 0, unsupported: 0 };
  for (const { verdict } of results) {
    if (isBad(verdict)) counts.fail++;
    else if (verdict === 'pass') counts.pass++;
    else if (verdict === 'unsupported') counts.unsupported++;
  }
  return counts;
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
    cells: columns.map(({ skipped, results }) =>
      skipped === undefined
        ? countsOf(results.filter((result) => result.case.behaviour === behaviour))
        : undefined,
    ),
  }));
}

/** `574`, or `574, 3 fail, 21 unsupported`; a dash when nothing was run. */
export function cellText(counts: Counts | undefined): string {
  if (counts === undefined) return 'skipped';
  const { pass, fail, unsupported } = counts;
  if (pass + fail + unsupported === 0) return '-';
  return [
    `${pass}`,
    ...(fail > 0 ? [`${fail} fail`] : []),
    ...(unsupported > 0 ? [`${unsupported} unsupported`] : []),
  ].join(', ');
}
