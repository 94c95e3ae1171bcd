// SPDX-License-Identifier: GPL-2.0-or-later

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageRoot } from './package.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lguest-conformance-fault-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs `list` after a module that spoils the program. */
function spoiled(text: string): { status: number | null; stderr: string } {
  const file = join(folder, 'spoils.mjs');
  writeFileSync(file, text);
  const modules = ['--import', 'tsx', '--import', pathToFileURL(file).href];
  const program = join(packageRoot, 'runner', 'cli.ts');
  const options = { encoding: 'utf8', cwd: packageRoot } as const;
  return spawnSync(process.execPath, [...modules, program, 'list', 'io-emulation'], options);
}

const THROWS = 'throw new TypeError("a fault on purpose")';

const COMMANDER = pathToFileURL(createRequire(import.meta.url).resolve('commander')).href;

test.each([
  [
    'in what a command does',
    `import commander from '${COMMANDER}';
     commander.Command.prototype.parseAsync = async () => { ${THROWS}; };`,
  ],
  ['in a callback', `setTimeout(() => { ${THROWS}; }, 300); setTimeout(() => {}, 600);`],
  [
    'in a promise that nobody waits for',
    `setTimeout(async () => { ${THROWS}; }, 300); setTimeout(() => {}, 600);`,
  ],
])('70: an error that was not expected, %s, is told as a fault of this program', (_, text) => {
  const { status, stderr } = spoiled(text);
  expect(stderr).toContain('a fault of lguest-conformance itself');
  expect(stderr).toContain('Please report it');
  expect(stderr).toContain('lguest-conformance list io-emulation');
  expect(stderr).toContain('TypeError: a fault on purpose');
  expect(status).toBe(70);
});
