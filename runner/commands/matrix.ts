// SPDX-License-Identifier: GPL-2.0-or-later

import { writeFileSync } from 'node:fs';
import { loadSuite } from '../cases/suite.js';
import { Expectations, readKnownFailures } from '../known-failures.js';
import { type Column, collect } from '../matrix/collect.js';
import { cellText, countsOf, linesOf } from '../matrix/counts.js';
import { deviationsOf } from '../matrix/deviations.js';
import { pageOf } from '../matrix/page.js';
import { messageOf } from '../message-of.js';
import { suiteVersion } from '../package.js';
import { print, write } from '../report/output.js';
import { select } from '../select.js';
import { readClauses } from '../spec.js';
import { ExitCode, UsageError } from '../usage.js';
import { refuseProblems } from './options.js';
import { ownExpectations } from './run.js';

export interface MatrixOptions {
  impl: string[];
  class: string[];
  json?: boolean;
  page?: string;
}

/** Those that run class processor, the ones that answer fastest first. */
const ALL = ['reference', 'native', 'bochs', 'qemu', 'v86', 'unicorn'];

/**
 * Runs the same cases on several implementations and shows how many pass, behaviour by behaviour. Deviations are what
 * the matrix is for, so they do not make the exit code; that no implementation could be started does.
 */
export async function matrix(patterns: readonly string[], options: MatrixOptions): Promise<number> {
  const suite = await loadSuite();
  refuseProblems(suite.problems);
  const classes = options.class.length > 0 ? options.class : ['processor'];
  const selection = { patterns, classes, behaviours: [], clauses: [] };
  const { cases } = select(suite.cases, selection, 'linux-2.6.29');
  const names = options.impl.length > 0 ? options.impl : ALL;
  const columns: Column[] = [];
  for (const name of names) {
    columns.push(await collect(name, cases, await knownDeviations(name), progressOf(name)));
  }
  endProgress();
  if (options.page !== undefined) writePage(options.page, pageOf(columns, readClauses()));
  if (options.json === true) write(`${JSON.stringify(asJson(columns), null, 2)}\n`);
  else printTable(columns);
  return columns.some(({ skipped }) => skipped === undefined) ? ExitCode.conforms : ExitCode.cannotStart;
}

async function knownDeviations(name: string): Promise<Expectations> {
  const file = ownExpectations(name);
  return new Expectations(file === undefined ? [] : await readKnownFailures(file));
}

function writePage(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new UsageError(`cannot write ${file}: ${messageOf(error)}`);
  }
}

const PROGRESS_EVERY = 64;

/** Progress goes to standard error, and only to a terminal. */
function progressOf(name: string): (done: number, all: number) => void {
  return (done, all) => {
    if (process.stderr.isTTY === true && done % PROGRESS_EVERY === 0) {
      process.stderr.write(`\r\x1b[K${name}: ${done}/${all}`);
    }
  };
}

function endProgress(): void {
  if (process.stderr.isTTY === true) process.stderr.write('\r\x1b[K');
}

function printTable(columns: readonly Column[]): void {
  const rows = [
    ['behaviour', ...columns.map(({ name }) => name)],
    ...linesOf(columns).map(({ behaviour, cells }) => [behaviour, ...cells.map(cellText)]),
    [
      'all',
      ...columns.map(({ skipped, results, expectations }) =>
        cellText(skipped ? undefined : countsOf(results, expectations)),
      ),
    ],
  ];
  const widths = (rows[0] ?? []).map((_, place) => Math.max(...rows.map((row) => (row[place] ?? '').length)));
  for (const row of rows)
    print(
      row
        .map((cell, place) => cell.padEnd(widths[place] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  for (const { name, title, skipped, seconds } of columns) {
    print(
      skipped === undefined
        ? `${name}: ${title}, in ${seconds.toFixed(1)} s`
        : `${name} is skipped: ${skipped.reason}\n  ${skipped.cure}`,
    );
  }
}

function asJson(columns: readonly Column[]) {
  return {
    suite: suiteVersion(),
    implementations: columns.map(({ name, title, skipped, results, expectations }) => ({
      name,
      title,
      ...(skipped === undefined
        ? { counts: countsOf(results, expectations), deviations: deviationsOf(results, expectations) }
        : { skipped }),
    })),
    behaviours: Object.fromEntries(
      linesOf(columns).map(({ behaviour, cells }) => [
        behaviour,
        Object.fromEntries(cells.map((cell, place) => [columns[place]?.name ?? '', cell ?? null])),
      ]),
    ),
  };
}
