// SPDX-License-Identifier: GPL-2.0-or-later

import { readFileSync } from 'node:fs';
import type { Case } from './cases/case.js';
import { isWithin } from './compare/difference.js';
import { messageOf } from './message-of.js';
import { patternOf } from './select.js';
import { UsageError } from './usage.js';
import { isBad, type Result } from './verdict.js';

/** Cases that are known to fail, and why. */
export interface KnownFailure {
  pattern: string;
  reason: string;
  /**
   * The deviation that the entry is about, as paths of differences: only a failure all of whose differences lie within
   * them is foreseen. Such an entry may have a wide pattern, under which cases pass, without hiding anything else.
   */
  only?: string[];
  file: string;
  line: number;
}

/** Reads a YAML list of {case: id or pattern, or a list of such, reason: text, only?: [paths]}. */
export async function readKnownFailures(file: string): Promise<KnownFailure[]> {
  const { parseYaml } = await import('./cases/yaml.js');
  const problems: { line: number; message: string }[] = [];
  const yaml = parseYaml(file, readText(file), []);
  const data = yaml?.data ?? null;
  const list = Array.isArray(data) ? data : data === null ? [] : undefined;
  if (yaml === undefined || list === undefined) {
    throw new UsageError(`${file} is not a YAML list of {case, reason}`);
  }
  const entries: KnownFailure[] = [];
  list.forEach((item, index) => {
    const { line } = yaml.place([index]);
    const entry = typeof item === 'object' && item !== null && !Array.isArray(item) ? item : {};
    const { case: pattern, reason, only, ...others } = entry;
    const patterns = typeof pattern === 'string' ? [pattern] : pattern;
    if (!isListOfStrings(patterns)) problems.push({ line, message: 'the key "case" is missing' });
    else if (typeof reason !== 'string' || reason.trim() === '') {
      problems.push({ line, message: `"${patterns[0]}" has no reason` });
    } else if (Object.keys(others).length > 0) {
      problems.push({ line, message: `unknown key "${Object.keys(others)[0]}"` });
    } else if (only !== undefined && !isListOfStrings(only)) {
      problems.push({ line, message: 'the key "only" is not a list of paths' });
    } else {
      patterns.forEach((each, place) => {
        const at = yaml.place(typeof pattern === 'string' ? [index] : [index, 'case', place]).line;
        entries.push({ pattern: each, reason: reason.trim(), only, file, line: at });
      });
    }
  });
  if (problems.length > 0) {
    throw new UsageError(problems.map(({ line, message }) => `${file}:${line}: ${message}`).join('\n'));
  }
  return entries;
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
  const comparison: Comparison = { unexpected: [], expected: [], unexpectedPasses: [], stale: [] };
  const entries = known.map((entry) => ({ entry, expression: patternOf(entry.pattern) }));
  for (const result of results) {
    const about = entries.filter(({ expression }) => expression.test(result.case.id));
    if (isBad(result.verdict)) {
      const found = about.find(({ entry }) => foresees(entry, result));
      if (found === undefined) comparison.unexpected.push(result);
      else comparison.expected.push({ result, entry: found.entry });
    } else if (result.verdict === 'pass') {
      const found = about.find(({ entry }) => entry.only === undefined);
      if (found !== undefined) comparison.unexpectedPasses.push({ result, entry: found.entry });
    }
  }
  const used = new Set(comparison.expected.map(({ entry }) => entry));
  for (const { entry, expression } of entries) {
    const matches = suite.some((candidate) => expression.test(candidate.id));
    const foreseesNothing = everything && entry.only !== undefined && !used.has(entry);
    if (!matches || foreseesNothing) comparison.stale.push(entry);
  }
  return comparison;
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
