// SPDX-License-Identifier: GPL-2.0-or-later
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadSuite } from './cases/suite.js';
import { clauseTable, withTable } from './clause-table.js';
import { packageRoot } from './package.js';
import { readClauses } from './spec.js';

test('the table in the README is up to date (npm run readme)', async () => {
  const readme = readFileSync(join(packageRoot, 'README.md'), 'utf8');
  const { cases } = await loadSuite();
  expect(withTable(readme, clauseTable(readClauses(), cases))).toBe(readme);
});

test('a README without the marks is refused', () => {
  expect(() => withTable('no marks', 'table')).toThrow('has no <!-- table -->');
});
