// SPDX-License-Identifier: GPL-2.0-or-later

import { loadSuite } from '../cases/suite.js';
import { write } from '../report/output.js';
import { behavioursOfPatterns, patternOf } from '../select.js';
import { ExitCode, UsageError } from '../usage.js';
import { refuseProblems } from './options.js';

/** Prints the cases that the patterns select, all without patterns; with `--json` one object a line. */
export async function list(patterns: readonly string[], options: { json?: boolean }): Promise<number> {
  const suite = await loadSuite(behavioursOfPatterns(patterns));
  refuseProblems(suite.problems);
  const expressions = patterns.map(patternOf);
  const cases = suite.cases.filter(
    (entry) => expressions.length === 0 || expressions.some((expression) => expression.test(entry.id)),
  );
  if (cases.length === 0)
    throw new UsageError(`no case matches ${patterns.map((p) => `"${p}"`).join(' or ')}`);
  const lines = cases.map(
    ({ id, behaviour, class: conformanceClass, clauses, profile, title, file, line }) =>
      options.json === true
        ? JSON.stringify({ id, behaviour, class: conformanceClass, clauses, profile, title, file, line })
        : `${id}  ${title}`,
  );
  write(`${lines.join('\n')}\n`);
  return ExitCode.conforms;
}
