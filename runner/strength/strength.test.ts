// SPDX-License-Identifier: GPL-2.0-or-later

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PlanKind } from '@stryker-mutator/api/core';
import { afterAll, describe, expect, test } from 'vitest';
import type { Case } from '../cases/case.js';
import { packageRoot } from '../package.js';
import { CaseRun } from './case-runs.js';
import { ClauseMarks } from './clause-marks.js';
import { Coverage } from './coverage.js';
import { equivalentsIn, readEquivalents, staleEntries } from './equivalent.js';
import {
  figuresAgain,
  figuresOf,
  isStrongEnough,
  leftOpen,
  partFiguresOf,
  percent,
  readFigures,
  score,
  strengthOf,
} from './figures.js';
import { ReferenceScript } from './instance.js';
import type { Fate, MutantView } from './mutant.js';
import { Order } from './order.js';
import { filesOf, PART_NAMES, partOf } from './parts.js';
import { scopeOf } from './scope.js';
import { endsWithin } from './time-limit.js';
import { survivorText } from './told.js';
import { onWholeFile, WholeFiles } from './whole-files.js';

function mutant(fate: Fate, line: string, reason = ''): MutantView {
  const [original, replacement] = ['a < b', 'a <= b'];
  return {
    name: { file: 'reference/host/fpu.ts', line, mutant: `EqualityOperator: ${original} => ${replacement}` },
    ...{
      fate,
      id: 1,
      at: { line: 3, column: 5 },
      end: 3,
      original,
      replacement,
      clauses: ['FPU-25'],
      reason,
    },
  };
}

const LIST = `- file: reference/host/fpu.ts
  line: 'if (a < b) {'
  mutants: ['EqualityOperator: a < b => a <= b']
  reason: they are never equal
`;

/** No mutant is argued to be equivalent. */
const nothing = (): boolean => false;

describe('the list of equivalent mutants', () => {
  const entries = equivalentsIn('list.yaml', LIST);
  const whole = new Set(['reference/host/fpu.ts']);

  test('an entry is about a mutant of this text in this line', () => {
    expect(staleEntries(entries, [mutant('survived', 'if (a < b) {')], whole)).toEqual([]);
  });

  test('one that is killed, or is not there any more, is told', () => {
    const killed = mutant('killed', 'if (a < b) {', 'fpu/one: fail');
    expect(staleEntries(entries, [killed], whole)).toEqual([
      'list.yaml:1: not equivalent: EqualityOperator: a < b => a <= b (killed: fpu/one: fail)',
    ]);
    const elsewhere = mutant('survived', 'while (a < b) {');
    expect(staleEntries(entries, [elsewhere], whole)).toEqual([
      'list.yaml:1: there is no such mutant: EqualityOperator: a < b => a <= b',
    ]);
    expect(staleEntries(entries, [elsewhere], new Set())).toEqual([]);
  });

  test('each entry of the checked-in list is about a line that is there', () => {
    const missing = readEquivalents().filter(({ file, line }) => {
      const lines = readFileSync(join(packageRoot, file), 'utf8').split('\n');
      return !lines.some((text) => text.trim() === line);
    });
    expect(missing.map(({ place }) => place)).toEqual([]);
  });

  test.each([
    ['reason', LIST.replace(/ {2}reason.*\n/, ''), 'list.yaml:1: the entry has no reason'],
    ['file', LIST.replace('file:', 'path:'), 'list.yaml:1: unknown key "path"'],
  ])('an entry without its %s is refused', (_, text, message) => {
    expect(() => equivalentsIn('list.yaml', text)).toThrow(message);
  });
});

describe('figures', () => {
  const mutants = [
    mutant('killed', 'one'),
    mutant('endless', 'two'),
    mutant('survived', 'three'),
    mutant('survived', 'four'),
    mutant('unjudged', 'five'),
  ];
  const figures = figuresOf(mutants, 'abc');
  const strength = strengthOf(
    { date: '', files: { 'reference/host/fpu.ts': figures } },
    ({ line }) => line === 'four',
  );

  test('text for people is no mutant, and an equivalent mutant need not be killed', () => {
    expect(strength).toEqual({
      ...{ mutants: 4, killed: 2, endless: 1, equivalent: 1 },
      survivors: [mutants[2]?.name],
    });
    expect(percent(score(strength))).toBe('66.6 %');
  });

  test('one survivor of many is not 100 %', () => {
    const almost = { ...strength, mutants: 10_000, killed: 9999, equivalent: 0 };
    expect(percent(score(almost))).toBe('99.9 %');
    expect(isStrongEnough('host', almost)).toBe(false);
    expect(isStrongEnough('processor', almost)).toBe(true);
  });

  test('tried again, a survivor may be killed; what was killed stays killed', () => {
    const survived = [
      { at: '3:5', end: 3, line: 'if (a < b) {', mutant: 'EqualityOperator: a < b => a <= b' },
      { at: '9:5', end: 12, line: 'else {', mutant: 'BlockStatement: {} => {}' },
    ];
    const before = { text: 'abc', killed: 5, endless: 1, survived };
    const again = figuresAgain(before, [
      mutant('endless', 'if (a < b) {'),
      { ...mutant('killed', 'if (a < b) {'), at: { line: 3, column: 9 } },
    ]);
    expect(again).toEqual({ text: 'abc', killed: 6, endless: 2, survived: survived.slice(1) });
  });

  test('going on from a measurement takes the lines of survivors, and whole files that have changed', () => {
    const file = 'reference/host/fpu.ts';
    const measured = new Set([file]);
    const host = partFiguresOf([file], undefined, [mutant('survived', 'three')], measured);
    expect(leftOpen(file, { host }, nothing)).toEqual([`${file}:3-3`]);
    expect(leftOpen(file, { host }, () => true)).toEqual([]);
    expect(leftOpen('reference/host/kernel.ts', { host }, nothing)).toEqual(['reference/host/kernel.ts']);
    expect(leftOpen(file, { host: { date: '', files: { [file]: figures } } }, nothing)).toEqual([file]);
  });

  test('what was not measured stays as it was', () => {
    const file = 'reference/host/fpu.ts';
    const known = { date: '2000-01-01', files: { [file]: figures } };
    expect(partFiguresOf([file, 'reference/host/kernel.ts'], known, [], new Set()).files).toEqual(
      known.files,
    );
  });

  test('a file is told of when the last of its mutants was tried', () => {
    const told: number[] = [];
    onWholeFile((results) => told.push(results.length));
    const files = new WholeFiles();
    const of = (id: string, fileName: string) => ({
      ...{ id, fileName, location: { start: { line: 1, column: 1 }, end: { line: 1, column: 2 } } },
      ...{ mutatorName: 'EqualityOperator', replacement: '', status: 'Killed' as const },
    });
    const all = [of('1', 'a.ts'), of('2', 'b.ts'), of('3', 'a.ts')];
    const plans = all.map((one) => ({ plan: PlanKind.EarlyResult as const, mutant: one }));
    files.onMutationTestingPlanReady({ mutantPlans: plans });
    for (const one of all) files.onMutantTested(one);
    onWholeFile(() => {});
    expect(told).toEqual([1, 2]);
  });

  test('those that are checked in name files that are there', () => {
    for (const part of PART_NAMES) {
      const files = new Set(filesOf(part));
      expect(Object.keys(readFigures()[part]?.files ?? {}).filter((file) => !files.has(file))).toEqual([]);
    }
  });
});

describe('what is mutated', () => {
  test('both parts from end to end, but for tests and the checker', () => {
    const { mutate, whole } = scopeOf({ seed: 1 }, nothing);
    expect(whole).toBe(true);
    expect(mutate).toContain('reference/host/fpu.ts');
    expect(mutate).toContain('reference/processor/fpu/rounding.ts');
    expect(mutate.filter((file) => /test|isolation/.test(file))).toEqual([]);
    expect(mutate.map(partOf)).toContain('processor');
  });

  test('a sample follows from its seed', () => {
    const of = (seed: number) => scopeOf({ part: 'host', sample: 4, seed }, nothing).mutate;
    expect(of(1)).toHaveLength(4);
    expect(of(1)).toEqual(of(1));
    expect(of(1)).not.toEqual(of(2));
    expect(of(1)[0]).toMatch(/^reference\/host\/.*\.ts:\d+-\d+$/);
  });

  test('of two patterns, each adds its files', () => {
    const files = ['reference/host/fpu.ts', 'reference/processor/fpu/n*.ts'];
    const { mutate, whole } = scopeOf({ files, seed: 1 }, nothing);
    expect(mutate).toEqual(['reference/host/fpu.ts', 'reference/processor/fpu/nan.ts']);
    expect(whole).toBe(false);
  });

  test('a pattern that matches nothing is refused', () => {
    expect(() => scopeOf({ files: ['reference/host/fpu'], seed: 1 }, nothing)).toThrow(
      'no file that is mutated',
    );
    expect(() => scopeOf({ files: ['reference/host/isolation*'], seed: 1 }, nothing)).toThrow('no file');
  });
});

test('the clauses of a line are those of the last comment that names any', () => {
  const marks = new ClauseMarks('a\n/** IO-1, not XY-1. */\nb; // IO-2\nc\n', new Set(['IO-1', 'IO-2']));
  expect([1, 2, 3, 4].map((line) => marks.at(line))).toEqual([[], ['IO-1'], ['IO-2'], ['IO-2']]);
});

test('the instruction of a line is the first that it names', () => {
  const table = "  7: opcode('POP', ['ES'], x),\n  8: row(8, 4),\n  9: opcode('Gb', y),";
  const marks = new ClauseMarks(table, new Set());
  expect([1, 2, 3].map((line) => marks.mnemonicAt(line))).toEqual(['POP', undefined, undefined]);
});

test('coverage knows who came where, also after it was read again', () => {
  const folder = mkdtempSync(join(tmpdir(), 'coverage-'));
  const written = Coverage.empty(['quick', 'slow', 'again'], [[7], [8, 9]]);
  written.add(0, Uint32Array.of(0, 2), 1, false);
  written.add(1, Uint32Array.of(1, 5), 2, false);
  written.add(1, Uint32Array.of(0, 5), 2, true);
  written.setRepeats(2);
  written.write(folder);
  const coverage = Coverage.read(folder);
  rmSync(folder, { recursive: true });
  expect(coverage.namesReaching(8)).toEqual(['quick', 'slow']);
  expect(coverage.mostHits(9)).toBe(5);
  expect(coverage.covered()).toEqual([7, 8, 9]);
  // The second time, `slow` did not come to 7: what was computed there had been kept.
  expect([coverage.mattersToAll(7), coverage.mattersToAll(8)]).toEqual([true, false]);
  expect([coverage.repeats(0), coverage.repeats(2)]).toEqual([false, true]);
});

describe('the order of the cases', () => {
  const entries: [id: string, conformanceClass: 'host' | 'processor', clauses: string[]][] = [
    ['fpu/a/one', 'host', ['FPU-1']],
    ['fpu/a/two', 'host', ['FPU-1']],
    ['gates/b', 'processor', ['GATE-1']],
    ['fpu/c', 'host', ['FPU-2']],
  ];
  const runs = entries.map(([id, conformanceClass, clauses]) => {
    const title = id === 'fpu/a/two' ? 'ring 3: fnsave [edi]' : 'an fnsaves';
    const head = { id, class: conformanceClass, clauses, behaviour: '', title, file: '', line: 1 };
    const entry: Case = { ...head, recorded: false, body: () => ({ given: {}, steps: [] }) };
    return new CaseRun(entry, { profile: 'linux-2.6.29', choices: {} });
  });
  const coverage = Coverage.empty(
    runs.map(({ name }) => name),
    [[1], [2]],
  );
  for (const run of [0, 1, 2, 3]) coverage.add(run, Uint32Array.of(run === 2 ? 0 : 1, 0), 1 + run, false);
  coverage.addLoading(Uint32Array.of(0, 1));
  const host = 'reference/host/fpu.ts';

  test('turns, one of each table; then those of the clauses and those that have killed come first', () => {
    const order = new Order(runs, coverage);
    expect(order.of(1, 'endless', host, [])).toEqual([0, 3, 1]);
    expect(order.of(1, 'endless', host, ['FPU-2'])).toEqual([3, 0, 1]);
    expect(order.of(1, 'endless', host, ['FPU-2'], 'FNSAVE')).toEqual([1, 3, 0]);
    order.killed(1);
    expect(order.of(1, 'endless', host, ['FPU-2'])).toEqual([1, 3, 0]);
  });

  test('what is made when a module is loaded matters to all, but a host to no processor', () => {
    const order = new Order(runs, coverage);
    expect(order.of(2, 'endless', host, [])).toEqual([0, 3, 1]);
    expect(order.of(2, 'endless', 'reference/processor/decode.ts', [])).toHaveLength(4);
  });

  test('short patience has an end', () => {
    const slow = Coverage.empty(['a', 'b', 'c', 'd'], [[1]]);
    for (const run of [0, 1, 2]) slow.add(run, Uint32Array.of(1), 1, false);
    slow.add(3, Uint32Array.of(1), 100_000, false);
    const order = new Order(runs, slow);
    expect(order.of(1, 'short', host, ['FPU-2'])).toEqual([3]);
    expect(order.of(1, 'endless', host, ['FPU-2'])).toHaveLength(4);
  });
});

test('what does not end is ended, and what throws throws', () => {
  expect(endsWithin(1000, () => {})).toBe(true);
  expect(
    endsWithin(50, () => {
      for (;;);
    }),
  ).toBe(false);
  expect(() =>
    endsWithin(1000, () => {
      throw new Error('as it was');
    }),
  ).toThrow('as it was');
});

test('what got nothing of the time that passed is begun anew', () => {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  let begun = 0;
  expect(
    endsWithin(40, () => {
      // The first time it sleeps, which costs no time of the processor; at its end the interruption waits.
      if (++begun === 1) {
        Atomics.wait(pause, 0, 0, 200);
        for (let i = 0; i < 10_000; i++);
      }
    }),
  ).toBe(true);
  expect(begun).toBe(2);
});

test('survivors are told by file and clause, with what was changed', () => {
  const text = survivorText([mutant('survived', 'if')], () => ({ count: 2, some: ['fpu/one'] }));
  expect(text).toBe(
    [
      'reference/host/fpu.ts, near FPU-25',
      '  reference/host/fpu.ts:3:5  EqualityOperator',
      '    - a < b',
      '    + a <= b',
      '    2 cases come to it: fpu/one, ...',
    ].join('\n'),
  );
});

describe('a mutated reference', () => {
  const sandbox = mkdtempSync(join(tmpdir(), 'sandbox-'));
  const file = join(sandbox, 'runner', 'implementations', 'reference', 'index.ts');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(
    file,
    `function stryMutAct_9fa48(id: string) { return false; }
    function stryCov_9fa48(...ids: string[]) {}
    const table = stryMutAct_9fa48("3") ? 2 : (stryCov_9fa48("3"), 1);
    export class ReferenceImplementation {
      run() { return stryMutAct_9fa48("4") ? 'mutated' : (stryCov_9fa48("4", "5"), \`table \${table}\`); }
    }`,
  );
  const script = new ReferenceScript(sandbox);
  afterAll(() => rmSync(sandbox, { recursive: true }));

  const request = {
    id: '',
    class: 'host',
    profile: 'hardened',
    given: {},
    steps: [],
    observe: {},
  } as const;
  const answer = (mutant: number, hit = (): boolean => true) =>
    script
      .mutated(mutant, hit)
      .implementation('hardened')
      .run({ ...request, steps: [] });

  test('is mutated from the moment it is loaded, in one place only', () => {
    expect([answer(3), answer(4), answer(5)]).toEqual(['table 2', 'mutated', 'table 1']);
  });

  test('tells when the mutant is come to', () => {
    let hits = 0;
    answer(4, () => ++hits > 0);
    expect(hits).toBe(1);
  });

  test('counts, without mutation, what is come to', () => {
    expect(script.mutantsOfMark).toEqual([[3], [4, 5]]);
    const counts = new Uint32Array(2);
    const reference = script.unmutated(counts);
    expect([...counts]).toEqual([1, 0]);
    reference.implementation('hardened').run({ ...request, steps: [] });
    reference.implementation('hardened').run({ ...request, steps: [] });
    expect([...counts]).toEqual([1, 2]);
  });
});
