// SPDX-License-Identifier: GPL-2.0-or-later

import { formatProblem, type Problem } from '../cases/problem.js';
import { UsageError } from '../usage.js';

/** A suite with a problem in it is not run: what it would say could not be trusted. */
export function refuseProblems(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const lines = problems.map(formatProblem);
  throw new UsageError(`the case files have problems:\n${lines.join('\n')}`);
}
