// SPDX-License-Identifier: GPL-2.0-or-later

import { readFileSync } from 'node:fs';
import { type Case, type DataMap, isMap } from './cases/case.js';
import { formatProblem, type Problem } from './cases/problem.js';
import { isWithin } from './compare/difference.js';
import { messageOf } from './message-of.js';
import { patternOf } from './select.js';
import { UsageError } from './usage.js';
import { isBad, type Result } from './verdict.js';

/**
 * What an entry says of its cases: that they fail and will be mended, that they fail and shall stay so, or that they fail
 * now and then. What passes is red under the first two, and neither red nor counted as proven under the third.
 */
export const STATUSES = ['known-failure', 'wont-fix', 'flaky'] as const;
export type Status = (typeof STATUSES)[number];

/** Cases that are known to fail, and why. */
export interface KnownFailure {
  pattern: string;
  status: Status;
  /** Why; the link when there is nothing else. */
  reason: string;
  /** Where it is written up: an issue, a page of a manual. */
  link?: string;
  /**
   * The deviation that the entry is about, as paths of differences: only a failure all of whose differences lie within
   * them is foreseen. Such an entry may have a wide pattern, under which cases pass, without hiding anything else.
   */
  only?: string[];
  file: string;
  line: number;
}

/** Reads a YAML list of {case: id or pattern, or a list of such, reason, link?, status?, only?: [paths]}. */
export async function readKnownFailures(file: string): Promise<KnownFailure[]> {
  const { parseYaml } = await import('./cases/yaml.js');
  const faults: Problem[] = [];
  const yaml = parseYaml(file, readText(file), faults);
  if (faults.length > 0) throw new UsageError(faults.map(formatProblem).join('\n'));
  const data = yaml?.data ?? null;
  const list = Array.isArray(data) ? data : data === null ? [] : undefined;
  if (yaml === undefined || list === undefined) {
    throw new UsageError(`${file} is not a YAML list of {case, reason}`);
  }
  const problems: string[] = [];
  const entries: KnownFailure[] = [];
  list.forEach((item, index) => {
    const read = readEntry(isMap(item) ? item : {});
    if (typeof read === 'string') {
      problems.push(`${file}:${yaml.place([index]).line}: ${read}`);
      return;
    }
    const { patterns, ...rest } = read;
    patterns.forEach((pattern, place) => {
      const isList = isMap(item) && Array.isArray(item.case);
      const { line } = yaml.place(isList ? [index, 'case', place] : [index]);
      entries.push({ pattern, ...rest, file, line });
    });
  });
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  return entries;
}

type Entry = Omit<KnownFailure, 'pattern' | 'file' | 'line'> & { patterns: string[] };

/** One item of the list, or what is wrong with it. */
function readEntry(item: DataMap): Entry | string {
  const { case: pattern, reason, link, status = 'known-failure', only, ...others } = item;
  const patterns = typeof pattern === 'string' ? [pattern] : pattern;
  if (!isListOfStrings(patterns)) return 'the key "case" is missing';
  const why = textOf(reason) ?? textOf(link);
  if (why === undefined) return `"${patterns[0]}" has no reason and no link`;
  if (link !== undefined && textOf(link) === undefined) return 'the key "link" is not a text';
  const known = STATUSES.find((name) => name === status);
  if (known === undefined) return `status must be one of ${STATUSES.join(', ')}`;
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) return `unknown key "${unknown}"`;
  if (only !== undefined && !isListOfStrings(only)) return 'the key "only" is not a list of paths';
  const partial = patterns.find(hasPartialWildcard);
  if (partial !== undefined) {
    return `in "${partial}" a wildcard stands for a part of a component; * and ** stand for whole ones`;
  }
  return { patterns, status: known, reason: why, link: textOf(link), only };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

/** `gates/t*` would foresee cases that somebody adds tomorrow under a similar name. */
function hasPartialWildcard(pattern: string): boolean {
  return pattern.split('/').some((part) => part.includes('*') && part !== '*' && part !== '**');
}

function isListOfStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string');
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${messageOf(error)}`);
  }
}

export interface Comparison {
  /** Failures that no entry foresees. */
  unexpected: Result[];
  /** Failures with the entry that foresees them. */
  expected: { result: Result; entry: KnownFailure }[];
  /** Failures and passes of cases that an entry calls flaky. */
  flaky: { result: Result; entry: KnownFailure }[];
  /** Cases that pass although an entry says that they fail. */
  unexpectedPasses: { result: Result; entry: KnownFailure }[];
  /** Entries that no case of the suite matches, or that foresee nothing in a run of all cases. */
  stale: KnownFailure[];
}

/** What an entry makes of a result: a failure that it foresees, a pass that it does not, or either of a flaky case. */
export interface Foreseen {
  kind: 'expected' | 'unexpected-pass' | 'flaky';
  entry: KnownFailure;
}

/** Known failures, ready to be asked about one result after the other. */
export class Expectations {
  private readonly entries: readonly { entry: KnownFailure; expression: RegExp }[];

  constructor(known: readonly KnownFailure[]) {
    this.entries = known.map((entry) => ({ entry, expression: patternOf(entry.pattern) }));
  }

  /** What the entries say of a result; nothing: a failure is unexpected, all else is as it should be. */
  of(result: Result): Foreseen | undefined {
    const isFailure = isBad(result.verdict);
    if (!isFailure && result.verdict !== 'pass') return undefined;
    const about = this.entries
      .filter(({ expression }) => expression.test(result.case.id))
      .map(({ entry }) => entry);
    if (isFailure) {
      const entry = about.find((candidate) => foresees(candidate, result));
      return entry && { kind: entry.status === 'flaky' ? 'flaky' : 'expected', entry };
    }
    const failing = about.find((entry) => entry.status !== 'flaky' && saysItFails(entry, result.case));
    if (failing !== undefined) return { kind: 'unexpected-pass', entry: failing };
    const flaky = about.find((entry) => entry.status === 'flaky');
    return flaky && { kind: 'flaky', entry: flaky };
  }

  /** Whether a result makes the run red: a failure that nobody foresaw, or a pass against what was foreseen. */
  isRed(result: Result): boolean {
    const foreseen = this.of(result);
    return foreseen === undefined ? isBad(result.verdict) : foreseen.kind === 'unexpected-pass';
  }

  /** Entries that match no case of the suite, and, `everything` having run, those for certain differences not in `used`. */
  stale(suite: readonly Case[], used: ReadonlySet<KnownFailure>, everything: boolean): KnownFailure[] {
    return this.entries
      .filter(
        ({ entry, expression }) =>
          !suite.some(({ id }) => expression.test(id)) ||
          (everything && entry.only !== undefined && !used.has(entry)),
      )
      .map(({ entry }) => entry);
  }
}

/**
 * Holds results against known failures. `suite` tells an entry for a case that was not selected from a stale one;
 * `everything` says that all cases that the implementation claims were selected.
 */
export function compareKnown(
  results: readonly Result[],
  known: readonly KnownFailure[],
  suite: readonly Case[],
  everything = false,
): Comparison {
  const comparison: Comparison = {
    unexpected: [],
    expected: [],
    flaky: [],
    unexpectedPasses: [],
    stale: [],
  };
  const expectations = new Expectations(known);
  for (const result of results) {
    const foreseen = expectations.of(result);
    if (foreseen !== undefined) comparison[LIST_OF[foreseen.kind]].push({ result, entry: foreseen.entry });
    else if (isBad(result.verdict)) comparison.unexpected.push(result);
  }
  const used = new Set([...comparison.expected, ...comparison.flaky].map(({ entry }) => entry));
  comparison.stale = expectations.stale(suite, used, everything);
  return comparison;
}

const LIST_OF = { expected: 'expected', flaky: 'flaky', 'unexpected-pass': 'unexpectedPasses' } as const;

/** An entry for certain differences under a wide pattern leaves open which cases have them. */
function saysItFails(entry: KnownFailure, { id }: Case): boolean {
  return entry.only === undefined || entry.pattern === id;
}

function foresees({ only }: KnownFailure, { paths }: Result): boolean {
  if (only === undefined) return true;
  return paths?.every((path) => only.some((outer) => isWithin(path, outer))) ?? false;
}
