// SPDX-License-Identifier: GPL-2.0-or-later

import type { Case } from '../cases/case.js';
import { CONFORMANCE_CLASSES } from '../protocol.js';
import type { Clause } from '../spec.js';
import { table } from './block.js';

/** One row for each chapter of the spec: its clauses, and the cases that name one of them or are in its folder. */
interface Row {
  chapter: string;
  file: string;
  clauses: number;
  /** Written cases by class, then recorded answers. */
  written: number[];
  recorded: number;
}

/** The table of the README: chapters with the number of their clauses and cases. */
export function clauseTable(clauses: readonly Clause[], cases: readonly Case[]): string {
  const rows = chapters(clauses).map(([file, count]) => rowOf(file, count, cases));
  const total: Row = {
    chapter: 'all',
    file: '',
    clauses: sum(rows, (row) => row.clauses),
    written: CONFORMANCE_CLASSES.map((_, index) => sum(rows, (row) => row.written[index] ?? 0)),
    recorded: sum(rows, (row) => row.recorded),
  };
  const head = [
    'chapter',
    'clauses',
    ...CONFORMANCE_CLASSES.map((name) => `${name} cases`),
    'recorded answers',
  ];
  return table(head, [
    ...rows.map((row) => cells(row, `[${row.chapter}](${row.file})`)),
    cells(total, '**all**'),
  ]);
}

function chapters(clauses: readonly Clause[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const clause of clauses) {
    if (!clause.withdrawn) counts.set(clause.file, (counts.get(clause.file) ?? 0) + 1);
  }
  return [...counts];
}

function rowOf(file: string, clauses: number, cases: readonly Case[]): Row {
  const chapter = file.replace(/^spec\/(\d+-)?/, '').replace(/\.md$/, '');
  const own = cases.filter((entry) => entry.behaviour === chapter && entry.withdrawn === undefined);
  return {
    chapter,
    file,
    clauses,
    written: CONFORMANCE_CLASSES.map(
      (name) => own.filter((entry) => entry.class === name && !entry.recorded).length,
    ),
    recorded: own.filter((entry) => entry.recorded).length,
  };
}

function cells(row: Row, name: string): string[] {
  return [
    name,
    ...[row.clauses, ...row.written, row.recorded].map((count) => (count === 0 ? '' : `${count}`)),
  ];
}

function sum(rows: readonly Row[], of: (row: Row) => number): number {
  return rows.reduce((total, row) => total + of(row), 0);
}
