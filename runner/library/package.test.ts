// SPDX-License-Identifier: GPL-2.0-or-later

import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../package.js';

const isBuilt =
  existsSync(join(packageRoot, 'dist', 'runner', 'library', 'vitest.js')) &&
  'exports' in (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as object);
const notice = isBuilt ? '' : ' (skipped: npm run build comes first)';

/** What the package's users have of its own dependencies and of their own tools. */
const INSTALLED = ['ajv', 'commander', 'yaml', 'vitest', 'typescript', '@types'];

describe.skipIf(!isBuilt)(`the packed package in an empty project${notice}`, { timeout: 120_000 }, () => {
  let project = '';
  const installed = () => join(project, 'node_modules', 'lguest-conformance');

  beforeAll(() => {
    project = mkdtempSync(join(tmpdir(), 'lguest-conformance-packed-'));
    const modules = join(project, 'node_modules');
    mkdirSync(modules);
    execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', project], {
      cwd: packageRoot,
      stdio: 'pipe',
    });
    const tarball = readdirSync(project).find((name) => name.endsWith('.tgz')) ?? '';
    execFileSync('tar', ['xf', tarball], { cwd: project });
    renameSync(join(project, 'package'), installed());
    for (const name of INSTALLED) symlinkSync(join(packageRoot, 'node_modules', name), join(modules, name));
    writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  }, 120_000);
  afterAll(() => rmSync(project, { recursive: true, force: true }));

  function node(...words: string[]): { code: number | null; stdout: string; stderr: string } {
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', cwd: project });
    return { code: status, stdout, stderr };
  }

  test('has the exports that are documented, and no others', () => {
    const source = `
      const library = await import('lguest-conformance');
      const own = await import('lguest-conformance/dist/runner/run.js').catch((error) => error.code);
      console.log(JSON.stringify([Object.keys(library), own]));`;
    const { stdout, stderr } = node('--input-type=module', '-e', source);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual([['Unsupported'], 'ERR_PACKAGE_PATH_NOT_EXPORTED']);
  });

  test('has types, with which the TypeScript template compiles, and vitest runs its cases', () => {
    const cli = join(installed(), 'dist', 'runner', 'cli.js');
    expect(node(cli, 'init', '--lang', 'typescript', join(project, 'mine')).code).toBe(0);
    const tsc = join(project, 'node_modules', 'typescript', 'bin', 'tsc');
    expect(node(tsc, '-p', join(project, 'mine')).stdout).toBe('');
    const vitest = join(project, 'node_modules', 'vitest', 'vitest.mjs');
    const { code, stdout } = node(vitest, 'run', '--root', join(project, 'mine'));
    expect(stdout).toMatch(/Tests .*22 passed/);
    expect(code).toBe(0);
  });

  test('runs cases', () => {
    const cli = join(installed(), 'dist', 'runner', 'cli.js');
    const { code, stdout } = node(cli, 'run', 'initial-registers');
    expect(stdout).toContain('conforms');
    expect(code).toBe(0);
  });
});
