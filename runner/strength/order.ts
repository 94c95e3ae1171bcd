// SPDX-License-Identifier: GPL-2.0-or-later

/** In which order case runs are tried on a mutant: the sooner one kills it, the sooner the next mutant's turn comes. */

import type { CaseRun } from './case-runs.js';
import type { Coverage } from './coverage.js';
import { partOf } from './parts.js';

/** How many of the cases that have killed most are tried before all others. */
const VETERANS = 16;

/**
 * How long a mutant is tried, in times of the middle case run, with those that come to it, and as long with those that may
 * depend on it without coming to it. Nearly all that are killed at all are killed sooner.
 */
const SHORT_PATIENCE = 20_000;

export class Order {
  private readonly kills = new Map<number, number>();
  /** All case runs but those that repeat another, by turns, one of each table of cases, the quick ones first. */
  private readonly byTurns: readonly number[];
  private readonly middle: number;
  private readonly titled = new Map<string, ReadonlySet<number>>();

  constructor(
    private readonly runs: readonly CaseRun[],
    private readonly coverage: Coverage,
  ) {
    this.byTurns = byTurns(runs, coverage);
    const times = runs.map((_, number) => coverage.milliseconds(number)).sort((a, b) => a - b);
    this.middle = times[times.length >>> 1] ?? 0;
  }

  killed(run: number): void {
    this.kills.set(run, (this.kills.get(run) ?? 0) + 1);
  }

  /**
   * First the cases that have killed most so far, those of the instruction and of the clauses that the mutated line is about, then
   * all others that come to it; last those that may depend on it without coming to it.
   * @param patience `short`: what survives for long counts as surviving all
   */
  of(
    mutant: number,
    patience: 'short' | 'endless',
    file: string,
    clauses: readonly string[],
    mnemonic?: string,
  ): number[] {
    const isDirect = this.coverage.reaching(mutant);
    const direct = this.byTurns.filter(isDirect);
    const others = this.coverage.mattersToAll(mutant)
      ? this.byTurns.filter((run) => !isDirect(run) && this.mayDependOn(run, file))
      : [];
    const tried = [direct, others].map((runs) => this.likelyFirst(runs, clauses, mnemonic));
    return (patience === 'endless' ? tried : tried.map((runs) => this.firstOf(runs))).flat();
  }

  private likelyFirst(
    runs: readonly number[],
    clauses: readonly string[],
    mnemonic: string | undefined,
  ): number[] {
    const named = runs.filter((run) =>
      this.runs[run]?.entry.clauses.some((clause) => clauses.includes(clause)),
    );
    const titled = mnemonic === undefined ? new Set<number>() : this.titledWith(mnemonic);
    const ofInstruction = runs.filter((run) => titled.has(run));
    return [...new Set([...this.veteransAmong(runs), ...ofInstruction, ...named, ...runs])];
  }

  /** The case runs whose title has a word, in capitals or not. */
  private titledWith(word: string): ReadonlySet<number> {
    let found = this.titled.get(word);
    if (found === undefined) {
      const expression = new RegExp(`\\b${word}\\b`, 'i');
      const numbers = this.runs.map((_, number) => number);
      found = new Set(numbers.filter((run) => expression.test(this.runs[run]?.entry.title ?? '')));
      this.titled.set(word, found);
    }
    return found;
  }

  private firstOf(runs: readonly number[]): readonly number[] {
    let left = SHORT_PATIENCE * this.middle;
    const end = runs.findIndex((run) => {
      left -= this.coverage.milliseconds(run);
      return left < 0;
    });
    return end < 0 ? runs : runs.slice(0, end + 1);
  }

  /** Class processor runs without a host. */
  private mayDependOn(run: number, file: string): boolean {
    return this.runs[run]?.entry.class !== 'processor' || partOf(file) === 'processor';
  }

  private veteransAmong(runs: readonly number[]): number[] {
    return runs
      .filter((run) => this.kills.has(run))
      .sort((a, b) => (this.kills.get(b) ?? 0) - (this.kills.get(a) ?? 0))
      .slice(0, VETERANS);
  }
}

/** So many rows of each table of class processor stand before the first of each table of hosts. */
const TURNS_OF_PROCESSORS = 10;

function byTurns(runs: readonly CaseRun[], coverage: Coverage): number[] {
  const quickFirst = runs
    .map((_, number) => number)
    .filter((number) => !coverage.repeats(number))
    .sort((a, b) => coverage.milliseconds(a) - coverage.milliseconds(b));
  const turns = new Map<string, number>();
  const withTurn = quickFirst.map((run) => {
    const group = groupOf(runs[run]);
    const turn = turns.get(group) ?? 0;
    turns.set(group, turn + 1);
    // A processor is told by its own cases sooner than by those of hosts, of which a boot takes the time of a thousand others.
    return { run, turn: runs[run]?.entry.class === 'processor' ? turn / TURNS_OF_PROCESSORS : turn + 1 };
  });
  return withTurn.sort((a, b) => a.turn - b.turn).map(({ run }) => run);
}

/** A table of cases, or a file of recorded answers. */
function groupOf(run: CaseRun | undefined): string {
  if (run === undefined) return '';
  return `${run.entry.id.split('/').slice(0, 2).join('/')} ${run.profile}`;
}
