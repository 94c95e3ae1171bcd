// SPDX-License-Identifier: GPL-2.0-or-later

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CaseRequest } from '../../protocol.js';
import type { Answer } from '../implementation.js';
import { createStdio, type ProgramOptions } from './index.js';

/*
 * Programs that misbehave at the third of six cases, `case-2`, in every way that can be thought of. Whatever they do: that
 * case gets the blame, the others keep their answers, and nothing is left running.
 */

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lguest-conformance-hostile-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PRELUDE = `
import { appendFileSync, writeSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
const about = { protocol_version: 1, implementation: { name: 't', version: '1' }, classes: ['host'], profile: 'linux-2.6.29' };
const write = (text) => process.stdout.write(text);
const result = (state = {}) => ({ steps: [{ outcome: { stop: 'ok' }, state, events: [] }] });
const line = (id, content) => JSON.stringify({ jsonrpc: '2.0', id, ...content }) + '\\n';
const honest = (id) => write(line(id, { result: result() }));
const note = (pid) => appendFileSync(process.argv[2], pid + '\\n');
note(process.pid);
const serve = (misbehave) => createInterface({ input: process.stdin }).on('line', (text) => {
  const { id, method, params } = JSON.parse(text);
  if (method === 'initialize') write(line(id, { result: about }));
  else if (method === 'shutdown') { write(line(id, { result: null })); process.exit(0); }
  else if (params.id === 'case-2') misbehave(id, params);
  else honest(id);
});
`;

let programs = 0;

interface Outcome {
  kinds: string[];
  /** The answer to the case at which the program misbehaves. */
  blamed: Answer | undefined;
  /** Processes that are still there after the end. */
  left: number[];
}

/** @param within the words of a program that starts the implementation */
async function provoke(source: string, options: ProgramOptions = {}, within = ''): Promise<Outcome> {
  const file = join(folder, `program-${programs++}.mjs`);
  const pids = `${file}.pids`;
  writeFileSync(file, PRELUDE + source);
  const implementation = createStdio(`${within} "${process.execPath}" "${file}" "${pids}"`, {
    timeoutFactor: 0.1,
    ...options,
  });
  await implementation.start();
  const ids = Array.from({ length: 6 }, (_, i) => `case-${i}`);
  const answers = await Promise.all(ids.map((id) => implementation.run(request(id))));
  await implementation.stop();
  await sleep(50);
  const started = readFileSync(pids, 'utf8').trim().split('\n').map(Number);
  return { kinds: answers.map(({ kind }) => kind), blamed: answers[2], left: started.filter(isRunning) };
}

function request(id: string): CaseRequest {
  return { id, class: 'host', profile: 'linux-2.6.29', given: {}, steps: [{ op: 'x' }], observe: {} };
}

/** A killed process whose parent does not wait for it is there as a zombie, which runs no more. */
function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** The words of a process, each with a zero byte behind it. */
function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** As the guide recommends it for programs that leave processes behind. */
const NAMESPACE = ['unshare', '--user', '--map-current-user', '--pid', '--fork', '--kill-child'];

function hasNamespaces(): boolean {
  const [program = '', ...options] = NAMESPACE;
  return spawnSync(program, [...options, 'true']).status === 0;
}

const OTHERS_HONEST = (kind: string): string[] => ['result', 'result', kind, 'result', 'result', 'result'];

describe('only the guilty case is blamed when a program', () => {
  test.each<[string, string, string, RegExp]>([
    [
      'writes binary noise',
      'serve(() => write(Buffer.from([0, 255, 254, 200, 10])));',
      'bad-reply',
      /is not JSON/,
    ],
    [
      'writes half a line and dies',
      `serve((id) => { writeSync(1, '{"jsonrpc":"2.0","id":' + id + ',"resu'); process.exit(3); });`,
      'bad-reply',
      /is not JSON: \{"jsonrpc":"2.0","id":\d+,"resu/,
    ],
    [
      'writes half a line and waits',
      `serve((id) => { writeSync(1, '{"jsonrpc":"2.0","id":' + id); for (;;); });`,
      'timeout',
      /^$/,
    ],
    [
      'writes 20 MB without sense',
      `serve(() => write('x'.repeat(20e6) + '\\n'));`,
      'bad-reply',
      /is not JSON: x{200}\.\.\. \(20000000 characters\)/,
    ],
    [
      'answers with NaN',
      `serve((id) => write('{"jsonrpc":"2.0","id":' + id + ',"result":{"steps":[{"outcome":{"stop":"ok"},"events":[],"state":{"regs":{"eax":NaN}}}]}}\\n'));`,
      'bad-reply',
      /is not JSON/,
    ],
    [
      'answers with a number beyond all bounds',
      `serve((id) => write('{"jsonrpc":"2.0","id":' + id + ',"result":{"steps":[{"outcome":{"stop":"ok"},"events":[],"state":{"regs":{"eax":1e999}}}]}}\\n'));`,
      'bad-reply',
      /regs\.eax must be an integer of 32 bits/,
    ],
    [
      'answers with half a number',
      'serve((id) => write(line(id, { result: result({ regs: { eax: 0.5 } }) })));',
      'bad-reply',
      /regs\.eax must be an integer of 32 bits, but is 0.5/,
    ],
    [
      'nests lists without end in its state',
      `const deep = '['.repeat(200000) + ']'.repeat(200000);
       serve((id) => write('{"jsonrpc":"2.0","id":' + id + ',"result":{"steps":[{"outcome":{"stop":"ok"},"events":[],"state":{"regs":' + deep + '}}]}}\\n'));`,
      'bad-reply',
      /state\.regs.* must be nested at most 32 deep/,
    ],
    [
      'nests lists without end in place of an id',
      `const deep = '['.repeat(200000) + ']'.repeat(200000);
       serve(() => write('{"jsonrpc":"2.0","id":' + deep + ',"result":{}}\\n'));`,
      'bad-reply',
      /carries no request's id but something nested too deep/,
    ],
    [
      'dies of a signal',
      `serve(() => process.kill(process.pid, 'SIGSEGV'));`,
      'crashed',
      /was ended by signal SIGSEGV/,
    ],
    [
      'ignores SIGTERM and hangs',
      `process.on('SIGTERM', () => {}); serve(() => { for (;;); });`,
      'timeout',
      /^$/,
    ],
    [
      'closes its input and hangs',
      'serve(() => { process.stdin.destroy(); setInterval(() => {}, 1000); });',
      'timeout',
      /^$/,
    ],
    [
      'closes its output and hangs',
      'serve(() => { process.stdout.destroy(); setInterval(() => {}, 1000); });',
      'timeout',
      /^$/,
    ],
    [
      'fills its standard error before it dies',
      `serve(() => { for (let i = 0; i < 500; i++) writeSync(2, 'e'.repeat(60000)); process.exit(1); });`,
      'crashed',
      /exited with code 1/,
    ],
  ])('%s', async (_, source, kind, text) => {
    const { kinds, blamed, left } = await provoke(source);
    expect(kinds).toEqual(OTHERS_HONEST(kind));
    if (blamed?.kind === 'bad-reply') expect(blamed.problem).toMatch(text);
    if (blamed?.kind === 'crashed') expect(blamed.how).toMatch(text);
    expect(left).toEqual([]);
  });
});

describe('nothing is lost or left behind by a program that', () => {
  test('writes a right answer of 20 MB', async () => {
    const source = `serve((id) => write(line(id, { result: result({ text: 'x'.repeat(20e6) }) })));`;
    const { kinds } = await provoke(source, { timeoutFactor: 1 });
    expect(kinds).toEqual(OTHERS_HONEST('result'));
  });

  test('fills its standard error and goes on', async () => {
    const source = `serve((id) => { for (let i = 0; i < 500; i++) writeSync(2, 'e'.repeat(60000)); honest(id); });`;
    expect((await provoke(source, { timeoutFactor: 1 })).kinds).toEqual(OTHERS_HONEST('result'));
  });

  test('answers a case twice', async () => {
    const { kinds } = await provoke('serve((id) => { honest(id); honest(id); });');
    expect(kinds.filter((kind) => kind === 'result')).toHaveLength(5);
    expect(kinds.filter((kind) => kind === 'bad-reply')).toHaveLength(1);
    expect(kinds.slice(0, 3)).toEqual(['result', 'result', 'result']);
  });

  test('answers cases that it was not asked yet', async () => {
    const { kinds } = await provoke('serve((id) => { honest(id + 40); honest(id); });', { window: 1 });
    expect(kinds).toEqual(OTHERS_HONEST('bad-reply'));
  });

  test('answers after it was given up, and from a child that outlives it', async () => {
    const source = `serve((id) => {
      const late = 'setTimeout(() => process.stdout.write(' + JSON.stringify(line(id, { result: result() })) + '), 1500)';
      note(spawn(process.execPath, ['-e', late], { stdio: 'inherit' }).pid);
      process.exit(7);
    });`;
    const { kinds, left } = await provoke(source);
    expect(kinds).toEqual(OTHERS_HONEST('crashed'));
    expect(left).toEqual([]);
  });

  test('forks children, also into sessions of their own, and ends as if nothing had happened', async () => {
    const source = `serve((id) => {
      for (const detached of [false, true]) {
        const child = spawn('sleep', ['60'], { stdio: 'ignore', detached });
        note(child.pid);
        child.unref();
      }
      honest(id);
    });`;
    const { kinds, left } = await provoke(source);
    expect(kinds).toEqual(OTHERS_HONEST('result'));
    expect(left).toEqual([]);
  });

  const LOST_CHILD = `const lose = (stdio, more) => {
    const child = spawn('/bin/sh', ['-c', more], { stdio, detached: true, env: {} });
    child.unref();
    return child;
  };`;

  test('has children in sessions of their own that do not know whose they are', async () => {
    const source = `${LOST_CHILD} serve((id) => { note(lose('ignore', 'exec sleep 60').pid); honest(id); });`;
    const { kinds, left } = await provoke(source);
    expect(kinds).toEqual(OTHERS_HONEST('result'));
    expect(left).toEqual([]);
  });

  test('leaves such a child behind that holds on to its standard error', async () => {
    const source = `${LOST_CHILD} serve((id) => {
      const file = JSON.stringify(process.argv[2]);
      const child = lose(['ignore', 'ignore', 'inherit'], 'sleep 60 & echo $! >> ' + file);
      child.on('exit', () => honest(id));
    });`;
    const { kinds, left } = await provoke(source);
    expect(kinds).toEqual(OTHERS_HONEST('result'));
    expect(left).toEqual([]);
  });

  test('leaves such a child behind that was seen while its parent lived', { timeout: 20_000 }, async () => {
    const source = `${LOST_CHILD} serve((id) => {
      const file = JSON.stringify(process.argv[2]);
      lose('ignore', 'sleep 60 & echo $! >> ' + file + '; sleep 1.5').on('exit', () => honest(id));
    });`;
    const { kinds, left } = await provoke(source, { timeoutFactor: 1 });
    expect(kinds).toEqual(OTHERS_HONEST('result'));
    expect(left).toEqual([]);
  });

  test.skipIf(!hasNamespaces())('loses a child at once, but not out of its process namespace', async () => {
    // Long enough for the test, and a number by which it is found again: inside, process numbers are others.
    const seconds = `60.${process.pid}`;
    const source = `${LOST_CHILD} serve((id) => { lose('ignore', 'sleep ${seconds} &').on('exit', () => honest(id)); });`;
    const { kinds } = await provoke(source, {}, NAMESPACE.join(' '));
    expect(kinds).toEqual(OTHERS_HONEST('result'));
    const commands = readdirSync('/proc').map((pid) => commandOf(pid));
    expect(commands).toContain(commandOf('self'));
    expect(commands).not.toContain(`sleep\0${seconds}\0`);
  });

  test('ignores shutdown and SIGTERM', async () => {
    const source = `
      process.on('SIGTERM', () => {});
      process.exit = () => {};
      setInterval(() => {}, 1000);
      serve((id) => honest(id));`;
    const { kinds, left } = await provoke(source);
    expect(kinds).toEqual(OTHERS_HONEST('result'));
    expect(left).toEqual([]);
  });
});

test('a limit on memory ends the case that needs more, and only that one', async () => {
  const file = join(folder, 'hoards.py');
  writeFileSync(
    file,
    `import json, sys
for line in sys.stdin:
    request = json.loads(line)
    method = request["method"]
    result = {"steps": [{"outcome": {"stop": "ok"}, "state": {}, "events": []}]}
    if method == "initialize":
        about = {"name": "t", "version": "1"}
        result = {"protocol_version": 1, "implementation": about, "classes": ["host"], "profile": "linux-2.6.29"}
    elif method == "run_case" and request["params"]["id"] == "1":
        hoard = bytearray(1 << 30)
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}), flush=True)
    if method == "shutdown":
        break
`,
  );
  const implementation = createStdio(`python3 "${file}"`, { memoryKib: 512 * 1024 });
  await implementation.start();
  const answers = await Promise.all(['0', '1', '2'].map((id) => implementation.run(request(id))));
  await implementation.stop();
  expect(answers.map(({ kind }) => kind)).toEqual(['result', 'crashed', 'result']);
  expect(answers[1]).toHaveProperty('stderr', expect.stringContaining('MemoryError'));
});
