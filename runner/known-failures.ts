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
  const entries = known.map((entry) => ({ entry, expression: patternOf(entry.pattern) }));
  for (const result of results) {
    const about = entries.filter(({ expression }) => expression.test(result.case.id));
    const verdict = verdictOn(
      result,
      about.map(({ entry }) => entry),
    );
    if (verdict.kind === 'unexpected') comparison.unexpected.push(result);
    else if (verdict.kind !== 'nothing') comparison[verdict.kind].push({ result, entry: verdict.entry });
  }
  const used = new Set([...comparison.expected, ...comparison.flaky].map(({ entry }) => entry));
  for (const { entry, expression } of entries) {
    const matches = suite.some((candidate) => expression.test(candidate.id));
    const foreseesNothing = everything && entry.only !== undefined && !used.has(entry);
    if (!matches || foreseesNothing) comparison.stale.push(entry);
  }
  return comparison;
}

type Kind = { kind: 'expected' | 'flaky' | 'unexpectedPasses'; entry: KnownFailure };

/** What a result is in the light of the entries about its case. */
function verdictOn(
  result: Result,
  about: readonly KnownFailure[],
): Kind | { kind: 'unexpected' } | { kind: 'nothing' } {
  if (isBad(result.verdict)) {
    const entry = about.find((candidate) => foresees(candidate, result));
    if (entry === undefined) return { kind: 'unexpected' };
    return { kind: entry.status === 'flaky' ? 'flaky' : 'expected', entry };
  }
  if (result.verdict !== 'pass') return { kind: 'nothing' };
  const failing = about.find((entry) => entry.status !== 'flaky' && saysItFails(entry, result.case));
  if (failing !== undefined) return { kind: 'unexpectedPasses', entry: failing };
  const flaky = about.find((entry) => entry.status === 'flaky');
  return flaky === undefined ? { kind: 'nothing' } : { kind: 'flaky', entry: flaky };
}

/** An entry for certain differences under a wide pattern leaves open which cases have them. */
function saysItFails(entry: KnownFailure, { id }: Case): boolean {
  return entry.only === undefined || entry.pattern === id;
}

/** The reason of the first entry that foresees this failure. */
export function knownReason(result: Result, known: readonly KnownFailure[]): string | undefined {
  return known.find((entry) => patternOf(entry.pattern).test(result.case.id) && foresees(entry, result))
    ?.reason;
}

function foresees({ only }: KnownFailure, { paths }: Result): boolean {
  if (only === undefined) return true;
  return paths?.every((path) => only.some((outer) => isWithin(path, outer))) ?? false;
}
