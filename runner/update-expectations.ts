// SPDX-License-Identifier: GPL-2.0-or-later

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Document, isMap, isScalar, isSeq, parseDocument, type YAMLMap, YAMLSeq } from 'yaml';
import type { Case } from './cases/case.js';
import type { Comparison } from './known-failures.js';
import { patternOf } from './select.js';
import type { Result } from './verdict.js';

/** What was changed in a file of known failures. */
export interface Update {
  /** Cases that now have an entry. */
  added: number;
  /** Patterns that went: their cases pass, or there are none. */
  removed: number;
}

/** What a run was about: cases of the suite that are not among the results were not run. */
export interface Run {
  suite: readonly Case[];
  results: readonly Result[];
}

/**
 * Brings a file of known failures up to date with a run: what passes, and what matches nothing, goes; a pattern under
 * which some cases pass is replaced by the cases that do not; each new failure gets an entry, one for all that differ in
 * the same places. Reasons, comments and the order of what stays are kept. New entries have `reason`, or an empty one,
 * which the next run refuses: why something fails is for a person to say.
 */
export function updateExpectations(file: string, comparison: Comparison, run: Run, reason = ''): Update {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const document = text.trim() === '' ? new Document(new YAMLSeq()) : parseDocument(text);
  const list = isSeq(document.contents) ? document.contents : new YAMLSeq();
  document.contents = list;
  const removed = dropOutdated(list, file, comparison, run);
  for (const [only, failures] of groupedByPlace(comparison.unexpected)) {
    list.add(entryFor(document, only, failures, reason));
  }
  writeFileSync(file, list.items.length === 0 ? '[]\n' : document.toString({ lineWidth: 120 }));
  return { added: comparison.unexpected.length, removed };
}

/** Removes or narrows the patterns that do not hold; an entry that is left without any goes. */
function dropOutdated(list: YAMLSeq, file: string, comparison: Comparison, run: Run): number {
  const passing = comparison.unexpectedPasses.map(({ entry }) => entry);
  const outdated = new Set(
    [...passing, ...comparison.stale].filter((entry) => entry.file === file).map(({ pattern }) => pattern),
  );
  list.items = list.items.filter((item) => {
    if (!isMap(item)) return true;
    const patterns = patternsOf(item);
    const kept = patterns.flatMap((pattern) =>
      outdated.has(pattern) ? stillFailing(pattern, comparison, run) : [pattern],
    );
    if (patterns.some((pattern) => outdated.has(pattern)) && kept.length > 0) item.set('case', kept);
    return kept.length > 0;
  });
  return outdated.size;
}

function patternsOf(item: YAMLMap): string[] {
  const value = item.get('case');
  if (!isSeq(value)) return [String(value)];
  return value.items.map((part) => String(isScalar(part) ? part.value : part));
}

/** What is left of a pattern under which cases pass: those that failed as it foresaw, and those that did not run. */
function stillFailing(pattern: string, comparison: Comparison, run: Run): string[] {
  const expression = patternOf(pattern);
  const foreseen = comparison.expected.filter(({ entry }) => entry.pattern === pattern);
  const failed = new Set(foreseen.map(({ result }) => result.case.id));
  const ran = new Set(run.results.map((result) => result.case.id));
  return run.suite
    .map(({ id }) => id)
    .filter((id) => expression.test(id) && (failed.has(id) || !ran.has(id)));
}

/** New failures by the places in which they differ; what did not answer at all is grouped by its verdict. */
function groupedByPlace(failures: readonly Result[]): [string[], Result[]][] {
  const groups = new Map<string, [string[], Result[]]>();
  for (const failure of failures) {
    const only = [...new Set(failure.paths ?? [])].sort();
    const key = only.length > 0 ? only.join(' ') : failure.verdict;
    const group = groups.get(key) ?? [only, []];
    group[1].push(failure);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** An entry for these failures, with what was seen at the first of them as a comment. */
function entryFor(
  document: Document,
  only: readonly string[],
  failures: readonly Result[],
  reason: string,
): YAMLMap {
  const ids = failures.map((failure) => failure.case.id);
  const entry = document.createNode({
    case: ids.length === 1 ? ids[0] : ids,
    ...(only.length > 0 ? { only } : {}),
    reason,
  });
  const [first] = failures;
  entry.commentBefore = ` ${first?.verdict}: ${(first?.details[0] ?? '').split('\n')[0]}`;
  entry.spaceBefore = true;
  return entry;
}
