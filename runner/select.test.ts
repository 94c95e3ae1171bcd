// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from 'vitest';
import type { Case } from './cases/case.js';
import { patternOf, type Selection, select } from './select.js';
import { UsageError } from './usage.js';

function caseNamed(id: string, more: Partial<Case> = {}): Case {
  return {
    id,
    behaviour: id.split('/')[0] ?? '',
    class: 'host',
    clauses: ['IO-1'],
    title: id,
    file: 'f.yaml',
    line: 1,
    recorded: false,
    body: () => ({ given: {}, steps: [] }),
    ...more,
  };
}

const cases = [
  caseNamed('io-emulation/in-al'),
  caseNamed('io-emulation/table/e4-plain'),
  caseNamed('paging/walk', { class: 'processor', clauses: ['PG-1'] }),
  caseNamed('paging/safe', { profile: 'hardened' }),
  caseNamed('paging/recorded/3', { unspecifiedBy: 'E-6' }),
];

function ids(selection: Partial<Selection>, profile: 'linux-2.6.29' | 'hardened' = 'linux-2.6.29'): string[] {
  const full = { patterns: [], classes: [], behaviours: [], clauses: [], ...selection };
  return select(cases, full, profile).cases.map(({ id }) => id);
}

test('a wildcard stays in its component, two go across', () => {
  expect(patternOf('io-emulation/*').test('io-emulation/in-al')).toBe(true);
  expect(patternOf('io-emulation/*').test('io-emulation/table/e4')).toBe(false);
  expect(patternOf('io-emulation/**').test('io-emulation/table/e4')).toBe(true);
  expect(patternOf('*/in-*').test('io-emulation/in-al')).toBe(true);
  expect(patternOf('io-emulation').test('io-emulation/in-al')).toBe(true);
  expect(patternOf('io').test('io-emulation/in-al')).toBe(false);
});

test('all conditions must hold', () => {
  expect(ids({ patterns: ['io-emulation/table'] })).toEqual(['io-emulation/table/e4-plain']);
  expect(ids({ classes: ['processor'] })).toEqual(['paging/walk']);
  expect(ids({ clauses: ['PG-1'], behaviours: ['paging'] })).toEqual(['paging/walk']);
});

test('cases of the other profile and those left open are counted apart', () => {
  const full = { patterns: ['paging'], classes: [], behaviours: [], clauses: [] };
  const linux = select(cases, full, 'linux-2.6.29');
  expect(linux.cases.map(({ id }) => id)).toEqual(['paging/walk']);
  expect(linux.unspecified.map(({ id }) => id)).toEqual(['paging/recorded/3']);
  expect(linux.otherProfile).toBe(1);
  expect(ids({ patterns: ['paging'] }, 'hardened')).toEqual([
    'paging/walk',
    'paging/safe',
    'paging/recorded/3',
  ]);
});

test.each<[Partial<Selection>, string]>([
  [
    { patterns: ['io-emulation/in-all'] },
    'no case matches "io-emulation/in-all"; did you mean "io-emulation/in-al"',
  ],
  [{ patterns: ['**/nothing'] }, 'no case matches "**/nothing"'],
  [{ classes: ['hosts'] }, 'there is no class "hosts"; did you mean "host"'],
  [{ classes: ['system'] }, 'no selected case is of class system'],
  [
    { patterns: ['paging'], clauses: ['IO-1', 'PG-1'], classes: ['processor'] },
    'no selected case is of clause IO-1',
  ],
])('%j is refused before anything runs', (selection, message) => {
  expect(() => ids(selection)).toThrow(UsageError);
  expect(() => ids(selection)).toThrow(message);
});
