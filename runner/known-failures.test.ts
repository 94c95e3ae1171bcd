// SPDX-License-Identifier: GPL-2.0-or-later

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { compareKnown, readKnownFailures } from './known-failures.js';
import { caseNamed } from './testing/cases.js';
import type { Result, Verdict } from './verdict.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lguest-conformance-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function file(text: string): string {
  const path = join(folder, 'expectations.yaml');
  writeFileSync(path, text);
  return path;
}

function result(id: string, verdict: Verdict): Result {
  return { case: caseNamed(id), verdict, details: [] };
}

const results = [
  result('gates/a', 'fail'),
  result('gates/b', 'pass'),
  result('gates/t/1', 'crashed'),
  result('gates/u', 'unsupported'),
];
const suite = results.map((entry) => entry.case);

test('a failure as foreseen is not red, a pass that was not is', async () => {
  const known = await readKnownFailures(
    file('- { case: gates/a, reason: no limits }\n- { case: "gates/b", reason: x }\n'),
  );
  const comparison = compareKnown(results, known, suite, true);
  expect(comparison.expected.map((entry) => entry.result.case.id)).toEqual(['gates/a']);
  expect(comparison.unexpected.map((entry) => entry.case.id)).toEqual(['gates/t/1']);
  expect(comparison.unexpectedPasses.map((entry) => entry.result.case.id)).toEqual(['gates/b']);
  expect(comparison.stale).toEqual([]);
});

test('an entry that matches nothing is stale', async () => {
  const known = await readKnownFailures(
    file('- { case: gates/t/*, reason: x }\n- { case: gates/gone, reason: y }\n'),
  );
  const { stale, expected } = compareKnown(results, known, suite, true);
  expect(stale.map(({ pattern, line }) => [pattern, line])).toEqual([['gates/gone', 2]]);
  expect(expected).toHaveLength(1);
});

test('an entry may name several cases', async () => {
  const known = await readKnownFailures(file('- case:\n    - gates/a\n    - gates/t/*\n  reason: x\n'));
  expect(known.map(({ pattern, line }) => [pattern, line])).toEqual([
    ['gates/a', 2],
    ['gates/t/*', 3],
  ]);
  expect(compareKnown(results, known, suite, true).unexpected).toEqual([]);
});

describe('an entry may say', () => {
  const compared = async (text: string) =>
    compareKnown(results, await readKnownFailures(file(text)), suite, true);

  test('that its cases are flaky: then neither a failure nor a pass is red', async () => {
    const comparison = await compared('- { case: [gates/a, gates/b], status: flaky, reason: a race }\n');
    expect(comparison.flaky.map((entry) => entry.result.case.id)).toEqual(['gates/a', 'gates/b']);
    expect(comparison.unexpected.map((entry) => entry.case.id)).toEqual(['gates/t/1']);
    expect(comparison.unexpectedPasses).toEqual([]);
  });

  test('that they will not be mended: a pass is red all the same', async () => {
    const comparison = await compared(
      '- { case: [gates/a, gates/b], status: wont-fix, reason: by design }\n',
    );
    expect(comparison.expected.map(({ entry }) => entry.status)).toEqual(['wont-fix']);
    expect(comparison.unexpectedPasses.map((entry) => entry.result.case.id)).toEqual(['gates/b']);
  });

  test('where it is written up in place of a reason', async () => {
    const { expected } = await compared('- { case: gates/a, link: "https://example.org/7" }\n');
    expect(expected[0]?.entry).toMatchObject({
      reason: 'https://example.org/7',
      link: 'https://example.org/7',
    });
  });
});

describe('an entry with "only"', () => {
  const path = 'memory.pushed_eflags';
  const failures = [
    { ...result('gates/a', 'fail'), paths: [`${path}.RF`] },
    { ...result('gates/t/1', 'fail'), paths: [`${path}.RF`, 'registers.eax'] },
    result('gates/t/2', 'crashed'),
    result('gates/b', 'pass'),
  ];
  const compared = async (text: string, everything = true) =>
    compareKnown(failures, await readKnownFailures(file(text)), suite, everything);

  test('foresees failures that have no other differences, and lets others pass', async () => {
    const comparison = await compared(`- { case: "**", only: [${path}], reason: x }\n`);
    expect(comparison.expected.map((entry) => entry.result.case.id)).toEqual(['gates/a']);
    expect(comparison.unexpected.map((entry) => entry.case.id)).toEqual(['gates/t/1', 'gates/t/2']);
    expect(comparison.unexpectedPasses).toEqual([]);
    expect(comparison.stale).toEqual([]);
  });

  test('for one case is red when that case passes', async () => {
    const comparison = await compared(`- { case: gates/b, only: [${path}], reason: x }\n`);
    expect(comparison.unexpectedPasses.map((entry) => entry.result.case.id)).toEqual(['gates/b']);
  });

  test('leaves what it does not foresee to other entries', async () => {
    const text = `- { case: "**", only: [${path}], reason: x }\n- { case: gates/t/*, reason: y }\n`;
    expect((await compared(text)).expected.map(({ entry }) => entry.reason)).toEqual(['x', 'y', 'y']);
  });

  test('is stale when it foresees nothing in a run of everything', async () => {
    const text = '- { case: "**", only: [memory.elsewhere], reason: x }\n';
    expect((await compared(text)).stale.map(({ pattern }) => pattern)).toEqual(['**']);
    expect((await compared(text, false)).stale).toEqual([]);
  });
});

test.each([
  ['- { case: gates/a }\n', ':1: "gates/a" has no reason and no link'],
  ['- { case: gates/a, reason: " " }\n', ':1: "gates/a" has no reason'],
  ['- { reason: x }\n', ':1: the key "case" is missing'],
  ['- { case: a, reason: x, why: y }\n', ':1: unknown key "why"'],
  ['- { case: [], reason: x }\n', ':1: the key "case" is missing'],
  ['- { case: a, reason: x, only: memory }\n', ':1: the key "only" is not a list of paths'],
  ['- { case: a, reason: x, status: broken }\n', ':1: status must be one of known-failure, wont-fix, flaky'],
  ['- { case: gates/t*, reason: x }\n', ':1: in "gates/t*" a wildcard stands for a part of a component'],
  ['- { case: a, reason: x\n', 'expectations.yaml:'],
  ['case: a\n', 'is not a YAML list'],
])('%j is refused', async (text, message) => {
  await expect(readKnownFailures(file(text))).rejects.toThrow(message);
});

test('a file that is not there is refused', async () => {
  await expect(readKnownFailures(join(folder, 'nothing.yaml'))).rejects.toThrow('cannot read');
});
