// SPDX-License-Identifier: GPL-2.0-or-later

import type { Case } from './cases/case.js';
import { type Difference, differenceText } from './compare/difference.js';

/** What can become of a case that was selected. A closed set: every switch over it is complete. */
export const VERDICTS = [
  'pass',
  'fail',
  'crashed',
  'timeout',
  'bad-reply',
  'unsupported',
  'withdrawn',
] as const;
export type Verdict = (typeof VERDICTS)[number];

/** A difference and the step it belongs to, counted from 1. */
export interface StepDifference extends Difference {
  step: number;
}

export interface Result {
  case: Case;
  verdict: Verdict;
  /** What is wrong, or missing, in sentences; for `fail` mostly differences. */
  details: string[];
  /** The paths of the differences, when they are all that is wrong. */
  paths?: string[];
  /** The differences themselves, in the same case. */
  differences?: StepDifference[];
  /** Time from sending the case to its answer, when times are asked for. */
  seconds?: number;
  /** The end of the implementation's standard error, when it has something to do with it. */
  stderr?: string;
}

/** Verdicts that say that the implementation does not do what the case requires. */
export function isBad(verdict: Verdict): boolean {
  switch (verdict) {
    case 'fail':
    case 'crashed':
    case 'timeout':
    case 'bad-reply':
      return true;
    case 'pass':
    case 'unsupported':
    case 'withdrawn':
      return false;
  }
}

/** Differences of a step, as sentences; the step is named when there are several. */
export function detailsOf(differences: readonly Difference[], step: number, steps: number): string[] {
  const prefix = steps > 1 ? `step ${step + 1}: ` : '';
  return differences.map((difference) => prefix + differenceText(difference));
}
