// SPDX-License-Identifier: GPL-2.0-or-later

import type { Case } from '../cases/case.js';
import { didYouMean } from '../cases/nearest.js';
import { formatProblem, type Problem } from '../cases/problem.js';
import { behaviours as knownBehaviours, loadSuite } from '../cases/suite.js';
import { expectedHostState, expectedProcessorState, hostStateOf, processorStateOf } from '../expand/frame.js';
import { type ExpandedCase, expandCase } from '../expand/request.js';
import { messageOf } from '../message-of.js';
import { isProcessorGiven, PROFILES } from '../protocol.js';
import { print } from '../report/output.js';
import { checkNames } from '../select.js';
import { readChoices, readClauses, withDefaults } from '../spec.js';
import { ExitCode } from '../usage.js';

/** Checks all case files, or those of some behaviours: form, clauses, and that every case can be expanded. */
export async function lint(behaviours: readonly string[]): Promise<number> {
  checkNames('behaviour', behaviours, knownBehaviours());
  const suite = await loadSuite(behaviours.length === 0 ? undefined : behaviours);
  const choices = withDefaults(readChoices());
  const problems = [
    ...suite.problems,
    ...clauseProblems(suite.cases),
    ...suite.cases.flatMap((entry) => expansionProblems(entry, choices)),
  ];
  for (const problem of problems) print(formatProblem(problem));
  const files = new Set(suite.cases.map((entry) => entry.file)).size;
  print(
    `${suite.cases.length} cases in ${files} files, ${problems.length === 0 ? 'no' : problems.length} problems`,
  );
  return problems.length === 0 ? ExitCode.conforms : ExitCode.doesNotConform;
}

/** Clauses that the spec does not have, and clauses that do not bind the class of the case. */
export function clauseProblems(cases: readonly Case[]): Problem[] {
  const clauses = new Map(readClauses().map((clause) => [clause.id, clause]));
  const seen = new Set<string>();
  const problems: Problem[] = [];
  for (const entry of cases) {
    for (const id of entry.clauses) {
      const clause = clauses.get(id);
      const key = `${entry.file} ${entry.recorded ? entry.id.replace(/\/\d+$/, '') : entry.line} ${id}`;
      if (seen.has(key)) continue;
      seen.add(key);
      if (clause === undefined) {
        problems.push(problemOf(entry, `there is no clause ${id}${didYouMean(id, clauses.keys())}`));
      } else if (clause.withdrawn && entry.withdrawn === undefined) {
        problems.push(problemOf(entry, `clause ${id} is withdrawn`));
      }
    }
  }
  return problems;
}

/** Variants for choices, or values of them, that the spec does not have. */
export function choiceProblems(cases: readonly Case[]): Problem[] {
  const known = readChoices();
  return cases.flatMap((entry) => {
    if (entry.recorded) return [];
    const named = entry
      .body()
      .steps.flatMap((step) => (step.variants ?? []).map(({ choice = {} }) => choice));
    return named
      .flatMap((choice) => Object.entries(choice))
      .filter(([name, value]) => known.get(name)?.includes(value) !== true)
      .map(([name, value]) => problemOf(entry, `there is no choice ${name}: ${value} in spec/choices.md`));
  });
}

function problemOf(entry: Case, message: string): Problem {
  return { file: entry.file, line: entry.line, column: 1, message: `${entry.id}: ${message}` };
}

/** A YAML case whose request or first expectation cannot be derived. */
export function expansionProblems(entry: Case, choices: Record<string, string>): Problem[] {
  if (entry.recorded) return [];
  for (const profile of PROFILES) {
    try {
      const expanded = expandCase(entry, { profile, choices });
      deriveFirst(expanded, choices);
    } catch (error) {
      return [problemOf(entry, messageOf(error))];
    }
  }
  return [];
}

function deriveFirst({ request, expected }: ExpandedCase, choices: Record<string, string>): void {
  const first = expected[0];
  if (first === undefined) return;
  if (isProcessorGiven(request.given)) {
    expectedProcessorState(processorStateOf(request.given), first, choices);
  } else {
    expectedHostState(hostStateOf(request), first.state);
  }
}
