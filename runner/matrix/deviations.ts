// SPDX-License-Identifier: GPL-2.0-or-later

import type { Case } from '../cases/case.js';
import type { Expectations } from '../known-failures.js';
import { isBad, type Result } from '../verdict.js';
import { ANYWHERE } from './counts.js';

/** Cases in which an implementation deviates in the same way. */
export interface Deviation {
  /** What it does, and what it should do. */
  what: string;
  /** It shows in cases of every kind. */
  everywhere: boolean;
  /** The behaviour of most of its cases. */
  behaviour: string;
  /** Those of its cases, the ones of most cases first. */
  clauses: string[];
  cases: string[];
}

const NUMBER = /\b[0-9a-f]{8}\b/g;
const EXCEPTION = /\[([^\]]*?) at [0-9a-f]{8}\]/;
const MANY = 4;

/**
 * Groups failures: by the reason that a list of known failures gives, else by what differs. The group with the most
 * cases comes first.
 */
export function deviationsOf(results: readonly Result[], expectations: Expectations): Deviation[] {
  const groups = new Map<string, { everywhere: boolean; cases: Case[] }>();
  for (const result of results) {
    if (!isBad(result.verdict)) continue;
    const entry = expectations.of(result)?.entry;
    const what = entry?.reason ?? signature(result);
    const group = groups.get(what) ?? { everywhere: entry?.pattern === ANYWHERE, cases: [] };
    group.cases.push(result.case);
    groups.set(what, group);
  }
  return [...groups]
    .map(([what, { everywhere, cases }]) => ({
      what,
      everywhere,
      behaviour: byFrequency(cases.map(({ behaviour }) => behaviour))[0] ?? '',
      clauses: byFrequency(cases.flatMap(({ clauses }) => clauses)),
      cases: cases.map(({ id }) => id),
    }))
    .sort((a, b) => b.cases.length - a.cases.length || (a.what < b.what ? -1 : 1));
}

/** Each name once, the most frequent first. */
function byFrequency(names: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts]
    .sort(([a, x], [b, y]) => y - x || a.localeCompare(b, 'en', { numeric: true }))
    .map(([name]) => name);
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

/** `gates/refused/limit-call` is a row of the table `gates/refused`; a case that stands alone is its own table. */
export const tableOf = (id: string): string => id.split('/').slice(0, 2).join('/');

/**
 * Many rows of one table are told as the table: `gates/refused/*` when they are all of those that were run, else with
 * their number.
 *
 * @param rows how many cases of each table were run
 */
export function compactIds(ids: readonly string[], rows: ReadonlyMap<string, number>): string[] {
  const tables = new Map<string, string[]>();
  for (const id of ids) tables.set(tableOf(id), [...(tables.get(tableOf(id)) ?? []), id]);
  return [...tables].flatMap(([table, found]) => {
    const all = rows.get(table) ?? 0;
    if (found.length > 1 && found.length === all) return [`\`${table}/*\``];
    if (found.length > MANY) return [`${found.length} of ${all} \`${table}/*\``];
    return found.map((id) => `\`${id}\``);
  });
}
