// SPDX-License-Identifier: GPL-2.0-or-later

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { loadSuite } from '../cases/suite.js';
import { expandCase } from '../expand/request.js';
import { packageRoot } from '../package.js';
import type { Profile } from '../protocol.js';
import { serve } from './serve.js';

interface Answer {
  id: unknown;
  result?: { steps: { outcome: Record<string, unknown>; state: Record<string, Record<string, unknown>> }[] };
  error?: { code: number; message: string; data?: { reason: string } };
}

/** Sends lines, ends the input, and collects the answers. */
async function exchange(
  lines: readonly (object | string)[],
  profile?: Profile,
): Promise<{ answers: Answer[]; exitCode: number }> {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const serving = serve({ input, output, profile });
  for (const line of lines) input.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
  input.end();
  const chunks: Buffer[] = [];
  output.on('data', (chunk: Buffer) => chunks.push(chunk));
  const exitCode = await serving;
  const text = Buffer.concat(chunks).toString();
  const answers = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Answer);
  return { answers, exitCode };
}

const request = (id: number, method: string, params?: object) => ({ jsonrpc: '2.0', id, method, params });

const caseParams = {
  id: 'test/in',
  class: 'host',
  profile: 'linux-2.6.29',
  given: { regs: { trapnum: 13, errcode: 1, eip: 5 } },
  steps: [{ op: 'handle_trap' }],
  observe: {},
};

test('it introduces itself, and ends when told to shut down', async () => {
  const { answers, exitCode } = await exchange([
    request(0, 'initialize', { protocol_version: 1, suite: { name: 't', version: '1' } }),
    request(1, 'shutdown'),
    request(2, 'shutdown'),
  ]);
  expect(answers).toHaveLength(2);
  expect(answers[0]?.result).toMatchObject({ protocol_version: 1, classes: ['processor', 'host', 'system'] });
  expect(answers[1]).toEqual({ jsonrpc: '2.0', id: 1, result: null });
  expect(exitCode).toBe(0);
});

test('it ends with its input, and answers a last line without a newline', async () => {
  expect(await exchange([])).toEqual({ answers: [], exitCode: 0 });
  const [input, output] = [new PassThrough(), new PassThrough()];
  input.end(JSON.stringify(request(5, 'nothing')));
  expect(await serve({ input, output })).toBe(0);
  expect(JSON.parse(output.read().toString())).toMatchObject({ id: 5, error: { code: -32601 } });
});

test('what it cannot read or does not know is answered with the right code', async () => {
  const { answers } = await exchange([
    'not json',
    '[1, 2]',
    '{"jsonrpc":"2.0","id":1}',
    request(2, 'no_such_method'),
    request(3, 'initialize', { protocol_version: 2 }),
    request(4, 'run_case'),
    request(5, 'run_case', { ...caseParams, class: 'hosts' }),
    request(6, 'run_case', { ...caseParams, profile: 'linux-3' }),
    request(7, 'run_case', { ...caseParams, given: 7 }),
    request(8, 'run_case', { ...caseParams, steps: [] }),
    request(9, 'run_case', { ...caseParams, steps: [{ args: {} }] }),
    request(10, 'run_case', { ...caseParams, observe: [] }),
    request(11, 'run_case', { ...caseParams, id: 7 }),
  ]);
  expect(answers.map(({ id, error }) => [id, error?.code])).toEqual([
    [null, -32700],
    [null, -32600],
    [1, -32600],
    [2, -32601],
    ...[3, 4, 5, 6, 7, 8, 9, 10, 11].map((id) => [id, -32602]),
  ]);
});

test('a notification is carried out without an answer', async () => {
  const { answers, exitCode } = await exchange([
    { jsonrpc: '2.0', method: 'shutdown' },
    request(1, 'initialize'),
  ]);
  expect(answers).toEqual([]);
  expect(exitCode).toBe(0);
});

test('ids may be strings; the answer is ASCII', async () => {
  const { answers } = await exchange([{ jsonrpc: '2.0', id: 'a\u2028', method: 'x\u2028' }]);
  expect(answers).toEqual([
    { jsonrpc: '2.0', id: 'a\u2028', error: { code: -32601, message: 'there is no method "x\u2028"' } },
  ]);
});

test('an operation that does not exist is unsupported, with the reason', async () => {
  const { answers } = await exchange([request(1, 'run_case', { ...caseParams, steps: [{ op: 'fly' }] })]);
  expect(answers[0]?.error).toMatchObject({ code: 1001, data: { reason: expect.stringContaining('fly') } });
});

test('a case that names no profile has that of the server', async () => {
  const { cases } = await loadSuite(['io-emulation']);
  const entry = cases.find(({ id }) => id === 'io-emulation/in-byte/in-al-dx');
  if (entry === undefined) throw new Error('the case is missing');
  const { request: sent } = expandCase(entry, { profile: 'linux-2.6.29', choices: {} });
  const params = { ...sent, profile: undefined };
  const eax = async (profile: Profile) => {
    const { answers } = await exchange([request(1, 'run_case', params)], profile);
    return answers[0]?.result?.steps[0]?.state.regs?.eax;
  };
  expect(await eax('linux-2.6.29')).toBe(0x1234ffff);
  expect(await eax('hardened')).toBe(0x123456ff);
});

test('recorded answers can be replayed as they are, with keys left out', async () => {
  const file = join(packageRoot, 'cases', 'recorded', 'host', 'handle_trap_13.jsonl.gz');
  const vectors = gunzipSync(readFileSync(file))
    .toString()
    .trimEnd()
    .split('\n')
    .slice(0, 50)
    .map((line) => JSON.parse(line));
  const { answers } = await exchange(
    vectors.map(({ op, given }, i) =>
      request(i, 'run_case', { id: `recorded/${i}`, class: 'host', given, steps: [{ op }] }),
    ),
  );
  expect(answers.map(({ id }) => id)).toEqual(vectors.map((_, i) => i));
  for (const [i, { then, given }] of vectors.entries()) {
    const [step] = answers[i]?.result?.steps ?? [];
    expect(step?.outcome.stop).toBe(then.outcome);
    expect(step?.state.regs).toMatchObject({ ...given.regs, ...then.regs });
  }
});
