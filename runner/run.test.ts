// SPDX-License-Identifier: GPL-2.0-or-later

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Answer, Implementation } from './implementations/implementation.js';
import type { CaseRequest } from './protocol.js';
import { runCases } from './run.js';
import { caseNamed, processorDeclaration as declaration } from './testing/cases.js';
import type { Result } from './verdict.js';

const options = { declaration, judging: { profile: 'linux-2.6.29', choices: {} } as const };

/** Echoes the given state, which is right for a case that expects no change. */
function echo(request: CaseRequest): Answer {
  const { registers, memory } = request.given as { registers: object; memory: object[] };
  const state = { registers, memory, io: [] };
  return { kind: 'result', result: { steps: [{ outcome: { stop: 'hlt' }, state, events: [] }] } };
}

function implementation(run: Implementation['run'], window = 1): Implementation {
  return { label: 'test', window, start: async () => declaration, run, stop: async () => {} };
}

const cases = Array.from({ length: 10 }, (_, index) => caseNamed(`execution/case-${index}`));

test('results come in the order of the cases, answers in any', async () => {
  let open = 0;
  let most = 0;
  const slow = implementation(async (request) => {
    most = Math.max(most, ++open);
    await sleep(request.id.endsWith('0') ? 20 : 1);
    open--;
    return echo(request);
  }, 4);
  const results = await runCases(slow, cases, options);
  expect(results.map((result) => result.case.id)).toEqual(cases.map(({ id }) => id));
  expect(results.every(({ verdict }) => verdict === 'pass')).toBe(true);
  expect(most).toBeLessThanOrEqual(4);
  expect(most).toBeGreaterThan(1);
});

test('each kind of answer has its verdict', async () => {
  const answers: Answer[] = [
    { kind: 'unsupported', reason: 'no FPU' },
    { kind: 'error', code: 1002, message: 'malformed', stderr: '' },
    { kind: 'crashed', how: 'signal 11', stderr: 'trace' },
    { kind: 'timeout', seconds: 10, stderr: '' },
    { kind: 'bad-reply', problem: 'not JSON', stderr: '' },
    { kind: 'result', result: { steps: [] } },
  ];
  const results = await runCases(
    implementation((request) => answers[Number(request.id.at(-1))] ?? echo(request)),
    cases,
    options,
  );
  expect(results.map(({ verdict }) => verdict)).toEqual([
    ...['unsupported', 'fail', 'crashed', 'timeout', 'bad-reply', 'fail'],
    ...['pass', 'pass', 'pass', 'pass'],
  ]);
  expect(results[2]?.stderr).toBe('trace');
});

test('an implementation that throws has crashed, and the others still run', async () => {
  const results = await runCases(
    implementation((request) => {
      if (request.id.endsWith('1')) throw new Error('at a loss');
      return echo(request);
    }),
    cases.slice(0, 3),
    options,
  );
  expect(results.map(({ verdict, details }) => [verdict, ...details])).toEqual([
    ['pass'],
    ['crashed', 'it threw at a loss'],
    ['pass'],
  ]);
});

test('a run ends where it is told to', async () => {
  const failing = implementation((request) =>
    request.id.endsWith('2') ? { kind: 'bad-reply', problem: 'x', stderr: '' } : echo(request),
  );
  const results = await runCases(failing, cases, {
    ...options,
    stopAfter: ({ verdict }) => verdict === 'bad-reply',
  });
  expect(results).toHaveLength(3);
});

test('an interruption leaves what was known, even while an answer is waited for', async () => {
  const controller = new AbortController();
  const hanging = implementation((request) => {
    if (!request.id.endsWith('4')) return echo(request);
    setTimeout(() => controller.abort(), 1);
    return new Promise<Answer>(() => {});
  });
  const results = await runCases(hanging, cases, { ...options, interruption: controller.signal });
  expect(results).toHaveLength(4);
});

test("an answer that comes after an interruption is nobody's", async () => {
  const controller = new AbortController();
  let answerLate = (): void => {};
  const late = implementation(
    (request) =>
      new Promise<Answer>((resolve) => {
        answerLate = () => resolve(echo(request));
        setTimeout(() => controller.abort(), 1);
      }),
  );
  const told: string[] = [];
  const onResult = ({ case: { id } }: Result): number => told.push(id);
  const results = await runCases(late, cases, { ...options, interruption: controller.signal, onResult });
  answerLate();
  await sleep(1);
  expect(results).toEqual([]);
  expect(told).toEqual([]);
});

test('withdrawn cases and operations that are not declared are not sent', async () => {
  const sent: string[] = [];
  const few = implementation((request) => {
    sent.push(request.id);
    return echo(request);
  });
  const list = [
    caseNamed('execution/gone', { withdrawn: 'it was wrong' }),
    caseNamed('execution/host', { class: 'host' }),
    caseNamed('execution/there'),
  ];
  const results = await runCases(few, list, {
    ...options,
    declaration: { ...declaration, operations: ['run'] },
  });
  expect(results.map(({ verdict }) => verdict)).toEqual(['withdrawn', 'unsupported', 'pass']);
  expect(sent).toEqual(['execution/there']);
});

test('a processor of a certain age is asked of those who can be one', async () => {
  const older = caseNamed('execution/older', {
    body: () => ({
      given: { model: '486-like' },
      steps: [{ op: 'run', parameters: {}, expected: { state: {} } }],
    }),
  });
  const models: unknown[] = [];
  const willing = implementation((request) => {
    models.push(request.given.model);
    return echo(request);
  });
  const verdictWith = async (features: string[]) => {
    const results = await runCases(willing, [older], {
      ...options,
      declaration: { ...declaration, features },
    });
    return results.map(({ verdict }) => verdict);
  };
  expect(await verdictWith(['pool_and_clock_events'])).toEqual(['unsupported']);
  expect(models).toEqual([]);
  expect(await verdictWith(['models'])).toEqual(['pass']);
  expect(models).toEqual(['486-like']);
});

test('a slow case does not keep the others waiting', async () => {
  let answered = 0;
  const oneSlow = implementation(async (request) => {
    if (request.id.endsWith('-0')) while (answered < 9) await sleep(1);
    else await sleep(1);
    answered++;
    return echo(request);
  }, 2);
  const results = await runCases(oneSlow, cases, options);
  expect(results.map((result) => result.case.id)).toEqual(cases.map(({ id }) => id));
});

test('an interruption loses no answer, also of cases behind one that hangs', async () => {
  const controller = new AbortController();
  const hangs = implementation(async (request) => {
    if (request.id.endsWith('-3')) return await new Promise<Answer>(() => {});
    if (request.id.endsWith('-9')) setTimeout(() => controller.abort(), 5);
    return echo(request);
  }, 4);
  const results = await runCases(hangs, cases, { ...options, interruption: controller.signal });
  const others = cases.map(({ id }) => id).filter((id) => !id.endsWith('-3'));
  expect(results.map((result) => result.case.id)).toEqual(others);
});

test('with timings each result says how long its case took', async () => {
  const slow = implementation(async (request) => {
    await sleep(request.id.endsWith('-2') ? 30 : 0);
    return echo(request);
  });
  const timed = await runCases(slow, cases.slice(0, 4), { ...options, timings: true });
  const seconds = timed.map((result) => result.seconds ?? Number.NaN);
  expect(Math.max(...seconds)).toBe(seconds[2]);
  const [plain] = await runCases(slow, cases.slice(0, 1), options);
  expect(plain).not.toHaveProperty('seconds');
});
