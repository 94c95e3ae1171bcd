// SPDX-License-Identifier: GPL-2.0-or-later

import { afterAll, describe, test } from 'vitest';
import type { Case } from '../cases/case.js';
import { loadSuite } from '../cases/suite.js';
import { type Host, HostImplementation } from '../implementations/module.js';
import { judgingFor } from '../judging.js';
import { compareKnown, type KnownFailure, readKnownFailures } from '../known-failures.js';
import { type RunOptions, runCases } from '../run.js';
import { select } from '../select.js';
import { type Clause, readClauses } from '../spec.js';
import { isBad, type Result } from '../verdict.js';

export interface ConformanceOptions {
  /** The implementation, or a function that makes one. */
  host: Host | (() => Host | Promise<Host>);
  /** Ids of cases, behaviours, or patterns, as for `lguest-conformance run`; default: all. */
  cases?: string[];
  /** `processor`, `host`, `system`; default: those that the implementation declares. */
  classes?: string[];
  /** Only cases of these clauses. */
  clauses?: string[];
  /** A file of known failures. Their tests pass while the cases fail as foreseen, and fail as soon as they do not. */
  expectations?: string;
  /** Time for one case, in seconds; default 10. */
  timeout?: number;
}

const USUAL_SECONDS = 10;

/**
 * Defines one vitest test for each selected case, in a `describe` for each behaviour. What the implementation does not do is
 * skipped with its reason; that no case ran at all is a failure. Call it at the top of a test file, with `await`.
 */
export async function conformance(options: ConformanceOptions): Promise<void> {
  const { host, cases = [], clauses = [], timeout = USUAL_SECONDS } = options;
  const implementation = new HostImplementation(typeof host === 'function' ? await host() : host, {
    label: 'host',
    seconds: timeout,
  });
  const declaration = await implementation.start();
  const suite = await loadSuite();
  const known = options.expectations === undefined ? [] : await readKnownFailures(options.expectations);
  const selection = {
    patterns: cases,
    classes: options.classes ?? declaration.classes,
    behaviours: [],
    clauses,
  };
  const selected = select(suite.cases, selection, declaration.profile);
  const run = new Run(implementation, { declaration, judging: judgingFor(declaration) }, known);
  for (const [behaviour, entries] of byBehaviour(selected.cases)) {
    describe(behaviour, () => {
      for (const entry of entries) {
        test(`${entry.id}: ${entry.title}`, { timeout: 2000 * timeout }, async (context) => {
          const missing = await run.check(entry);
          if (missing !== undefined) context.skip(missing);
        });
      }
    });
  }
  test('at least one case ran', () => {
    if (!run.someRan) throw shortError('no case ran: everything is unsupported, or was not selected');
  });
  if (known.length > 0) {
    test('no known failure is stale', () => {
      const { stale } = compareKnown([], known, suite.cases);
      const lines = stale.map((entry) => `${entry.file}:${entry.line}: "${entry.pattern}" matches no case`);
      if (lines.length > 0) throw shortError(lines.join('\n'));
    });
  }
  afterAll(() => implementation.stop());
}

/** Runs cases one by one and holds them against what is known. */
class Run {
  someRan = false;
  readonly #clauses = new Map(readClauses().map((clause) => [clause.id, clause]));

  constructor(
    private readonly implementation: HostImplementation,
    private readonly options: RunOptions,
    private readonly known: readonly KnownFailure[],
  ) {}

  /** Throws when a case is not as it should be; the answer is why it does not apply, when it does not. */
  async check(entry: Case): Promise<string | undefined> {
    const [result] = await runCases(this.implementation, [entry], this.options);
    if (result === undefined) throw new Error(`${entry.id} has no verdict`);
    const { verdict, details } = result;
    if (verdict === 'unsupported' || verdict === 'withdrawn') return `${verdict}: ${details.join('; ')}`;
    this.someRan = true;
    const { unexpected, unexpectedPasses } = compareKnown([result], this.known, [entry]);
    if (unexpected.length > 0) throw shortError(failureText(result, this.#clauses));
    const [pass] = unexpectedPasses;
    if (pass !== undefined) {
      throw shortError(`it passes, but ${pass.entry.file}:${pass.entry.line} says: ${pass.entry.reason}`);
    }
    return isBad(verdict) ? `${verdict}, which is known` : undefined;
  }
}

function failureText(
  { case: entry, verdict, details }: Result,
  clauses: ReadonlyMap<string, Clause>,
): string {
  const sentences = entry.recorded ? [] : entry.clauses.map((id) => `${id}: ${clauses.get(id)?.text ?? ''}`);
  return [`${verdict} (${entry.file}:${entry.line})`, ...sentences, ...details].join('\n  ');
}

/** An error whose place is of no interest: it is always the same one, in here. */
function shortError(message: string): Error {
  const error = new Error(message);
  error.stack = `Error: ${message}`;
  return error;
}

function byBehaviour(cases: readonly Case[]): Map<string, Case[]> {
  const groups = new Map<string, Case[]>();
  for (const entry of cases) {
    const group = groups.get(entry.behaviour);
    if (group === undefined) groups.set(entry.behaviour, [entry]);
    else group.push(entry);
  }
  return groups;
}
