// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from 'vitest';
import type { Comparison, KnownFailure } from '../known-failures.js';
import { caseNamed, processorDeclaration } from '../testing/cases.js';
import type { Result } from '../verdict.js';
import { type Ended, headOf, isRed, recordOf } from './record.js';
import { everySort } from './testing/records.js';

const entry: KnownFailure = {
  pattern: 'fpu/*',
  status: 'known-failure',
  reason: 'why',
  file: 'k.yaml',
  line: 1,
};
const nothing: Comparison = { unexpected: [], expected: [], flaky: [], unexpectedPasses: [], stale: [] };
const passed: Result = { case: caseNamed('fpu/passes'), verdict: 'pass', details: [], seconds: 0.25 };
const broken: Result = { case: caseNamed('fpu/fails'), verdict: 'fail', details: ['it differs'] };

function recorded(results: Result[], comparison: Partial<Comparison>, more: Partial<Ended> = {}) {
  return recordOf({
    head: headOf({ label: 'test', declaration: processorDeclaration, rerun: '' }),
    results,
    comparison: { ...nothing, ...comparison },
    unspecified: [],
    notClaimed: new Map(),
    otherProfile: 0,
    problems: [],
    interrupted: false,
    ...more,
  });
}

describe('a run conforms', () => {
  test('when all that failed was foreseen', () => {
    expect(recorded([passed], {}).conforms).toBe(true);
    expect(recorded([broken], { expected: [{ result: broken, entry }] }).conforms).toBe(true);
    expect(recorded([broken], { flaky: [{ result: broken, entry }] }).conforms).toBe(true);
  });

  test('not when a case fails, or passes against what is known, or an entry is stale, or something else is wrong', () => {
    expect(recorded([broken], { unexpected: [broken] }).conforms).toBe(false);
    expect(recorded([passed], { unexpectedPasses: [{ result: passed, entry }] }).conforms).toBe(false);
    expect(recorded([passed], { stale: [entry] }).conforms).toBe(false);
    expect(recorded([passed], {}, { problems: ['no case of class host ran'] }).conforms).toBe(false);
  });
});

test('times are in the record only when they were asked for', () => {
  expect(JSON.stringify(recorded([passed], {}))).not.toContain('seconds');
  expect(recorded([passed], {}, { seconds: 2 })).toMatchObject({ seconds: 2, results: [{ seconds: 0.25 }] });
});

test('what is red: failures that nobody foresaw, and passes against what was foreseen', () => {
  const red = everySort.results.filter(isRed).map(({ id }) => id.split('/')[1]);
  expect(red).toEqual(['fails', 'crashes', 'hangs', 'babbles', 'surprise']);
});
