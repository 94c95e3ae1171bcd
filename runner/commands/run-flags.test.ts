// SPDX-License-Identifier: GPL-2.0-or-later

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../package.js';

let folder = '';
let host = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lguest-conformance-flags-'));
  host = file('host.mjs', HOST);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The operation of behaviour initial-registers, over standard streams or, with an argument, a socket. */
const HOST = `
import { createInterface } from 'node:readline';
import { createServer } from 'node:net';
import { appendFileSync } from 'node:fs';
const [, , address, mistake] = process.argv;
if (address?.endsWith('.pids')) appendFileSync(address, process.pid + '\\n');
let asked = 0;
function serve(input, output) {
  createInterface({ input }).on('line', (line) => {
    const { id, method, params } = JSON.parse(line);
    const answer = (rest) => output.write(JSON.stringify({ jsonrpc: '2.0', id, ...rest }) + '\\n');
    if (method === 'initialize') {
      const implementation = { name: 't', version: '1' };
      const operations = ['lguest_arch_setup_regs'];
      const about = { protocol_version: 1, implementation, classes: ['host'], profile: 'linux-2.6.29' };
      answer({ result: { ...about, operations, observes: ['regs'] } });
    } else if (method === 'shutdown') {
      answer({ result: null });
      output.end(() => process.exit(0));
    } else {
      asked++;
      const { given: state, steps: [{ args: { start } }] } = params;
      Object.assign(state.regs, { cs: 0x61, ds: 0x69, es: 0x69, ss: 0x69, eflags: 0x202, eip: start });
      if (mistake === 'leaks' && asked > 1 && params.id.endsWith('/zero')) state.regs.eax = 7;
      if (mistake === 'wrong' && params.id.includes('/new-cpu/')) state.regs.eip = (start ^ 1) >>> 0;
      if (mistake === 'random' && params.id.endsWith('/zero') && asked % 2 === 0) state.regs.eip++;
      if (mistake === 'hangs' && params.id.endsWith('/zero')) return;
      answer({ result: { steps: [{ outcome: { stop: 'ok' }, state, events: [] }] } });
    }
  });
}
if (address === undefined || address.endsWith('.pids')) serve(process.stdin, process.stdout);
else createServer((socket) => serve(socket, socket)).listen(/^\\d+$/.test(address) ? Number(address) : address);
`;

const CLI = ['--import', 'tsx', join(packageRoot, 'runner', 'cli.ts')];
/** Four cases. */
const CASES = ['initial-registers/new-cpu', 'initial-registers/nothing-else'];

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function cli(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...CLI, ...args], {
    encoding: 'utf8',
    cwd: packageRoot,
  });
  return { code: status, stdout, stderr };
}

function impl(mistake: string, pids = join(folder, 'some.pids')): string[] {
  return ['--impl', `node ${host} ${pids} ${mistake}`];
}

describe('--expectations', () => {
  test('--update-expectations writes what the next run takes as known', () => {
    const known = join(folder, 'known.yaml');
    const wrong = [...CASES, ...impl('wrong'), '--expectations', known];
    const first = cli('run', ...wrong, '--update-expectations', '--reason', 'eip is off by one');
    expect(first.code).toBe(1);
    expect(first.stderr).toContain('3 failures added');
    expect(readFileSync(known, 'utf8')).toContain('only:');
    expect(cli('run', ...wrong).code).toBe(0);

    const mended = [...CASES, ...impl('none'), '--expectations', known];
    expect(cli('run', ...mended).stdout).toContain('UNEXPECTED PASS');
    cli('run', ...mended, '--update-expectations');
    expect(readFileSync(known, 'utf8')).toBe('[]\n');
    expect(cli('run', ...mended).code).toBe(0);
  });
});

describe('--repeat and --verify', () => {
  test('a case that is not the same each time fails', () => {
    const { code, stdout } = cli('run', 'initial-registers/new-cpu', ...impl('random'), '--repeat', '4');
    expect(stdout).toContain('not the same in 4 runs: 2 pass, 2 fail');
    expect(code).toBe(1);
  });

  test('state that leaks between cases is reported as such', () => {
    const { code, stdout } = cli('run', ...CASES, ...impl('leaks'), '--verify');
    expect(stdout).toMatch(/state leaks between cases: alone it is pass, after \S+ it is fail/);
    expect(stdout).toContain('3 pass, 1 fail');
    expect(code).toBe(1);
  });

  test('an honest host passes', () => {
    const { code, stderr } = cli('run', ...CASES, ...impl('none'), '--verify', '--repeat', '2');
    expect(stderr).toContain('each alone in a fresh process: 4 cases');
    expect(code).toBe(0);
  });
});

describe('--jobs, --window and --shard', () => {
  test('two processes share the cases, and none is left', () => {
    const pids = join(folder, 'jobs.pids');
    const { code, stdout } = cli('run', ...CASES, ...impl('none', pids), '--jobs', '2', '--window', '1');
    expect(stdout).toContain('4 pass');
    expect(code).toBe(0);
    expect(readFileSync(pids, 'utf8').trim().split('\n')).toHaveLength(2);
  });

  test('a case that hangs is blamed, the others keep their verdicts', () => {
    const words = [...CASES, ...impl('hangs'), '--jobs', '2', '--timeout', '1'];
    const { stdout } = cli('run', ...words);
    expect(stdout).toMatch(/TIMEOUT +initial-registers\/new-cpu\/zero/);
    expect(stdout).toContain('3 pass, 1 timeout');
  });

  test('the merged parts of a run are the run, byte by byte', () => {
    const results = (name: string): string => join(folder, `${name}.json`);
    const all = [...CASES, ...impl('wrong')];
    cli('run', ...all, '--reporter', 'json', '--output', results('all'));
    for (const part of ['1', '2']) {
      cli('run', ...all, '--shard', `${part}/2`, '--reporter', `json=${results(part)}`);
    }
    const { code } = cli('merge', results('2'), results('1'), '--reporter', `json=${results('merged')}`);
    expect(code).toBe(1);
    expect(readFileSync(results('merged'), 'utf8')).toBe(readFileSync(results('all'), 'utf8'));
    expect(cli('merge', results('1')).stderr).toContain('part 2 of 2 is missing');
    expect(cli('merge', results('1'), results('1')).stderr).toContain('are both part 1/2');
    expect(cli('merge', results('all')).stderr).toContain('is a whole run, not a part');

    const again = cli('replay', results('all'));
    expect(again.stdout).toContain('3 cases: 3 fail');
    expect(again.code).toBe(1);
  });
});

describe('--connect', () => {
  let server: ChildProcess;
  const socket = () => join(folder, 'host.sock');
  beforeAll(async () => {
    server = spawn(process.execPath, [host, socket()], { stdio: 'ignore' });
    while (!existsSync(socket())) await sleep(20);
  });
  afterAll(() => server.kill());

  test('replay sends one request to a host that somebody has started', () => {
    const request = file('request.json', cli('show', 'initial-registers/nothing-else', '--json').stdout);
    const { code, stdout } = cli('replay', request, '--connect', socket());
    expect(stdout).toContain('eflags: 0x202');
    expect(stdout.trimEnd().endsWith('pass')).toBe(true);
    expect(code).toBe(0);
  });

  test('run waits until somebody listens', async () => {
    const late = join(folder, 'late.sock');
    const run = spawn(process.execPath, [...CLI, 'run', ...CASES, '--connect', late], { cwd: packageRoot });
    let stdout = '';
    run.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    const ended = once(run, 'exit');
    await sleep(500);
    const other = spawn(process.execPath, [host, late], { stdio: 'ignore' });
    const [code] = await ended;
    other.kill();
    expect(stdout).toContain('4 pass');
    expect(code).toBe(0);
  });

  test('nobody there: exit code 3', () => {
    const { code, stderr } = cli('run', ...CASES, '--connect', join(folder, 'nobody.sock'));
    expect(stderr).toContain('nobody listens at');
    expect(code).toBe(3);
  });
});

describe('--impl module:', () => {
  /** The same host as a module; `misbehave` is done at each case, whose id is `id`. */
  function module(misbehave = ''): string[] {
    const path = file(
      'module.mjs',
      `export default {
        initialize: () => ({ protocol_version: 1, implementation: { name: 'm', version: '1' }, classes: ['host'],
          profile: 'linux-2.6.29', operations: ['lguest_arch_setup_regs'], observes: ['regs'] }),
        runCase: ({ id, given, steps: [{ args: { start } }] }) => {
          ${misbehave}
          Object.assign(given.regs, { cs: 0x61, ds: 0x69, es: 0x69, ss: 0x69, eflags: 0x202, eip: start });
          return { steps: [{ outcome: { stop: 'ok' }, state: given, events: [] }] };
        },
      };`,
    );
    return ['--impl', `module:${path}`];
  }
  const AT_ZERO = `if (id.endsWith('/zero'))`;

  test.each([[[]], [['--jobs', '2']]])('runs it, %j; what it prints is not taken for an answer', (jobs) => {
    const { code, stdout } = cli(
      'run',
      ...CASES,
      ...module(`console.log(id); process.stdout.write('x')`),
      ...jobs,
    );
    expect(stdout).toContain('4 pass');
    expect(code).toBe(0);
  });

  test('an endless loop is a time-out of its case', () => {
    const { code, stdout } = cli('run', ...CASES, ...module(`${AT_ZERO} for (;;);`), '--timeout', '1');
    expect(stdout).toContain('TIMEOUT initial-registers/new-cpu/zero');
    expect(stdout).toContain('3 pass, 1 timeout');
    expect(code).toBe(1);
  });

  test('what it throws fails its case, with the place', () => {
    const { stdout } = cli('run', ...CASES, ...module(`${AT_ZERO} throw new TypeError('it fell')`));
    expect(stdout).toContain('answered with error -32603: it threw it fell');
    expect(stdout).toMatch(/\| +at Object.runCase \(.*module\.mjs:5/);
    expect(stdout).toContain('3 pass, 1 fail');
  });

  test('one without the methods cannot be started', () => {
    const { code, stderr } = cli('run', ...CASES, '--impl', `module:${file('empty.mjs', '')}`);
    expect(stderr).toContain('has no methods initialize and runCase');
    expect(stderr).toContain('export default { initialize()');
    expect(code).toBe(3);
  });
});

test('--jobs gives the reference processes too', () => {
  const { code, stdout } = cli('run', ...CASES, '--jobs', '2');
  expect(stdout).toContain('reference, profile linux-2.6.29: 4 cases: 4 pass');
  expect(code).toBe(0);
});

test('--fail-fast does not stop at what is known to fail', () => {
  const known = file('known-one.yaml', '- { case: initial-registers/new-cpu/linux, reason: not yet }\n');
  const { stdout } = cli('run', ...CASES, ...impl('wrong'), '--expectations', known, '--fail-fast');
  expect(stdout).toContain('2 cases: 2 fail');
  expect(stdout).toContain('FAIL initial-registers/new-cpu/zero');
});

describe('--reporter jsonl', () => {
  test('has each result as soon as it is there, and keeps it when the run is killed', async () => {
    const results = join(folder, 'results.jsonl');
    const words = ['run', ...CASES, ...impl('hangs'), '--reporter', `jsonl=${results}`, '--fail-fast'];
    const run = spawn(process.execPath, [...CLI, ...words], { cwd: packageRoot, stdio: 'ignore' });
    const ended = once(run, 'exit');
    while (!existsSync(results) || !readFileSync(results, 'utf8').includes('new-cpu/linux')) await sleep(20);
    run.kill('SIGKILL');
    await ended;
    const { code, stdout } = cli('report', results);
    expect(stdout).toContain('1 case: 1 pass');
    expect(stdout).toContain('ends before the run did');
    expect(code).toBe(1);
  });

  test('after an interruption ends with what is known', async () => {
    const results = join(folder, 'interrupted.jsonl');
    const words = ['run', ...CASES, ...impl('hangs'), '--reporter', `jsonl=${results}`];
    const run = spawn(process.execPath, [...CLI, ...words], { cwd: packageRoot, stdio: 'ignore' });
    const ended = once(run, 'exit');
    while (!existsSync(results) || !readFileSync(results, 'utf8').includes('new-cpu/linux')) await sleep(20);
    run.kill('SIGINT');
    expect(await ended).toEqual([130, null]);
    const last = readFileSync(results, 'utf8').trimEnd().split('\n').at(-1) ?? '';
    expect(JSON.parse(last)).toMatchObject({ type: 'end', interrupted: true });
  });

  test.skipIf(!existsSync('/dev/full'))('a full disk costs that report, and is told', () => {
    const { code, stdout, stderr } = cli(
      'run',
      ...CASES,
      '--reporter',
      'jsonl=/dev/full',
      '--reporter',
      'text',
    );
    expect(stdout).toContain('4 pass');
    expect(stderr).toContain('cannot write /dev/full: ENOSPC');
    expect(code).toBe(2);
  });
});

test.each<[string[], string]>([
  [['--shard', '3/2'], '--shard needs i/n'],
  [['--jobs', '0'], '--jobs needs a number from 1'],
  [['--connect', '1', '--jobs', '2'], '--connect has one connection'],
  [['--window', '4'], '--window is for programs, not for reference'],
  [['--memory', '4M'], '--memory is for programs, not for reference'],
  [['--impl', 'true', '--memory', 'much'], '--memory needs a size'],
  [['--connect', 'example.org:80'], 'only localhost can be connected to'],
  [['--connect', 'here'], 'neither a port'],
  [['--connect', '7777', '--verify'], '--verify needs fresh processes'],
  [['--update-expectations'], '--update-expectations needs --expectations'],
  [['--reason', 'x'], '--reason is for'],
  [['--balance', 'x.json'], 'it needs --shard'],
])('%j is refused before anything runs', (args, message) => {
  const { code, stdout, stderr } = cli('run', 'initial-registers', ...args);
  expect(stderr).toContain(message);
  expect(stdout).toBe('');
  expect(code).toBe(2);
});
