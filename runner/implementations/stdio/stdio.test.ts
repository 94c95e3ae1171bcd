// SPDX-License-Identifier: GPL-2.0-or-later

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CaseRequest } from '../../protocol.js';
import { type Answer, CannotStart, type Implementation } from '../implementation.js';
import { createStdio, type StdioOptions } from './index.js';

let folder: string;
const started: Implementation[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lguest-conformance-stdio-'));
});

afterAll(async () => {
  await Promise.all(started.map((implementation) => implementation.stop()));
  rmSync(folder, { recursive: true });
});

/** What all test programs begin with: an honest answer to anything, which `onCase` can replace. */
const PRELUDE = `
import { createInterface } from 'node:readline';
const about = { protocol_version: 1, implementation: { name: 't', version: '1' }, classes: ['host'], profile: 'linux-2.6.29' };
const result = { steps: [{ outcome: { stop: 'ok' }, state: { pid: process.pid }, events: [] }] };
const write = (text) => process.stdout.write(text + '\\n');
const answer = (id, content) => write(JSON.stringify({ jsonrpc: '2.0', id, ...content }));
const serve = (onCase) => createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (method === 'initialize') answer(id, { result: about });
  else if (method === 'shutdown') { answer(id, { result: null }); process.exit(0); }
  else onCase(id, params);
});
`;

let programs = 0;

function program(source: string, options: StdioOptions = {}): Implementation {
  const file = join(folder, `program-${programs++}.mjs`);
  writeFileSync(file, PRELUDE + source);
  const implementation = createStdio(`"${process.execPath}" "${file}"`, options);
  started.push(implementation);
  return implementation;
}

function request(id: string): CaseRequest {
  return { id, class: 'host', profile: 'linux-2.6.29', given: {}, steps: [{ op: 'x' }], observe: {} };
}

/** Runs cases `0`, `1`, ... all at once. */
async function runAll(implementation: Implementation, count: number): Promise<Answer[]> {
  await implementation.start();
  return Promise.all(Array.from({ length: count }, (_, i) => implementation.run(request(String(i)))));
}

async function kinds(implementation: Implementation, count: number): Promise<string[]> {
  return (await runAll(implementation, count)).map(({ kind }) => kind);
}

describe('an honest program', () => {
  test('answers every case and ends when told to', async () => {
    const implementation = program('serve((id) => answer(id, { result }));');
    expect((await implementation.start()).implementation.name).toBe('t');
    expect(await implementation.run(request('a'))).toEqual({
      kind: 'result',
      result: { steps: [{ outcome: { stop: 'ok' }, state: { pid: expect.any(Number) }, events: [] }] },
    });
    await implementation.stop();
    expect((await implementation.run(request('b'))).kind).toBe('crashed');
  });

  test('may answer in any order', async () => {
    const source = `
      let waiting = [];
      serve((id, { id: name }) => {
        waiting.unshift([id, name]);
        if (waiting.length < 5) return;
        for (const [id, stop] of waiting) {
          answer(id, { result: { steps: [{ outcome: { stop }, state: {}, events: [] }] } });
        }
        waiting = [];
      });`;
    const answers = await runAll(program(source), 10);
    const stops = answers.map((answer) =>
      answer.kind === 'result' ? answer.result.steps[0]?.outcome.stop : '',
    );
    expect(stops).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
  });

  test('may send line separators of Unicode inside of a string, and receives ASCII only', async () => {
    const source = `
      serve((id, params) => answer(id, { result: { steps: [{ outcome: { stop: params.id }, state: {}, events: [] }] } }));
      process.stdin.on('data', (bytes) => { if (bytes.some((byte) => byte > 0x7e)) process.exit(9); });`;
    const implementation = program(source);
    await implementation.start();
    const answer = await implementation.run(request('a\u2028b\u0085c\u{1f600}'));
    expect(answer).toMatchObject({
      kind: 'result',
      result: { steps: [{ outcome: { stop: 'a\u2028b\u0085c\u{1f600}' } }] },
    });
  });

  test('may say that it does not do something, or that a case is malformed', async () => {
    const source = `
      const errors = [
        { code: 1001, message: 'unsupported', data: { reason: 'no ports' } },
        { code: -32601, message: 'no such method' },
        { code: 1002, message: 'what is eax?' },
        { code: 5, message: 'oops' },
      ];
      serve((id, params) => answer(id, { error: errors[params.id] }));`;
    expect(await runAll(program(source), 4)).toEqual([
      { kind: 'unsupported', reason: 'no ports' },
      { kind: 'unsupported', reason: 'no such method' },
      { kind: 'error', code: 1002, message: 'what is eax?', stderr: '' },
      { kind: 'error', code: 5, message: 'oops', stderr: '' },
    ]);
  });

  test('may be slow to read: what is sent waits for it', async () => {
    const source = `
      process.stdin.pause();
      setTimeout(() => process.stdin.resume(), 100);
      serve((id, params) => answer(id, { result: { steps: [{ outcome: { stop: 'ok' }, state: { n: params.given.padding.length }, events: [] }] } }));`;
    const implementation = program(source);
    await implementation.start();
    const padding = 'x'.repeat(1 << 20);
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => implementation.run({ ...request(String(i)), given: { padding } })),
    );
    expect(answers.map(({ kind }) => kind)).toEqual(Array(8).fill('result'));
  });
});

describe('a program that fails in the middle', () => {
  test('that dies has the oldest unanswered case blamed; a fresh process does the others', async () => {
    const source = `
      serve((id, params) => {
        if (params.id !== '2') return answer(id, { result });
        process.stderr.write('assertion failed');
        process.exit(3);
      });`;
    const answers = await runAll(program(source), 5);
    expect(answers.map(({ kind }) => kind)).toEqual(['result', 'result', 'crashed', 'result', 'result']);
    expect(answers[2]).toEqual({ kind: 'crashed', how: 'exited with code 3', stderr: 'assertion failed' });
  });

  test('that is ended by a signal is said to be', async () => {
    const answers = await runAll(program(`serve(() => process.kill(process.pid, 'SIGKILL'));`), 1);
    expect(answers[0]).toMatchObject({ kind: 'crashed', how: 'was ended by signal SIGKILL' });
  });

  test('that hangs in one case loses that case only', async () => {
    const source = `serve((id, params) => { if (params.id === '1') for (;;); answer(id, { result }); });`;
    const answers = await runAll(program(source, { timeoutFactor: 0.05 }), 4);
    expect(answers.map(({ kind }) => kind)).toEqual(['result', 'timeout', 'result', 'result']);
    expect(answers[1]).toMatchObject({ seconds: 0.5 });
  });

  test('that writes text is told its line', async () => {
    const source = `serve((id, params) => { if (params.id === '1') write('starting "1"'); answer(id, { result }); });`;
    const answers = await runAll(program(source), 3);
    expect(answers.map(({ kind }) => kind)).toEqual(['result', 'bad-reply', 'result']);
    expect(answers[1]).toMatchObject({
      problem: `line 3 of your program's standard output is not JSON: starting "1"`,
    });
  });

  test.each([
    [
      'an id of its own',
      'answer(id + 50, { result })',
      'an answer carries the id 51, which is not that of an unanswered request',
    ],
    ['no id', `write('{"jsonrpc":"2.0","result":{}}')`, /line 2 .* carries no request's id but nothing/],
    ['neither result nor error', 'answer(id, {})', /line 2 .* must have either a result or an error/],
    ['no version', 'write(JSON.stringify({ id, result }))', /line 2 .* lacks "jsonrpc": "2.0"/],
    ['no object', `write('7')`, /line 2 .* is not a JSON object: 7/],
    ['an error without a code', `answer(id, { error: 'bad' })`, /line 2 .* without an integer code/],
    [
      'too few steps',
      'answer(id, { result: { steps: [] } })',
      'result.steps must be a list of 1, one for each step, but is 0',
    ],
    [
      'a number that is too large',
      `answer(id, { result: { steps: [{ outcome: { stop: 'ok' }, state: { regs: { eax: 2 ** 32 } }, events: [] }] } })`,
      'result.steps[0].state.regs.eax must be an integer of 32 bits, but is 4294967296',
    ],
    [
      'no events',
      `answer(id, { result: { steps: [{ outcome: { stop: 'ok' }, state: {} }] } })`,
      'result.steps[0].events must be a list, but is nothing',
    ],
  ])('that answers with %s gives a bad reply', async (_, body, problem) => {
    const [answer] = await runAll(program(`serve((id) => ${body});`), 1);
    expect(answer?.kind).toBe('bad-reply');
    if (answer?.kind === 'bad-reply') expect(answer.problem).toMatch(problem);
  });

  test('that answers twice gives a bad reply to the next case', async () => {
    const source = `serve((id, params) => {
      answer(id, { result });
      if (params.id === '0') answer(id, { result });
    });`;
    const implementation = program(source);
    await implementation.start();
    expect((await implementation.run(request('0'))).kind).toBe('result');
    expect(await implementation.run(request('1'))).toMatchObject({
      kind: 'bad-reply',
      problem: 'an answer carries the id 1, which is not that of an unanswered request',
    });
    expect((await implementation.run(request('2'))).kind).toBe('result');
  });

  test('that ends between two cases fails the next one', async () => {
    const source = 'serve((id) => { answer(id, { result }); process.exit(0); });';
    const implementation = program(source);
    await implementation.start();
    expect((await implementation.run(request('0'))).kind).toBe('result');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await implementation.run(request('1'))).toMatchObject({
      kind: 'crashed',
      how: 'exited with code 0',
    });
    expect((await implementation.run(request('2'))).kind).toBe('result');
  });

  test('that writes without end, and without a newline, is stopped', async () => {
    const source = `
      const chunk = 'x'.repeat(1 << 20);
      const flood = () => process.stdout.write(chunk, flood);
      serve(flood);`;
    const [answer] = await runAll(program(source), 1);
    expect(answer).toMatchObject({ kind: 'bad-reply' });
    expect(answer).toHaveProperty('problem', expect.stringContaining('longer than 67108864 bytes'));
  });

  test('that leaves a child behind which holds its standard output open is not waited for', async () => {
    const source = `
      import { spawn } from 'node:child_process';
      serve(() => {
        spawn('sleep', ['30'], { stdio: 'inherit' });
        process.exit(1);
      });`;
    const begin = Date.now();
    expect(await kinds(program(source), 1)).toEqual(['crashed']);
    expect(Date.now() - begin).toBeLessThan(5000);
  });

  test('keeps the last 64 KiB of its standard error', async () => {
    const source = `
      import { writeSync } from 'node:fs';
      serve(() => {
        for (let i = 0; i < 20000; i++) writeSync(2, 'line ' + i + ' of very many\\n');
        process.exit(1);
      });`;
    const [answer] = await runAll(program(source), 1);
    if (answer?.kind !== 'crashed') throw new Error('it did not crash');
    expect(answer.stderr.length).toBe(64 * 1024);
    expect(answer.stderr.endsWith('line 19999 of very many\n')).toBe(true);
  });
});

describe('a program that cannot go on', () => {
  test('is given up when it does not start again', async () => {
    const flag = join(folder, 'started-once');
    const source = `
      import { existsSync, writeFileSync } from 'node:fs';
      if (existsSync(${JSON.stringify(flag)})) process.exit(4);
      writeFileSync(${JSON.stringify(flag)}, '');
      serve(() => process.exit(1));`;
    const answers = await runAll(program(source), 3);
    expect(answers.map(({ kind }) => kind)).toEqual(['crashed', 'crashed', 'crashed']);
    expect(answers[0]).toMatchObject({ how: 'exited with code 1' });
    expect(answers[2]).toMatchObject({
      how: 'was not asked: it cannot be started again: it exited with code 4 before it answered initialize',
    });
  });

  test('is given up when it times out in case after case', async () => {
    const implementation = program('serve(() => {});', { timeoutFactor: 0.03 });
    const answers = await runAll(implementation, 12);
    expect(answers.filter(({ kind }) => kind === 'timeout')).toHaveLength(10);
    expect(answers[11]).toMatchObject({ how: 'was not asked: 10 cases in a row got no answer in time' });
  });

  test.each([
    [
      'ends',
      `process.stderr.write('no key'); process.exitCode = 5;`,
      /exited with code 5 before it answered initialize\n.*\nno key/,
    ],
    ['is silent', 'setInterval(() => {}, 1000);', /gave no answer to initialize within 1.8 s/],
    [
      'prints a banner',
      `write('Welcome'); serve(() => {});`,
      /line 1 of your program's standard output is not JSON: Welcome/,
    ],
    [
      'speaks another version',
      'about.protocol_version = 2; serve(() => {});',
      /protocol_version must be the number 1, but is 2/,
    ],
    [
      'has no classes',
      'about.classes = []; serve(() => {});',
      /result.classes must be a list that is not empty/,
    ],
    [
      'names an unknown class',
      `about.classes = ['hots']; serve(() => {});`,
      /result.classes\[0\] must be one of "processor", "host", "system", but is the string "hots"/,
    ],
    [
      'answers with another id',
      `process.stdin.once('data', () => answer(9, { result: about }));`,
      /its answer to initialize carries the id 9 instead of 0/,
    ],
  ])('and that %s at the start cannot be started', async (_, source, message) => {
    const implementation = program(source, { timeoutFactor: 0.03 });
    const failure = await implementation.start().then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(CannotStart);
    if (failure instanceof CannotStart) expect(failure.message).toMatch(message);
  });

  test('because it does not exist is said to be so', async () => {
    await expect(createStdio('/nonexistent/adapter --fast').start()).rejects.toThrow(
      'there is no program "/nonexistent/adapter"',
    );
  });

  test('because nobody may execute it is said to be so', async () => {
    const file = join(folder, 'not-executable');
    writeFileSync(file, '#!/bin/sh\n');
    await expect(createStdio(file).start()).rejects.toThrow('may not be executed');
  });

  test('and ignores shutdown is killed', async () => {
    const source = `process.exit = () => {}; setInterval(() => {}, 1000); serve((id) => answer(id, { result }));`;
    const implementation = program(source, { timeoutFactor: 0.2 });
    const [answer] = await runAll(implementation, 1);
    await implementation.stop();
    if (answer?.kind !== 'result') throw new Error('no result');
    const pid = Number(answer.result.steps[0]?.state.pid);
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});

describe('a program that is stopped while a fresh process is being started', () => {
  /** What a process does at its start; the first hangs in its first case. */
  const later = { 'answers as ever': 'serve(() => {});', 'answers nothing': 'setInterval(() => {}, 1000);' };

  test.each(Object.entries(later))('and %s is gone', async (name, fresh) => {
    const pids = join(folder, `pids-${name}`);
    const source = `
      import { appendFileSync, existsSync } from 'node:fs';
      const isFirst = !existsSync(${JSON.stringify(pids)});
      appendFileSync(${JSON.stringify(pids)}, process.pid + '\\n');
      if (isFirst) serve(() => {});
      else { ${fresh} }`;
    const implementation = program(source, { timeoutFactor: 0.1 });
    await implementation.start();
    const [first] = [implementation.run(request('0')), implementation.run(request('1'))];
    expect(await first).toMatchObject({ kind: 'timeout' });
    await implementation.stop();
    const started = readFileSync(pids, 'utf8').trim().split('\n').map(Number);
    expect(started.filter(isAlive)).toEqual([]);
  });

  function isAlive(pid: number): boolean {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  }
});
