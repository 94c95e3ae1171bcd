// SPDX-License-Identifier: GPL-2.0-or-later

import type { Case } from './cases/case.js';
import { isBad, type Result, VERDICTS } from './verdict.js';

/** What a result says, for telling whether two runs of a case said the same. */
export function wordsOf({ verdict, details }: Result): string {
  return [verdict, ...details].join('\n');
}

/**
 * One result for each case that was run several times: what all runs said, or a failure that counts what they said. A case
 * that an interrupted run did not reach has the results of the runs before.
 */
export function oneOfEach(cases: readonly Case[], runs: readonly (readonly Result[])[]): Result[] {
  const all = new Map<string, Result[]>();
  for (const result of runs.flat()) {
    const others = all.get(result.case.id);
    if (others === undefined) all.set(result.case.id, [result]);
    else others.push(result);
  }
  return cases.flatMap(({ id }) => {
    const [first, ...others] = all.get(id) ?? [];
    return first === undefined ? [] : [joined(first, others)];
  });
}

function joined(first: Result, others: readonly Result[]): Result {
  const words = wordsOf(first);
  if (others.every((other) => wordsOf(other) === words)) return first;
  const all = [first, ...others];
  const worst = all.find(({ verdict }) => isBad(verdict)) ?? first;
  const list = VERDICTS.map((verdict) => ({
    verdict,
    count: all.filter((one) => one.verdict === verdict).length,
  }))
    .filter(({ count }) => count > 0)
    .map(({ verdict, count }) => `${count} ${verdict}`)
    .join(', ');
  const said = `not the same in ${all.length} runs: ${list}`;
  return {
    ...worst,
    verdict: isBad(worst.verdict) ? worst.verdict : 'fail',
    details: [said, ...worst.details],
  };
}
