// SPDX-License-Identifier: GPL-2.0-or-later

import type { Case, Expectation } from '../cases/case.js';
import { didYouMean } from '../cases/nearest.js';
import { behaviours, loadSuite } from '../cases/suite.js';
import { expectedHostState, expectedProcessorState, hostStateOf, processorStateOf } from '../expand/frame.js';
import { type ExpandedCase, expandCase } from '../expand/request.js';
import { isProcessorGiven } from '../protocol.js';
import { print, printProse } from '../report/output.js';
import { readable } from '../report/readable.js';
import { behavioursOfPatterns, checkNames } from '../select.js';
import { readChoices, readClauses, withDefaults } from '../spec.js';
import { ExitCode, UsageError } from '../usage.js';
import { profileOf, refuseProblems } from './options.js';

export interface ShowOptions {
  json?: boolean;
  profile?: string;
}

/** Prints one case: its clauses, its request as it is sent, and what is expected. */
export async function show(id: string, options: ShowOptions): Promise<number> {
  const profile = profileOf(options.profile);
  const entry = await findCase(id);
  const expanded = expandCase(entry, { profile, choices: withDefaults(readChoices()) });
  if (options.json === true) {
    print(JSON.stringify(expanded.request));
    return ExitCode.conforms;
  }
  print(`${entry.id}  (class ${entry.class}, ${entry.file}:${entry.line})`);
  print(entry.title);
  if (entry.source !== undefined) print(`source: ${entry.source}`);
  if (entry.withdrawn !== undefined) print(`withdrawn: ${entry.withdrawn}`);
  if (entry.unspecifiedBy !== undefined) print(`left open by ${entry.unspecifiedBy} in profile linux-2.6.29`);
  const clauses = readClauses();
  for (const name of entry.clauses) {
    printProse(name, clauses.find((clause) => clause.id === name)?.text ?? 'not in the spec');
  }
  print('\nrequest (numbers from ten on in hex; --json prints the bytes that are sent)');
  print(readable(expanded.request));
  print('\nexpected, over the state before the step');
  print(readable(expectations(expanded)));
  return ExitCode.conforms;
}

/** The case of this id; its behaviour's files are all that is read. */
export async function findCase(id: string): Promise<Case> {
  const folders = behavioursOfPatterns([id]);
  checkNames('behaviour', folders ?? [], behaviours());
  const suite = await loadSuite(folders);
  const entry = suite.cases.find((candidate) => candidate.id === id);
  if (entry !== undefined) return entry;
  refuseProblems(suite.problems);
  const ids = suite.cases.map((candidate) => candidate.id);
  const rows = ids.filter((candidate) => candidate.startsWith(`${id}/`));
  const hint = rows.length > 0 ? `; it is a table: "${rows[0]}" is its first row` : didYouMean(id, ids);
  throw new UsageError(`there is no case "${id}"${hint}`);
}

/** The expectation of each step; for the first, with what was derived for it. */
function expectations({ request, expected }: ExpandedCase): unknown[] {
  return expected.map((expectation, index) => (index === 0 ? derived(request, expectation) : expectation));
}

function derived(request: ExpandedCase['request'], expectation: Expectation): unknown {
  const { given } = request;
  if (!isProcessorGiven(given)) {
    return {
      ...expectation,
      state: namedPart(expectedHostState(hostStateOf(request), expectation.state), expectation),
    };
  }
  const { registers, memory, io } = expectedProcessorState(processorStateOf(given), expectation, {});
  const before = new Map<string, unknown>(Object.entries(given.registers));
  const changed = Object.entries(registers).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(before.get(name)),
  );
  const unchanged = new Set(
    processorStateOf(given)
      .memory.runs()
      .map((run) => JSON.stringify(run)),
  );
  const stored = memory.runs().filter((run) => !unchanged.has(JSON.stringify(run)));
  return { ...expectation, state: { registers: Object.fromEntries(changed), memory: stored, io } };
}

function namedPart(state: Record<string, unknown>, expectation: Expectation): Record<string, unknown> {
  return Object.fromEntries(Object.entries(state).filter(([key]) => key in expectation.state));
}
