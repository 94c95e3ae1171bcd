// SPDX-License-Identifier: GPL-2.0-or-later

/** Something wrong in a case file, with the place to mend it. Lines and columns count from 1. */
export interface Problem {
  file: string;
  line: number;
  column: number;
  message: string;
}

export function formatProblem(problem: Problem): string {
  return `${problem.file}:${problem.line}:${problem.column}: ${problem.message}`;
}

/** Thrown deep inside the expansion of a case; the loader adds the place. */
export class CaseError extends Error {
  constructor(
    message: string,
    /** Keys that lead to the culprit from the root of the case, when known. */
    readonly path: (string | number)[] = [],
  ) {
    super(message);
    this.name = 'CaseError';
  }
}
