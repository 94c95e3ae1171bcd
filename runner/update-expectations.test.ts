// SPDX-License-Identifier: GPL-2.0-or-later

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { compareKnown, readKnownFailures } from './known-failures.js';
import { caseNamed } from './testing/cases.js';
import { updateExpectations } from './update-expectations.js';
import type { Result, Verdict } from './verdict.js';

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lguest-conformance-'));
  file = join(folder, 'expectations.yaml');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function result(id: string, verdict: Verdict, ...paths: string[]): Result {
  const isFailure = verdict === 'fail' && paths.length > 0;
  return { case: caseNamed(id), verdict, details: [`${id} differs`], ...(isFailure ? { paths } : {}) };
}

async function updated(results: Result[], reason?: string, notRun: Result[] = []): Promise<string> {
  const known = await readKnownFailures(file);
  const suite = [...results, ...notRun].map((each) => each.case);
  updateExpectations(file, compareKnown(results, known, suite), { suite, results }, reason);
  return readFileSync(file, 'utf8');
}

test('failures that differ in the same places share an entry, and the next run has nothing red', async () => {
  writeFileSync(file, '');
  const results = [
    result('gates/a', 'fail', 'registers.eax'),
    result('gates/b', 'fail', 'registers.eax'),
    result('gates/c', 'crashed'),
    result('gates/d', 'pass'),
  ];
  const text = await updated(results, 'not looked at');
  expect(text).toContain('# fail: gates/a differs');
  const known = await readKnownFailures(file);
  expect(known.map(({ pattern, only, reason }) => [pattern, only, reason])).toEqual([
    ['gates/a', ['registers.eax'], 'not looked at'],
    ['gates/b', ['registers.eax'], 'not looked at'],
    ['gates/c', undefined, 'not looked at'],
  ]);
  const suite = results.map((each) => each.case);
  const again = compareKnown(results, known, suite, true);
  expect([again.unexpected, again.unexpectedPasses, again.stale]).toEqual([[], [], []]);
});

test('without a reason the new entry must be completed by a person', async () => {
  writeFileSync(file, '');
  await updated([result('gates/a', 'fail')]);
  await expect(readKnownFailures(file)).rejects.toThrow('"gates/a" has no reason and no link');
});

test('what passes and what is gone is removed; comments and reasons of the rest stay', async () => {
  writeFileSync(
    file,
    `# what we know
- case: [gates/a, gates/b]
  reason: both # for now
- { case: gates/gone, reason: was removed }
# a whole table
- { case: gates/t/*, reason: tables }
`,
  );
  const text = await updated([
    result('gates/a', 'pass'),
    result('gates/b', 'fail'),
    result('gates/t/1', 'fail'),
    result('gates/t/2', 'pass'),
  ]);
  expect(text).toContain('# what we know');
  expect(text).toContain('# for now');
  expect(text).toContain('# a whole table');
  const known = await readKnownFailures(file);
  expect(known.map(({ pattern, reason }) => [pattern, reason])).toEqual([
    ['gates/b', 'both'],
    ['gates/t/1', 'tables'],
  ]);
});

test('a pattern keeps the cases that did not run', async () => {
  writeFileSync(file, '- { case: gates/t/*, reason: tables }\n');
  await updated([result('gates/t/1', 'pass')], undefined, [result('gates/t/2', 'fail')]);
  expect((await readKnownFailures(file)).map(({ pattern }) => pattern)).toEqual(['gates/t/2']);
});

test('when nothing fails any more the list is empty', async () => {
  writeFileSync(file, '- { case: gates/a, reason: x }\n');
  expect(await updated([result('gates/a', 'pass')])).toBe('[]\n');
});
