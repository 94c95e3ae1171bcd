// SPDX-License-Identifier: GPL-2.0-or-later

import type { Case } from '../cases/case.js';
import type { Comparison } from '../known-failures.js';
import type { Clause } from '../spec.js';
import { type Result, VERDICTS } from '../verdict.js';
import { print, printProse, write } from './output.js';

const STDERR_LINES = 20;

/** Colours, or their absence: not on a terminal, NO_COLOR set, or --no-color. */
export function usesColor(option: boolean | undefined): boolean {
  return option !== false && process.stdout.isTTY === true && (process.env.NO_COLOR ?? '') === '';
}

export interface Summary {
  label: string;
  profile: string;
  results: readonly Result[];
  comparison: Comparison;
  /** Erratum by erratum: how many cases it leaves open. */
  unspecified: ReadonlyMap<string, number>;
  /** Classes of the suite that the implementation does not claim, with their number of cases. */
  notClaimed: ReadonlyMap<string, number>;
  otherProfile: number;
  interrupted: boolean;
  seconds: number;
}

/** The report of a run as text for people. */
export class TextReport {
  private readonly clauses: Map<string, Clause>;
  private progressShown = false;

  constructor(
    clauses: readonly Clause[],
    private readonly color: boolean,
    /** What to put behind `run <id>` so that the same implementation is used. */
    private readonly rerunOptions: string,
  ) {
    this.clauses = new Map(clauses.map((clause) => [clause.id, clause]));
  }

  /** One line that is overwritten; only on a terminal. */
  progress(done: number, all: number, bad: number): void {
    if (process.stdout.isTTY !== true) return;
    this.progressShown = true;
    write(`\r\x1b[K${done}/${all}${bad === 0 ? '' : `, ${bad} failed`}`);
  }

  endProgress(): void {
    if (this.progressShown) write('\r\x1b[K');
    this.progressShown = false;
  }

  failure(result: Result): void {
    const { case: entry, verdict, details, stderr } = result;
    print(`${this.paint(verdict.toUpperCase(), RED)} ${entry.id}`);
    print(`  ${entry.title}`);
    print(`  ${entry.file}:${entry.line}`);
    this.clausesOf(entry);
    for (const detail of details) print(`    ${detail}`);
    const lines = (stderr ?? '').trimEnd().split('\n').slice(-STDERR_LINES);
    if (lines.join('') !== '') {
      print('  the end of its standard error:');
      for (const line of lines) print(`    | ${line}`);
    }
    print(`  again: lguest-conformance run ${entry.id}${this.rerunOptions}`);
    print('');
  }

  /** The sentences of a case's clauses; a recorded answer names many, of which `show` prints the text. */
  private clausesOf(entry: Case): void {
    if (entry.recorded) {
      print(`  clauses: ${entry.clauses.join(' ')}  (their text: lguest-conformance show ${entry.id})`);
      return;
    }
    for (const id of entry.clauses) printProse(id, this.clauses.get(id)?.text ?? 'not in the spec');
  }

  summary(summary: Summary): void {
    this.knownFailures(summary.comparison);
    const { results } = summary;
    const counts = VERDICTS.map((verdict) => ({
      verdict,
      count: results.filter((result) => result.verdict === verdict).length,
    })).filter(({ count }) => count > 0);
    const list = counts.map(({ verdict, count }) => `${count} ${verdict}`).join(', ');
    print(
      `${summary.label}, profile ${summary.profile}: ${results.length} ${results.length === 1 ? 'case' : 'cases'}: ${list === '' ? 'none ran' : list}`,
    );
    const { expected } = summary.comparison;
    if (expected.length > 0) print(`  ${expected.length} of the failures are known`);
    for (const [erratum, count] of summary.unspecified)
      print(`  ${count} not run: unspecified by ${erratum}`);
    for (const [name, count] of summary.notClaimed) {
      print(`  ${count} not run: class ${name} is not claimed by the implementation`);
    }
    if (summary.otherProfile > 0) print(`  ${summary.otherProfile} not run: for the other profile`);
    if (results.some((result) => result.verdict === 'unsupported')) this.unsupported(results);
    if (summary.interrupted) print('  interrupted: this is what was known by then');
    print(`  in ${summary.seconds.toFixed(2)} s`);
  }

  /** The one line that says it all. */
  verdict(conforms: boolean, knownFailures: number): void {
    const but = knownFailures === 0 ? '' : `, but for ${knownFailures} known failures`;
    print(conforms ? this.paint(`conforms${but}`, GREEN) : this.paint('does not conform', RED));
  }

  private unsupported(results: readonly Result[]): void {
    const reasons = new Map<string, number>();
    for (const { verdict, details } of results) {
      // Where it happened differs from case to case; what is missing does not.
      const reason = (details[0] ?? '').replace(/ \(.*\)$/, '');
      if (verdict === 'unsupported') reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
    const most = [...reasons].sort((a, b) => b[1] - a[1]);
    for (const [reason, count] of most.slice(0, MOST_REASONS)) print(`  ${count} unsupported: ${reason}`);
    if (most.length > MOST_REASONS) print(`  and ${most.length - MOST_REASONS} more reasons`);
  }

  private knownFailures({ unexpectedPasses, stale }: Comparison): void {
    for (const { result, entry } of unexpectedPasses) {
      print(
        `${this.paint('UNEXPECTED PASS', RED)} ${result.case.id}: ${entry.file}:${entry.line} says: ${entry.reason}`,
      );
    }
    for (const entry of stale) {
      print(
        `${this.paint('STALE', RED)} ${entry.file}:${entry.line}: "${entry.pattern}" matches no case, or foresees no failure`,
      );
    }
  }

  private paint(text: string, code: string): string {
    return this.color ? `\x1b[${code}m${text}\x1b[0m` : text;
  }
}

const RED = '31';
const GREEN = '32';
const MOST_REASONS = 10;
