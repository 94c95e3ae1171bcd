// SPDX-License-Identifier: GPL-2.0-or-later

import type { KnownFailure } from '../known-failures.js';
import type { Column } from './collect.js';
import { cellText, countsOf, linesOf } from './counts.js';
import { compactIds, deviationsOf } from './deviations.js';

const HEAD = `# Implementations

This page is generated: \`lguest-conformance matrix --page spec/implementations.md\`. It shows what the processors that
can be had as programs, and the real one under the machine that made the page, do with the cases of class processor.

The number in a cell is that of cases passed; what failed, and what the implementation cannot be asked, is told beside it.
"Unsupported" is no verdict: for each implementation its limits are listed below. How each one is driven, and what is
composed rather than measured, is in [the chapter on witnesses](witnesses.md).
`;

/** The page for people who write emulators: the matrix, then for each implementation where it deviates. */
export function pageOf(
  columns: readonly Column[],
  knownOf: (name: string) => readonly KnownFailure[],
): string {
  const shown = columns.filter(({ skipped }) => skipped === undefined);
  return [
    HEAD,
    matrix(shown),
    ...columns
      .filter(({ skipped }) => skipped !== undefined)
      .map(({ name, skipped }) => `\`${name}\` was not run: ${skipped?.reason}\n`),
    ...shown.map((column) => chapter(column, knownOf(column.name))),
  ].join('\n');
}

function matrix(columns: readonly Column[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    row(['behaviour', ...columns.map(({ title }) => title)]),
    row(['---', ...columns.map(() => '---')]),
    ...linesOf(columns).map(({ behaviour, cells }) => row([behaviour, ...cells.map(cellText)])),
    row(['**all**', ...columns.map(({ results }) => cellText(countsOf(results)))]),
    '',
  ].join('\n');
}

function chapter({ title, results }: Column, known: readonly KnownFailure[]): string {
  const deviations = deviationsOf(results, known);
  const reasons = new Map<string, number>();
  for (const { verdict, details } of results) {
    const [reason = 'no reason given'] = details;
    if (verdict === 'unsupported') reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  return [
    `## ${title}`,
    '',
    deviations.length === 0 ? 'No deviation.\n' : `${deviations.length} kinds of deviation:\n`,
    ...deviations.map(
      ({ what, cases }) =>
        `- ${capital(escaped(what))}${what.endsWith('.') ? '' : '.'} ${countText(cases.length)}: ${compactIds(
          cases,
        )
          .map((id) => `\`${id}\``)
          .join(', ')}`,
    ),
    ...(reasons.size === 0 ? [] : ['', 'Not supported:', '']),
    ...[...reasons]
      .sort((a, b) => b[1] - a[1])
      .map(([reason, count]) => `- ${escaped(reason)} (${countText(count)})`),
    '',
  ].join('\n');
}

const countText = (count: number): string => (count === 1 ? '1 case' : `${count} cases`);
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Text of a program, which may hold what Markdown would take for its own. */
const escaped = (text: string): string => text.replace(/[*_<>|`\\]/g, '\\$&').replace(/\s+/g, ' ');
