// SPDX-License-Identifier: GPL-2.0-or-later

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { packageRoot } from './package.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lguest-conformance-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function cli(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const program = [process.execPath, '--import', 'tsx', join(packageRoot, 'runner', 'cli.ts')];
  const [command = '', ...rest] = [...program, ...args];
  const { status, stdout, stderr } = spawnSync(command, rest, { encoding: 'utf8', cwd: packageRoot });
  return { code: status, stdout, stderr };
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** A program that declares class host, and what it does with any other line. */
function program(name: string, otherwise: string): string {
  const text = `
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line);
  const answer = (rest) => console.log(JSON.stringify({ jsonrpc: '2.0', id, ...rest }));
  if (method === 'initialize') {
    const implementation = { name: 'nothing', version: '1' };
    answer({ result: { protocol_version: 1, implementation, classes: ['host'], profile: 'linux-2.6.29' } });
  } else if (method === 'shutdown') {
    process.exit(0);
  } else {
    ${otherwise}
  }
});
`;
  return `node ${file(name, text)}`;
}

describe('exit code 0: it conforms', () => {
  test('help', () => {
    const { code, stdout } = cli('--help');
    expect(code).toBe(0);
    expect(stdout).toContain('check-adapter');
  });

  test('cases that pass', () => {
    const { code, stdout } = cli('run', 'initial-registers');
    expect(stdout).toContain('pass');
    expect(code).toBe(0);
  });

  test('list --json has one object a line', () => {
    const { code, stdout } = cli('list', '--json', 'initial-registers');
    expect(code).toBe(0);
    const first: unknown = JSON.parse(stdout.split('\n')[0] ?? '');
    expect(first).toMatchObject({
      behaviour: 'initial-registers',
      file: expect.any(String),
      line: expect.any(Number),
    });
  });

  test('show --json is the request, on one line', () => {
    const { stdout: list } = cli('list', '--json', 'initial-registers');
    const { id } = JSON.parse(list.split('\n')[0] ?? '') as { id: string };
    const { code, stdout } = cli('show', id, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ id, profile: 'linux-2.6.29', given: {}, steps: [{}] });
  });
});

describe('reports', () => {
  test('several at once, and the same bytes in two runs', () => {
    const write = (name: string): { code: number | null; stdout: string; stderr: string } =>
      cli(
        ...['run', 'initial-registers', '--reporter', `json=${join(folder, `${name}.json`)}`],
        ...['--reporter', 'html', '--output', join(folder, `${name}.html`), '--reporter', 'tap'],
      );
    const [first, second] = [write('first'), write('second')];
    expect(first.stdout).toMatch(/^TAP version 13\n/);
    expect(second).toEqual(first);
    for (const kind of ['json', 'html']) {
      const [a, b] = ['first', 'second'].map((name) => readFileSync(join(folder, `${name}.${kind}`), 'utf8'));
      expect(a).toBe(b);
    }
  });

  test('one line on standard error when all go to files', () => {
    const path = join(folder, 'quiet.json');
    const { code, stdout, stderr } = cli('run', 'initial-registers', '--reporter', `json=${path}`);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^reference, profile linux-2\.6\.29: \d+ pass: conforms\n$/);
    expect(code).toBe(0);
    expect(cli('report', path).stdout).toMatch(/\d+ pass\nconforms\n$/);
  });

  test('what does not conform is red in each of them', () => {
    const known = file('reported.yaml', '- { case: initial-registers/gone, reason: a test }\n');
    const args = ['run', 'initial-registers', '--expectations', known, '--reporter'];
    expect(cli(...args, 'tap').stdout).toMatch(/\nnot ok \d+ - the run as a whole: STALE .*\n$/);
    expect(cli(...args, 'junit').stdout).toContain(
      '<testsuite name="the run as a whole" tests="1" failures="1"',
    );
    expect(cli(...args, 'github').stdout).toContain('::error title=the run as a whole::STALE');
    const { code, stdout } = cli(...args, 'json');
    expect(JSON.parse(stdout)).toMatchObject({
      conforms: false,
      problems: [expect.stringContaining('STALE')],
    });
    expect(code).toBe(1);
  });
});

describe('exit code 1: it does not', () => {
  test('a known failure that passes, and one that matches nothing', () => {
    const known = file(
      'known.yaml',
      '- { case: initial-registers/**, reason: a test }\n- { case: initial-registers/gone, reason: a test }\n',
    );
    const { code, stdout } = cli('run', 'initial-registers', '--expectations', known);
    expect(stdout).toContain('UNEXPECTED PASS initial-registers/');
    expect(stdout).toContain('STALE');
    expect(code).toBe(1);
  });

  test('everything is unsupported', () => {
    const refusal = "answer({ error: { code: 1001, message: 'no', data: { reason: 'it does nothing' } } });";
    const nothing = program('nothing.cjs', refusal);
    const { code, stdout } = cli('run', 'initial-registers', '--class', 'host', '--impl', nothing);
    expect(stdout).toContain('unsupported: it does nothing');
    expect(stdout).toContain('no case of class host ran');
    expect(code).toBe(1);
  });
});

describe('exit code 2: wrong use, told before anything runs', () => {
  test.each<[string[], string]>([
    [['rum'], "unknown command 'rum'"],
    [['run', 'initial-registres'], 'did you mean "initial-registers"?'],
    [['run', 'initial-registers/nothing-like-it'], 'no case matches'],
    [['run', '--behaviour', 'io'], 'there is no behaviour "io"'],
    [['run', '--clause', 'REGS-99'], 'there is no clause "REGS-99"; did you mean "REGS-'],
    [['run', 'initial-registers', '--class', 'processor'], 'no selected case is of class processor'],
    [['run', '--profile', 'linux'], 'there is no profile "linux"'],
    [['run', 'initial-registers', '--timeout', 'soon'], '--timeout needs a number'],
    [['show', 'initial-registers/nothing-like-it'], 'there is no case'],
  ])('%j', (args, message) => {
    const { code, stdout, stderr } = cli(...args);
    expect(stderr).toContain(message);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });
});

test('exit code 3: the implementation cannot be started', () => {
  const { code, stderr } = cli('run', 'initial-registers', '--impl', '/nowhere/no-such-program');
  expect(stderr).toContain('cannot be started');
  expect(code).toBe(3);
});

test('exit code 130: interrupted, and what was known is printed', async () => {
  const asked = join(folder, 'asked');
  const hangs = program('hangs.cjs', `require('node:fs').writeFileSync(${JSON.stringify(asked)}, '');`);
  const command = ['--import', 'tsx', 'runner/cli.ts', 'run', 'initial-registers', '--impl', hangs];
  const run = spawn(process.execPath, command, { cwd: packageRoot });
  let stdout = '';
  run.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  const ended = once(run, 'exit');
  await vi.waitUntil(() => existsSync(asked), { timeout: 60_000 });
  run.kill('SIGINT');
  const [code] = await ended;
  expect(stdout).toContain('interrupted');
  expect(code).toBe(130);
});

test('a reader that goes away ends the program quietly', () => {
  const command = `${process.execPath} --import tsx runner/cli.ts list | head -1`;
  const { stdout, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8', cwd: packageRoot });
  expect(stdout.trim().split('\n')).toHaveLength(1);
  expect(stderr).not.toContain('EPIPE');
});
