// SPDX-License-Identifier: GPL-2.0-or-later

import type { Clause } from '../spec.js';
import { isBad } from '../verdict.js';
import { kindsOf } from './outcome.js';
import { proseLines } from './output.js';
import { countsText, countVerdicts, groupBy, isRed, type ResultRecord, type RunRecord } from './record.js';
import type { Paint } from './terminal.js';

const STDERR_LINES = 20;
const MOST_REASONS = 10;
/** Ids of failures that are like one shown in full. */
const MOST_ALIKE = 5;

export interface TextOptions {
  clauses: readonly Clause[];
  paint: Paint;
  /** How many failures are shown in full. */
  failures: number;
  /** How long it took; it may differ from run to run, so the record has it only on request. */
  seconds?: number;
}

/** The report of a run as text for people: failures by behaviour, counts, one line that says it all. */
export function renderText(record: RunRecord, options: TextOptions): string {
  const lines = [...failureLines(record, options), ...summaryLines(record, options)];
  if (!record.interrupted) lines.push(verdictLine(record, options.paint));
  return lines.map((line) => `${line}\n`).join('');
}

type Lines = Iterable<string>;

/**
 * Failures, behaviour by behaviour. Those that differ in the same paths are shown as one with the names of the others,
 * and after `failures` of them only counts follow.
 */
function* failureLines(record: RunRecord, options: TextOptions): Lines {
  const failures = record.results.filter((result) => isRed(result) && isBad(result.verdict));
  const each = failures.length <= options.failures;
  const kinds = each ? failures.map((one) => [one]) : kindsOf(failures);
  for (const [first, ...others] of kinds.slice(0, options.failures)) {
    if (first !== undefined) yield* failure(first, others, record, options);
  }
  const hidden = kinds.slice(options.failures).flat();
  for (const [behaviour, list] of groupBy(hidden, (result) => result.behaviour)) {
    yield `${options.paint.bad('FAIL')} ${list.length} more in ${behaviour}, such as ${list[0]?.id}`;
  }
  if (!each) {
    yield `${failures.length} failures of ${kinds.length} ${kinds.length === 1 ? 'kind' : 'kinds'}; --failures all shows each of them in full`;
    yield '';
  }
}

function* failure(
  result: ResultRecord,
  others: readonly ResultRecord[],
  record: RunRecord,
  { clauses, paint }: TextOptions,
): Lines {
  yield `${paint.bad(result.verdict.toUpperCase())} ${result.id}`;
  yield `  ${result.title}`;
  yield `  ${result.file}:${result.line}`;
  yield* clauseLines(result, clauses);
  for (const detail of result.details) yield `    ${detail}`;
  const lines = (result.stderr ?? '').trimEnd().split('\n').slice(-STDERR_LINES);
  if (lines.join('') !== '') {
    yield '  the end of its standard error:';
    for (const line of lines) yield `    | ${line}`;
  }
  yield `  again: lguest-conformance run ${result.id}${record.rerun}`;
  if (others.length > 0) {
    yield `  ${others.length} more like it:`;
    for (const { id } of others.slice(0, MOST_ALIKE)) yield `    ${id}`;
    if (others.length > MOST_ALIKE) yield `    and ${others.length - MOST_ALIKE} more`;
  }
  yield '';
}

/** The sentences of a case's clauses; a case with many names them only, and `show` prints the text. */
function* clauseLines(result: ResultRecord, clauses: readonly Clause[]): Lines {
  if (isRecorded(result)) {
    yield `  clauses: ${result.clauses.join(' ')}  (their text: lguest-conformance show ${result.id})`;
    return;
  }
  for (const id of result.clauses) {
    yield* proseLines(id, clauses.find((clause) => clause.id === id)?.text ?? 'not in the spec');
  }
}

/** A line of recorded answers names the clauses of its whole file. */
function isRecorded({ file }: ResultRecord): boolean {
  return file.startsWith('cases/recorded/');
}

function* summaryLines(record: RunRecord, { paint, seconds }: TextOptions): Lines {
  const { results, not_run: notRun } = record;
  for (const { id, known } of results) {
    if (known?.kind !== 'unexpected-pass') continue;
    yield `${paint.bad('UNEXPECTED PASS')} ${id}: ${known.file}:${known.line} says: ${known.reason}`;
  }
  yield* behaviourLines(record);
  const shard = record.shard === null ? '' : `, part ${record.shard}`;
  const cases = `${results.length} ${results.length === 1 ? 'case' : 'cases'}`;
  const { label } = record.implementation;
  yield `${label}, profile ${record.profile}${shard}: ${cases}: ${countsText(record.counts)}`;
  const foreseen = results.filter(({ known }) => known?.kind === 'expected').length;
  if (foreseen > 0) yield `  ${foreseen} of the failures are known`;
  yield* flakyLines(results);
  for (const [erratum, count] of Object.entries(notRun.unspecified)) {
    yield `  ${count} not run: unspecified by ${erratum}`;
  }
  for (const [name, count] of Object.entries(notRun.not_claimed)) {
    yield `  ${count} not run: class ${name} is not claimed by the implementation`;
  }
  if (notRun.other_profile > 0) yield `  ${notRun.other_profile} not run: for the other profile`;
  yield* unsupportedLines(results);
  if (seconds !== undefined) yield `  in ${seconds.toFixed(2)} s`;
  for (const problem of record.problems) yield paint.bad(problem);
}

/** Behaviours in which not all is well, when there are several; the others are one number. */
function* behaviourLines({ results }: RunRecord): Lines {
  const behaviours = [...groupBy(results, (result) => result.behaviour)];
  const notable = behaviours.filter(([, list]) => list.some(({ verdict }) => verdict !== 'pass'));
  if (behaviours.length < 2 || notable.length === 0) return;
  const width = Math.max(...notable.map(([behaviour]) => behaviour.length));
  for (const [behaviour, list] of notable) {
    yield `${behaviour.padEnd(width)}  ${countsText(countVerdicts(list))}`;
  }
  const others = behaviours.length - notable.length;
  if (others > 0) yield `${others} other ${others === 1 ? 'behaviour' : 'behaviours'}: all pass`;
  yield '';
}

function* flakyLines(results: readonly ResultRecord[]): Lines {
  const flaky = results.filter(({ known }) => known?.kind === 'flaky');
  const failed = flaky.filter(({ verdict }) => isBad(verdict)).length;
  if (flaky.length > 0) yield `  ${flaky.length} are known to be flaky: ${failed} failed this time`;
}

function* unsupportedLines(results: readonly ResultRecord[]): Lines {
  const unsupported = results.filter(({ verdict }) => verdict === 'unsupported');
  // Where it happened differs from case to case; what is missing does not.
  const byReason = groupBy(unsupported, ({ details }) => (details[0] ?? '').replace(/ \(.*\)$/, ''));
  const most = [...byReason].sort((a, b) => b[1].length - a[1].length);
  for (const [reason, list] of most.slice(0, MOST_REASONS)) yield `  ${list.length} unsupported: ${reason}`;
  if (most.length > MOST_REASONS) yield `  and ${most.length - MOST_REASONS} more reasons`;
}

/** The one line that says it all. */
function verdictLine(record: RunRecord, paint: Paint): string {
  const known = record.results.filter((result) => result.known?.kind === 'expected').length;
  const but = known === 0 ? '' : `, but for ${known} known failures`;
  const part = record.counts.unsupported === 0 ? '' : ' in what it does';
  return record.conforms ? paint.good(`conforms${part}${but}`) : paint.bad('does not conform');
}
