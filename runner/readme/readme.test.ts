// SPDX-License-Identifier: GPL-2.0-or-later
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadSuite } from '../cases/suite.js';
import { packageRoot } from '../package.js';
import { readClauses } from '../spec.js';
import { readEquivalents } from '../strength/equivalent.js';
import { equivalentIn, readFigures } from '../strength/figures.js';
import { filesOf } from '../strength/parts.js';
import { withBlock } from './block.js';
import { clauseTable } from './clause-table.js';
import { strengthTable } from './strength.js';
import { consoleBlocks, WALKTHROUGHS, withOutputs } from './walkthrough.js';

const readme = readFileSync(join(packageRoot, 'README.md'), 'utf8');
const hasPython = spawnSync('python3', ['--version']).status === 0;

test('the table in the README is up to date (npm run readme)', async () => {
  const { cases } = await loadSuite();
  expect(withBlock(readme, 'table', clauseTable(readClauses(), cases))).toBe(readme);
});

test('the strength in the README is that of the last measurement (npm run readme)', () => {
  const table = strengthTable(readFigures(), equivalentIn(readEquivalents()));
  expect(withBlock(readme, 'strength', table)).toBe(readme);
});

test('a part that was not measured has no figure', () => {
  const survived = [{ at: '1:1', end: 1, line: 'a', mutant: 'b' }];
  const files = { 'reference/host/fpu.ts': { text: '', killed: 7, endless: 0, survived } };
  const [, , host, processor] = strengthTable({ host: { date: '2000-01-01', files } }, () => true).split(
    '\n',
  );
  expect(host).toBe(
    `| \`reference/host\` | 8 | 7 | 1 | 0 | **100.0 %** | 2000-01-01, 1 of ${filesOf('host').length} files |`,
  );
  expect(processor).toBe('| `reference/processor` |  |  |  |  |  | not yet |');
});

test('a README without the marks is refused', () => {
  expect(() => withBlock('no marks', 'table', 'text')).toThrow('has no <!-- table --> ... <!-- /table -->');
});

describe.each(WALKTHROUGHS)('%s', (name) => {
  const document = readFileSync(join(packageRoot, name), 'utf8');

  test('every console block is one that is run', () => {
    expect(consoleBlocks(document)).toHaveLength(document.split('```console').length - 1);
  });

  test.skipIf(!hasPython)('shows what its commands print (npm run readme; needs python3)', () => {
    expect(withOutputs(document)).toBe(document);
  });
});
