// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, it } from 'vitest';
import type { Case } from '../cases/case.js';
import { loadSuite } from '../cases/suite.js';
import type { Result, Verdict } from '../verdict.js';
import { type Column, collect } from './collect.js';
import { cellText, linesOf } from './counts.js';
import { compactIds, deviationsOf, signature } from './deviations.js';
import { pageOf } from './page.js';

const { cases: suite } = await loadSuite(['gates']);
const [first, second] = suite.filter((entry) => entry.class === 'processor');
if (first === undefined || second === undefined) throw new Error('there are no cases');

const result = (entry: Case, verdict: Verdict, ...details: string[]): Result => ({
  case: entry,
  verdict,
  details,
});

const columns: Column[] = [
  {
    name: 'lax',
    title: 'lax 1.0',
    results: [result(first, 'pass'), result(second, 'fail', 'pushed EFLAGS.RF 0, expected 1')],
    seconds: 1,
  },
  {
    name: 'absent',
    title: 'absent',
    skipped: { reason: 'not here', cure: 'get it' },
    results: [],
    seconds: 0,
  },
];

describe('a deviation', () => {
  it('is told as the exception that came and the one that is due', () => {
    const eip = 'EIP 00008002, expected 00003035 [#GP(0) at 00008000]';
    expect(signature(result(first, 'fail', eip, 'ESP 1, expected 0'))).toBe(
      'no exception where #GP(0) is due',
    );
  });

  it('is told as what differs, without numbers that belong to the case, and RF only when it is alone', () => {
    const memory = 'memory[00004ff8] 00010202, expected 00000202';
    const flag = 'pushed EFLAGS.RF 0, expected 1';
    expect(signature(result(first, 'fail', 'EAX 00000001, expected 00000002', memory, flag))).toBe(
      'EAX; memory',
    );
    expect(signature(result(first, 'fail', flag))).toBe(flag);
  });

  it('is told as the last words of one that died', () => {
    const died = { ...result(first, 'crashed', 'it panicked'), stderr: 'at 1\nno handler for 0000beef\n' };
    expect(signature(died)).toBe('it panicked: no handler for');
  });

  it('is told by the reason that is known, and groups cases', () => {
    const failed = [first, second].map((entry) => result(entry, 'fail', 'CR2 00000001, expected 00000000'));
    const known = [
      {
        pattern: first.id,
        status: 'known-failure' as const,
        reason: 'It is odd.',
        file: 'known.yaml',
        line: 1,
      },
    ];
    expect(deviationsOf(failed, []).map(({ cases }) => cases.length)).toEqual([2]);
    expect(deviationsOf(failed, known).map(({ what }) => what)).toEqual(['CR2', 'It is odd.']);
  });

  it('names many rows of a table as the table', () => {
    const rows = ['a', 'b', 'c', 'd', 'e'].map((row) => `gates/table/${row}`);
    expect(compactIds([...rows, 'gates/one'])).toEqual(['gates/table/* (5)', 'gates/one']);
  });
});

describe('the matrix', () => {
  it('counts by behaviour', () => {
    expect(linesOf(columns).map(({ cells }) => cells.map(cellText))).toEqual([['1, 1 fail', 'skipped']]);
  });

  it('becomes a page with the ids of the cases, and without those that were skipped', () => {
    const page = pageOf(columns, () => []);
    expect(page).toContain('| gates | 1, 1 fail |');
    expect(page).toContain('`absent` was not run: not here');
    expect(page).toContain(`Pushed EFLAGS.RF 0, expected 1. 1 case: \`${second.id}\``);
  });

  it('skips an implementation that cannot be had', async () => {
    const column = await collect('no-such-program-anywhere', suite, () => {});
    expect(column.skipped?.reason).toContain('no-such-program-anywhere');
  });
});
