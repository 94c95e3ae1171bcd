// SPDX-License-Identifier: GPL-2.0-or-later

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../package.js';
import { checkAdapter } from './check-adapter.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lguest-conformance-init-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TSX = join(packageRoot, 'node_modules', '.bin', 'tsx');

function init(language: string, path: string): { code: number | null; stdout: string; stderr: string } {
  const words = ['--import', 'tsx', join(packageRoot, 'runner', 'cli.ts'), 'init', '--lang', language, path];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, {
    encoding: 'utf8',
    cwd: packageRoot,
  });
  return { code: status, stdout, stderr };
}

function isInstalled(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** A language, what must be installed for it, how it is built in its folder, and the command that starts the adapter. */
const LANGUAGES: [language: string, program: string, build: string[], command: (path: string) => string][] = [
  ['c', 'make', ['make'], (path) => join(path, 'adapter')],
  ['python', 'python3', [], (path) => `python3 ${join(path, 'adapter.py')}`],
  [
    'rust',
    'cargo',
    ['cargo', 'build', '--release', '--offline'],
    (path) => join(path, 'target/release/my-host'),
  ],
  ['typescript', TSX, [], (path) => `${TSX} ${join(path, 'adapter.ts')}`],
];

describe.each(LANGUAGES)('init --lang %s', (language, program, [build, ...parameters], command) => {
  const missing = !isInstalled(program);
  test.skipIf(missing)(
    'writes an adapter that check-adapter finds no mistake in',
    { timeout: 120_000 },
    async () => {
      const path = join(folder, language);
      const { code, stdout } = init(language, path);
      expect(stdout).toContain('README.md');
      expect(code).toBe(0);
      if (build !== undefined) execFileSync(build, parameters, { cwd: path, stdio: 'pipe' });
      let told = '';
      const mistakes = await checkAdapter(command(path), {
        write: (text) => {
          told += text;
        },
      });
      expect(told).toContain('No mistakes.');
      expect(mistakes).toBe(0);
    },
  );
});

test('nothing is written over', () => {
  const { code, stderr } = init('python', packageRoot);
  expect(stderr).toContain('is not empty');
  expect(code).toBe(2);
});

test('an unknown language is refused with the nearest one', () => {
  const { code, stderr } = init('pyton', join(folder, 'nothing'));
  expect(stderr).toContain('there is no template "pyton"; did you mean "python"?');
  expect(code).toBe(2);
});
