// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from 'vitest';
import type { Answer, Implementation } from './implementations/implementation.js';
import type { CaseRequest } from './protocol.js';
import { caseNamed, processorDeclaration as declaration } from './testing/cases.js';
import { verifyCases } from './verify.js';

const cases = Array.from({ length: 12 }, (_, i) => caseNamed(`execution/case-${i}`));

/** Echoes the given state, which is right; otherwise it ends as a triple fault. */
function answer(request: CaseRequest, isRight: boolean): Answer {
  const { registers, memory } = request.given as { registers: object; memory: object[] };
  const stop = isRight ? 'hlt' : 'shutdown';
  return {
    kind: 'result',
    result: { steps: [{ outcome: { stop }, state: { registers, memory, io: [] }, events: [] }] },
  };
}

/** A factory of implementations; `ask` is told of the cases that one has had before. */
function maker(ask: (request: CaseRequest, before: string[]) => Answer): () => Promise<Implementation> {
  return async () => {
    const before: string[] = [];
    return {
      label: 'test',
      window: 1,
      start: async () => declaration,
      run: (request) => {
        const given = ask(request, before);
        before.push(request.id);
        return given;
      },
      stop: async () => {},
    };
  };
}

async function verified(make: () => Promise<Implementation>) {
  const rounds: string[] = [];
  const results = await verifyCases(make, cases, {
    declaration,
    judging: { profile: 'linux-2.6.29', choices: {} },
    rounds: 3,
    seed: 1,
    onRound: (what, count) => rounds.push(`${what}: ${count}`),
  });
  return { rounds, results };
}

test('what keeps no state passes, after the rounds that were promised', async () => {
  const { rounds, results } = await verified(maker((request) => answer(request, true)));
  expect(results.map((result) => [result.case.id, result.verdict])).toEqual(
    cases.map(({ id }) => [id, 'pass']),
  );
  expect(rounds).toEqual([
    'in order: 12',
    'in random order, 1 of 3: 12',
    'in random order, 2 of 3: 12',
    'in random order, 3 of 3: 12',
    'each alone in a fresh process: 12',
  ]);
});

test('state that leaks is told with the case that it leaks from', async () => {
  const { results } = await verified(
    maker((request, before) =>
      answer(request, !(request.id.endsWith('-5') && before.includes('execution/case-2'))),
    ),
  );
  const bad = results.filter(({ verdict }) => verdict !== 'pass');
  expect(bad.map((result) => result.case.id)).toEqual(['execution/case-5']);
  expect(bad[0]?.details[0]).toBe(
    'state leaks between cases: alone it is pass, after execution/case-2 it is fail',
  );
});

test('a case that passes only after another is told too', async () => {
  const { results } = await verified(
    maker((request, before) =>
      answer(request, !request.id.endsWith('-7') || before.includes('execution/case-1')),
    ),
  );
  const bad = results.filter(({ verdict }) => verdict !== 'pass');
  expect(bad.map((result) => result.case.id)).toEqual(['execution/case-7']);
  expect(bad[0]?.details[0]).toContain('alone it is fail, after execution/case-1 it is pass');
});

test('what varies even alone is not called a leak', async () => {
  let asked = 0;
  const { results } = await verified(
    maker((request) => answer(request, !request.id.endsWith('-4') || asked++ % 2 === 0)),
  );
  const bad = results.filter(({ verdict }) => verdict !== 'pass');
  expect(bad.map((result) => result.case.id)).toEqual(['execution/case-4']);
  expect(bad[0]?.details[0]).toMatch(/^not (deterministic|the same)/);
});
