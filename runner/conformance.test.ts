// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from 'vitest';
import type { Case } from './cases/case.js';
import { formatProblem } from './cases/problem.js';
import { loadSuite } from './cases/suite.js';
import { findGaps } from './commands/clauses.js';
import { choiceProblems, clauseProblems } from './commands/lint.js';
import { ReferenceImplementation } from './implementations/reference/index.js';
import { judgingFor } from './judging.js';
import { PROFILES, type Profile } from './protocol.js';
import { runCases } from './run.js';
import { select } from './select.js';
import { readClauses } from './spec.js';
import type { Result } from './verdict.js';

const suite = await loadSuite();

test('the case files have no problems', () => {
  expect(suite.problems.map(formatProblem)).toEqual([]);
  expect(clauseProblems(suite.cases).map(formatProblem)).toEqual([]);
  expect(choiceProblems(suite.cases).map(formatProblem)).toEqual([]);
});

test('every clause has a case and every case a clause', () => {
  const { untested, repeated, unknown } = findGaps(readClauses(), suite.cases);
  expect({ untested: untested.map(({ id }) => id), repeated, unknown: unknown.map(({ id }) => id) }).toEqual({
    untested: [],
    repeated: [],
    unknown: [],
  });
});

const everything = { patterns: [], classes: [], behaviours: [], clauses: [] };

async function resultsOf(profile: Profile, cases: readonly Case[]): Promise<Map<string, Result>> {
  const reference = new ReferenceImplementation(profile);
  const declaration = await reference.start();
  const results = await runCases(reference, cases, { declaration, judging: judgingFor(declaration) });
  return new Map(results.map((result) => [result.case.id, result]));
}

function told(result: Result | undefined): string {
  if (result === undefined) return 'no verdict';
  return [result.verdict, ...result.details].join('\n');
}

describe.each(PROFILES)('the reference in profile %s', async (profile) => {
  const { cases } = select(suite.cases, everything, profile);
  const results = await resultsOf(profile, cases);

  for (const entry of cases.filter((candidate) => !candidate.recorded)) {
    const expected = entry.withdrawn === undefined ? 'pass' : `withdrawn\n${entry.withdrawn}`;
    test(`${entry.id}: ${entry.title}`, () => expect(told(results.get(entry.id))).toBe(expected));
  }

  // Recorded lines are many and alike: one test for each file of them, which tells every line that is wrong.
  const recorded = new Map<string, Case[]>();
  for (const entry of cases.filter((candidate) => candidate.recorded)) {
    const id = entry.id.replace(/\/\d+$/, '');
    recorded.set(id, [...(recorded.get(id) ?? []), entry]);
  }
  for (const [id, lines] of recorded) {
    test(`${id}: ${lines.length} recorded answers`, () => {
      // What is not modelled is reported as such by `run`; it is neither right nor wrong.
      const wrong = lines.filter(
        ({ id: line }) => !['pass', 'unsupported'].includes(results.get(line)?.verdict ?? ''),
      );
      expect(wrong.map((entry) => `${entry.id}: ${told(results.get(entry.id))}`)).toEqual([]);
    });
  }
});
