// SPDX-License-Identifier: GPL-2.0-or-later

import { basename } from 'node:path';
import type { Clause } from '../spec.js';
import { isBad, type Result } from '../verdict.js';
import type { Column } from './collect.js';
import { type Counts, countsOf, linesOf } from './counts.js';
import { compactIds, type Deviation, deviationsOf, tableOf } from './deviations.js';

const HEAD = `# Implementations

How the cases of class processor fare on emulators that can be had as programs, and on the real processor under the machine
that made this page. If you write an emulator, look for what yours has in common with these; if you use one of them, this is
what it does not do. Every reason was looked into, and every case that is named can be run again.

The page is generated. To make it, or your own, with what is installed on your machine:

    npm install v86                       # the others: see the chapter on witnesses
    lguest-conformance matrix --page spec/implementations.md

To see a deviation in full, name its case, or a table of cases: what came and what is due, and the clauses and the request.

    lguest-conformance run --impl qemu 'gates/stack-refused/*' --reporter jsonl
    lguest-conformance show gates/stack-refused/absent

How each implementation is driven, and what is composed rather than measured, is in [the chapter on witnesses](witnesses.md).
`;

const MATRIX_HEAD = `## By behaviour

Cases that agree, of those that were run. A case that differs only by what the implementation does everywhere counts as
agreeing here. What an implementation cannot be asked is not counted; it is listed with each.
`;

/** The page for people who write emulators: the matrix, then for each implementation where it deviates. */
export function pageOf(columns: readonly Column[], clauses: readonly Clause[]): string {
  const shown = columns.filter(({ skipped }) => skipped === undefined);
  const chapters = chapterFiles(clauses);
  return [
    HEAD,
    summary(shown),
    ...columns
      .filter(({ skipped }) => skipped !== undefined)
      .map(({ name, skipped }) => `\`${name}\` was not run: ${skipped?.reason}\n`),
    matrix(shown, chapters),
    ...shown.map((column) => implementation(column, chapters)),
  ].join('\n');
}

const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
const agreeing = ({ pass, everywhere }: Counts): number => pass + everywhere;
const asked = ({ pass, everywhere, fail }: Counts): number => pass + everywhere + fail;

function summary(columns: readonly Column[]): string {
  return [
    row([
      'implementation',
      'cases run',
      'agree',
      'differ only by what it does everywhere',
      'differ',
      'kinds of deviation',
      'cannot be asked',
    ]),
    row(['---', ...Array.from({ length: 6 }, () => '--:')]),
    ...columns.map(({ title, results, expectations }) => {
      const counts = countsOf(results, expectations);
      const { pass, everywhere, fail, unsupported } = counts;
      const kinds = deviationsOf(results, expectations).length;
      return row([title, asked(counts), pass, everywhere, fail, kinds, unsupported]);
    }),
    '',
  ].join('\n');
}

function matrix(columns: readonly Column[], chapters: ReadonlyMap<string, string>): string {
  const cell = (counts: Counts | undefined): string =>
    counts === undefined || asked(counts) === 0 ? '' : `${agreeing(counts)} / ${asked(counts)}`;
  return [
    MATRIX_HEAD,
    row(['behaviour', ...columns.map(({ title }) => title)]),
    row(['---', ...columns.map(() => '--:')]),
    ...linesOf(columns).map(({ behaviour, cells }) => row([linked(behaviour, chapters), ...cells.map(cell)])),
    row(['**all**', ...columns.map(({ results, expectations }) => cell(countsOf(results, expectations)))]),
    '',
  ].join('\n');
}

function implementation(column: Column, chapters: ReadonlyMap<string, string>): string {
  const deviations = deviationsOf(column.results, column.expectations);
  const rows = countBy(column.results.filter(wasRun).map((result) => tableOf(result.case.id)));
  const parts = [
    ...part(
      '### Everywhere',
      deviations.filter(({ everywhere }) => everywhere),
      rows,
    ),
    ...[...chapters.keys()].flatMap((behaviour) =>
      part(
        `### ${linked(behaviour, chapters)}`,
        deviations.filter((deviation) => !deviation.everywhere && deviation.behaviour === behaviour),
        rows,
      ),
    ),
  ];
  return [
    `## ${column.title}`,
    '',
    ...(parts.length === 0 ? ['No deviation.', ''] : parts),
    ...notAsked(column.results),
  ].join('\n');
}

function part(
  heading: string,
  deviations: readonly Deviation[],
  rows: ReadonlyMap<string, number>,
): string[] {
  if (deviations.length === 0) return [];
  return [heading, '', ...deviations.map((deviation) => bullet(deviation, rows)), ''];
}

const CLAUSES_SHOWN = 5;

function bullet(deviation: Deviation, rows: ReadonlyMap<string, number>): string {
  const { what, everywhere, clauses, cases } = deviation;
  const said = `- ${capital(escaped(what))}${what.endsWith('.') ? '' : '.'}`;
  if (everywhere) return `${said} ${countText(cases.length)} differ by this alone.`;
  const shown = clauses.slice(0, CLAUSES_SHOWN).join(', ');
  const more = clauses.length > CLAUSES_SHOWN ? ' and others' : '';
  return `${said} (${shown}${more}) ${countText(cases.length)}: ${compactIds(cases, rows).join(', ')}`;
}

const REASONS_SHOWN = 12;

/** Why cases were not run. What a reason says of the single case is taken out, so that like ones come together. */
function notAsked(results: readonly Result[]): string[] {
  const unsupported = results.filter(({ verdict }) => verdict === 'unsupported');
  if (unsupported.length === 0) return [];
  const reasons = countBy(unsupported.map(({ details }) => general(details[0] ?? 'no reason given')));
  const sorted = [...reasons].sort((a, b) => b[1] - a[1]);
  const others = sorted.slice(REASONS_SHOWN).reduce((sum, [, count]) => sum + count, 0);
  return [
    '### Cannot be asked',
    '',
    ...sorted
      .slice(0, REASONS_SHOWN)
      .map(([reason, count]) => `- ${capital(escaped(reason))}: ${countText(count)}`),
    ...(others === 0 ? [] : [`- For other reasons: ${countText(others)}`]),
    '',
  ];
}

function general(reason: string): string {
  return reason
    .replace(/\b(vector|level|selector|address|port|page of|EFLAGS|at) (0x)?[0-9a-f]+h?\b/g, '$1 N')
    .replace(/reads [0-9a-f]+h/, 'reads a value');
}

const wasRun = ({ verdict }: Result): boolean => verdict === 'pass' || isBad(verdict);

/** The chapter of each behaviour, in the order of the chapters. */
function chapterFiles(clauses: readonly Clause[]): Map<string, string> {
  const files = new Set(clauses.map(({ file }) => basename(file)));
  return new Map([...files].map((file) => [file.replace(/^\d+-/, '').replace(/\.md$/, ''), file]));
}

function linked(behaviour: string, chapters: ReadonlyMap<string, string>): string {
  const file = chapters.get(behaviour);
  return file === undefined ? behaviour : `[${behaviour}](${file})`;
}

function countBy(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

const countText = (count: number): string => (count === 1 ? '1 case' : `${count} cases`);
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Text of a program, which may hold what Markdown would take for its own. */
const escaped = (text: string): string => text.replace(/[*_<>|`\\]/g, '\\$&').replace(/\s+/g, ' ');
