// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, it } from 'vitest';
import type { Case } from '../cases/case.js';
import { loadSuite } from '../cases/suite.js';
import { Expectations } from '../known-failures.js';
import type { Clause } from '../spec.js';
import type { Result, Verdict } from '../verdict.js';
import { type Column, collect } from './collect.js';
import { cellText, countsOf, linesOf } from './counts.js';
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

const NOTHING_KNOWN = new Expectations([]);

function known(pattern: string, reason: string, only?: string[]): Expectations {
  const entry = { pattern, status: 'known-failure' as const, reason, file: 'known.yaml', line: 1 };
  return new Expectations([only === undefined ? entry : { ...entry, only }]);
}

const columns: Column[] = [
  {
    name: 'lax',
    title: 'lax 1.0',
    results: [result(first, 'pass'), result(second, 'fail', 'pushed EFLAGS.RF 0, expected 1')],
    expectations: NOTHING_KNOWN,
    seconds: 1,
  },
  {
    name: 'absent',
    title: 'absent',
    skipped: { reason: 'not here', cure: 'get it' },
    results: [],
    expectations: NOTHING_KNOWN,
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
    expect(deviationsOf(failed, NOTHING_KNOWN).map(({ cases }) => cases.length)).toEqual([2]);
    expect(deviationsOf(failed, known(first.id, 'It is odd.')).map(({ what }) => what)).toEqual([
      'CR2',
      'It is odd.',
    ]);
  });

  it('is told with the clauses of its cases, those of most cases first', () => {
    const of = (id: string, ...clauses: string[]): Result => ({
      ...result({ ...first, id, clauses }, 'fail', 'CR2 00000001, expected 00000000'),
    });
    const [deviation] = deviationsOf([of('a/b', 'X-10', 'X-9'), of('a/c', 'X-9')], NOTHING_KNOWN);
    expect(deviation?.clauses).toEqual(['X-9', 'X-10']);
    expect(deviation?.behaviour).toBe('gates');
  });

  it('names many rows of a table as the table', () => {
    const rows = ['a', 'b', 'c', 'd', 'e'].map((row) => `gates/table/${row}`);
    const ids = [...rows, 'gates/one', 'gates/other/a'];
    expect(
      compactIds(
        ids,
        new Map([
          ['gates/table', 5],
          ['gates/one', 1],
          ['gates/other', 2],
        ]),
      ),
    ).toEqual(['`gates/table/*`', '`gates/one`', '`gates/other/a`']);
    expect(compactIds(rows, new Map([['gates/table', 9]]))).toEqual(['5 of 9 `gates/table/*`']);
  });
});

describe('the matrix', () => {
  it('counts by behaviour', () => {
    expect(linesOf(columns).map(({ cells }) => cells.map(cellText))).toEqual([['1, 1 fail', 'skipped']]);
  });

  it('counts apart what differs only by a deviation that is everywhere', () => {
    const flag = {
      ...result(second, 'fail', 'pushed EFLAGS.RF 0, expected 1'),
      paths: ['memory.pushed_eflags.RF'],
    };
    const everywhere = known('**', 'RF stays clear.', ['memory.pushed_eflags.RF']);
    const counts = countsOf([result(first, 'fail', 'CR2'), flag], everywhere);
    expect(counts).toEqual({ pass: 0, everywhere: 1, fail: 1, unsupported: 0 });
  });

  it('becomes a page with the ids of the cases, and without those that were skipped', () => {
    const clause: Clause = {
      ...{ id: 'GATE-1', classes: ['processor'], withdrawn: false, text: '' },
      ...{ file: 'spec/03-gates.md', line: 1 },
    };
    const page = pageOf(columns, [clause]);
    expect(page).toContain('| [gates](03-gates.md) | 1 / 2 |');
    expect(page).toContain('| lax 1.0 | 2 | 1 | 0 | 1 | 1 | 0 |');
    expect(page).toContain('`absent` was not run: not here');
    expect(page).toContain('### [gates](03-gates.md)');
    expect(page).toContain('- Pushed EFLAGS.RF 0, expected 1. (GATE-');
    expect(page).toContain(` 1 case: \`${second.id}\``);
  });

  it('lets like reasons why a case cannot be asked come together', () => {
    const reasons = ['the gate of vector 6 is no gate', 'the gate of vector 48 is no gate'];
    const results = reasons.map((reason) => result(first, 'unsupported', reason));
    const [column] = columns;
    if (column === undefined) throw new Error('there is no column');
    expect(pageOf([{ ...column, results }], [])).toContain('- The gate of vector N is no gate: 2 cases');
  });

  it('skips an implementation that cannot be had', async () => {
    const column = await collect('no-such-program-anywhere', suite, NOTHING_KNOWN, () => {});
    expect(column.skipped?.reason).toContain('no-such-program-anywhere');
  });
});
