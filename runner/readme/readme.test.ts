// SPDX-License-Identifier: GPL-2.0-or-later
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadSuite } from '../cases/suite.js';
import { packageRoot } from '../package.js';
import { readClauses } from '../spec.js';
import { clauseTable, withTable } from './clause-table.js';
import { consoleBlocks, withOutputs } from './walkthrough.js';

const readme = readFileSync(join(packageRoot, 'README.md'), 'utf8');
const hasPython = spawnSync('python3', ['--version']).status === 0;

test('the table in the README is up to date (npm run readme)', async () => {
  const { cases } = await loadSuite();
  expect(withTable(readme, clauseTable(readClauses(), cases))).toBe(readme);
});

test('a README without the marks is refused', () => {
  expect(() => withTable('no marks', 'table')).toThrow('has no <!-- table -->');
});

test('every console block of the README is one that is run', () => {
  expect(consoleBlocks(readme)).toHaveLength(readme.split('```console').length - 1);
});

test.skipIf(!hasPython)(
  'the walk-through prints what the README shows (npm run readme; needs python3)',
  () => {
    expect(withOutputs(readme)).toBe(readme);
  },
);
