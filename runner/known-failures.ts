// SPDX-License-Identifier: GPL-2.0-or-later

import { readFileSync } from 'node:fs';
import type { Case } from './cases/case.js';
import { patternOf } from './select.js';
import { UsageError } from './usage.js';
import { isBad, type Result } from './verdict.js';

/** Cases that are known to fail, and why. */
export interface KnownFailure {
  pattern: string;
  reason: string;
  file: string;
  line: number;
}

/** Reads a YAML list of {case: id or pattern, reason: text}. */
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
    const { case: pattern, reason, ...others } = entry;
    if (typeof pattern !== 'string') problems.push({ line, message: 'the key "case" is missing' });
    else if (typeof reason !== 'string' || reason.trim() === '') {
      problems.push({ line, message: `"${pattern}" has no reason` });
    } else if (Object.keys(others).length > 0) {
      problems.push({ line, message: `unknown key "${Object.keys(others)[0]}"` });
    } else entries.push({ pattern, reason: reason.trim(), file, line });
  });
  if (problems.length > 0) {
    throw new UsageError(problems.map(({ line, message }) => `${file}:${line}: ${message}`).join('\n'));
  }
  return entries;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export interface Comparison {
  /** Failures that no entry foresees. */
  unexpected: Result[];
  /** Failures with the entry that foresees them. */
  expected: { result: Result; entry: KnownFailure }[];
  /** Cases that pass although an entry says that they fail. */
  unexpectedPasses: { result: Result; entry: KnownFailure }[];
  /** Entries that no case of the suite matches, or that foresee nothing any more. */
  stale: KnownFailure[];
}

/** Holds results against known failures. `suite` tells an entry for a case that was not selected from a stale one. */
export function compareKnown(
  results: readonly Result[],
  known: readonly KnownFailure[],
  suite: readonly Case[],
): Comparison {
  const comparison: Comparison = { unexpected: [], expected: [], unexpectedPasses: [], stale: [] };
  const entries = known.map((entry) => ({ entry, expression: patternOf(entry.pattern) }));
  for (const result of results) {
    const found = entries.find(({ expression }) => expression.test(result.case.id));
    if (isBad(result.verdict)) {
      if (found === undefined) comparison.unexpected.push(result);
      else comparison.expected.push({ result, entry: found.entry });
    } else if (result.verdict === 'pass' && found !== undefined) {
      comparison.unexpectedPasses.push({ result, entry: found.entry });
    }
  }
  for (const { entry, expression } of entries) {
    if (!suite.some((candidate) => expression.test(candidate.id))) comparison.stale.push(entry);
  }
  return comparison;
}
