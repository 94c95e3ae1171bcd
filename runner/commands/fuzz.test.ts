// SPDX-License-Identifier: GPL-2.0-or-later

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageRoot } from '../package.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lguest-conformance-fuzz-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const WRONG = 'node runner/examples/wrong/off-by-one-eip.mjs';

function start(...options: string[]) {
  const program = ['--import', 'tsx', join(packageRoot, 'runner', 'cli.ts'), 'fuzz', ...options];
  const child = spawn(process.execPath, program, { cwd: packageRoot });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const ended = once(child, 'close').then(([code]) => ({ code, stdout, stderr }));
  return { child, ended };
}

test('0: no case differs', async () => {
  const { code, stdout } = await start('--impl', 'reference', '--cases', '50').ended;
  expect(code).toBe(0);
  expect(stdout).toMatch(/50 cases, of which \d+ could not be run, 0 differed/);
  const hosts = await start('--class', 'host', '--profile', 'hardened', '--cases', '40').ended;
  expect(hosts.code).toBe(0);
  expect(hosts.stdout).toMatch(/# {3}\d+ differ as they have to: E-\d+/);
});

test('1: a case differs; --out has it as a file', async () => {
  const options = ['--cases', '3', '--family', 'user', '--differences', '1', '--out', folder];
  const { code, stdout } = await start('--impl', WRONG, ...options).ended;
  expect(code).toBe(1);
  const [name = ''] = readdirSync(folder);
  const text = readFileSync(join(folder, name), 'utf8');
  expect(text).toContain('behaviour: execution');
  expect(stdout).toContain(text.trim());
});

test('2: an option that makes no sense', async () => {
  const { code, stderr } = await start('--impl', 'reference', '--seed', 'many').ended;
  expect(code).toBe(2);
  expect(stderr).toContain('--seed needs a whole number');
  const other = await start('--impl', 'reference', '--family', 'usr').ended;
  expect(other.code).toBe(2);
  expect(other.stderr).toContain('usr');
  const hosts = await start('--class', 'hosts').ended;
  expect(hosts.code).toBe(2);
});

test('130: Ctrl-C ends it with what is known', async () => {
  const { child, ended } = start('--impl', WRONG, '--time', '10m', '--family', 'user');
  await once(child.stdout, 'data');
  child.kill('SIGINT');
  const { code, stdout } = await ended;
  expect(code).toBe(130);
  expect(stdout).toMatch(/# seed 1, from case 0: \d+ cases/);
});
