// SPDX-License-Identifier: GPL-2.0-or-later

import { type KnownFailure, knownReason } from '../known-failures.js';
import { isBad, type Result } from '../verdict.js';

/** Cases in which an implementation deviates in the same way. */
export interface Deviation {
  /** What it does, and what it should do. */
  what: string;
  cases: string[];
}

const NUMBER = /\b[0-9a-f]{8}\b/g;
const EXCEPTION = /\[([^\]]*?) at [0-9a-f]{8}\]/;
const MANY = 4;

/**
 * Groups failures: by the reason that a list of known failures gives, else by what differs. The group with the most
 * cases comes first.
 */
export function deviationsOf(results: readonly Result[], known: readonly KnownFailure[]): Deviation[] {
  const groups = new Map<string, string[]>();
  for (const result of results) {
    if (!isBad(result.verdict)) continue;
    const what = knownReason(result, known) ?? signature(result);
    const cases = groups.get(what);
    if (cases === undefined) groups.set(what, [result.case.id]);
    else cases.push(result.case.id);
  }
  return [...groups]
    .map(([what, cases]) => ({ what, cases }))
    .sort((a, b) => b.cases.length - a.cases.length || (a.what < b.what ? -1 : 1));
}

/** What differs, without the numbers of the particular case. */
export function signature({ verdict, details, stderr }: Result): string {
  if (verdict !== 'fail') return crashText(verdict, details, stderr);
  const lines = withoutCompanion(details.map((detail) => detail.trim()));
  const outcome = lines.find((line) => line.startsWith('outcome '));
  if (outcome !== undefined) return `ends with ${outcome.replace(/^outcome /, '')}`;
  const eip = lines.find((line) => line.startsWith('EIP '));
  if (eip !== undefined) return eipText(eip);
  const labels = lines.map(labelOf);
  const distinct = [...new Set(labels)];
  return distinct.length > MANY ? `${distinct.slice(0, MANY).join('; ')}; and more` : distinct.join('; ');
}

/** RF in the pushed flags goes wrong beside everything else where it goes wrong at all; alone it is told. */
function withoutCompanion(lines: readonly string[]): readonly string[] {
  const others = lines.filter((line) => !line.startsWith('pushed EFLAGS.RF'));
  return others.length > 0 ? others : lines;
}

function eipText(line: string): string {
  const [actual = '', expected = ''] = line.split(', expected ');
  const is = EXCEPTION.exec(actual)?.[1];
  const should = EXCEPTION.exec(expected)?.[1];
  if (is === undefined && should === undefined) return 'ends at another EIP';
  return `${withoutCode(is) ?? 'no exception'} where ${withoutCode(should) ?? 'none'} is due`;
}

/** Error codes other than 0 are selectors, which differ from case to case. */
function withoutCode(exception: string | undefined): string | undefined {
  return exception?.replace(/\((?!0\))[0-9a-f]+\)/, '(selector or code)');
}

/** One bit keeps its value; of a number or of memory only the place is told. */
function labelOf(line: string): string {
  if (/ [01], expected [01]$/.test(line)) return line;
  const label = line.split(/ (?:[0-9a-f]{8}|none)\b/)[0] ?? line;
  if (label.startsWith('memory')) return 'memory';
  return label.replace(NUMBER, '').trim();
}

function crashText(verdict: string, details: readonly string[], stderr: string | undefined): string {
  const said = (stderr ?? '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-1)
    .join('')
    .replace(NUMBER, '')
    .trim();
  const how = details[0] ?? verdict;
  return said === '' ? how : `${how}: ${said}`;
}

/** Rows of one table are told as the table with their number: `gates/refused/* (12)`. */
export function compactIds(ids: readonly string[]): string[] {
  const tables = new Map<string, string[]>();
  for (const id of ids) {
    const parts = id.split('/');
    const table = parts.length > 2 ? parts.slice(0, 2).join('/') : id;
    tables.set(table, [...(tables.get(table) ?? []), id]);
  }
  return [...tables].flatMap(([table, rows]) =>
    rows.length > MANY ? [`${table}/* (${rows.length})`] : rows,
  );
}
