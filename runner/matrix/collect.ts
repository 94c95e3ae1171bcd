// SPDX-License-Identifier: GPL-2.0-or-later

import type { Case } from '../cases/case.js';
import { CannotStart, type Implementation } from '../implementations/implementation.js';
import { createImplementation } from '../implementations/index.js';
import { judgingFor } from '../judging.js';
import type { Expectations } from '../known-failures.js';
import { runCases } from '../run.js';
import type { Result } from '../verdict.js';

/** What became of the cases on one implementation. */
export interface Column {
  /** As it was named on the command line. */
  name: string;
  /** What it says of itself: name and version. */
  title: string;
  /** Why it was not run, and what to do about it; then there are no results. */
  skipped?: { reason: string; cure: string };
  results: readonly Result[];
  /** What is known of its deviations. */
  expectations: Expectations;
  seconds: number;
}

/** Runs the cases of the classes that the implementation claims; one that is missing is skipped. */
export async function collect(
  name: string,
  cases: readonly Case[],
  expectations: Expectations,
  onResult: (done: number, all: number) => void,
): Promise<Column> {
  const began = performance.now();
  const implementation = await createImplementation(name, {
    profile: 'linux-2.6.29',
    timeoutFactor: 1,
    onlyJudged: true,
  });
  try {
    const found = await runOn(implementation, cases, onResult);
    return { name, ...found, expectations, seconds: secondsSince(began) };
  } catch (error) {
    if (!(error instanceof CannotStart)) throw error;
    const skipped = { reason: error.message, cure: error.cure };
    return { name, title: name, skipped, results: [], expectations, seconds: secondsSince(began) };
  } finally {
    await implementation.stop();
  }
}

const secondsSince = (began: number): number => (performance.now() - began) / 1000;

async function runOn(
  implementation: Implementation,
  cases: readonly Case[],
  onResult: (done: number, all: number) => void,
): Promise<{ title: string; results: Result[] }> {
  const declaration = await implementation.start();
  const claimed = cases.filter((entry) => declaration.classes.includes(entry.class));
  let done = 0;
  const results = await runCases(implementation, claimed, {
    declaration,
    judging: judgingFor(declaration),
    onResult: () => {
      done++;
      onResult(done, claimed.length);
    },
  });
  const { name, version } = declaration.implementation;
  return { title: `${name} ${version}`, results };
}
