// SPDX-License-Identifier: GPL-2.0-or-later

/** In which order case runs are tried on a mutant: the sooner one kills it, the sooner the next mutant's turn comes. */

import type { CaseRun } from './case-runs.js';
import type { Coverage } from './coverage.js';
import { partOf } from './parts.js';

/** How many of the cases that have killed most are tried before all others. */
const VETERANS = 16;

/** A case run that takes so many times as long as the middle one is long. */
const LONG = 20;
/** With so many others a mutant is not tried with the long ones: they would take most of the time. */
const ENOUGH = 200;

export class Order {
  private readonly kills = new Map<number, number>();
  /** All case runs but those that repeat another, by turns, one of each table of cases, the quick ones first. */
  private readonly byTurns: readonly number[];
  private readonly longMilliseconds: number;

  constructor(
    private readonly runs: readonly CaseRun[],
    private readonly coverage: Coverage,
  ) {
    this.byTurns = byTurns(runs, coverage);
    const times = runs.map((_, number) => coverage.milliseconds(number)).sort((a, b) => a - b);
    this.longMilliseconds = LONG * (times[times.length >>> 1] ?? 0);
  }

  killed(run: number): void {
    this.kills.set(run, (this.kills.get(run) ?? 0) + 1);
  }

  /**
   * First the cases that have killed most so far and those of the clauses that the mutated line is about, then all others
   * that come to it; last those that may depend on it without coming to it. What survives the many quick ones counts as
   * surviving the few long ones too: never too good a figure.
   */
  of(mutant: number, file: string, clauses: readonly string[]): number[] {
    const isDirect = this.coverage.reaching(mutant);
    const direct = this.withoutLong(this.byTurns.filter(isDirect));
    const others = this.coverage.mattersToAll(mutant)
      ? this.withoutLong(this.byTurns.filter((run) => !isDirect(run) && this.mayDependOn(run, file)))
      : [];
    return [...this.likelyFirst(direct, clauses), ...this.likelyFirst(others, clauses)];
  }

  private withoutLong(runs: readonly number[]): readonly number[] {
    const quick = runs.filter((run) => this.coverage.milliseconds(run) < this.longMilliseconds);
    return quick.length < ENOUGH ? runs : quick;
  }

  private likelyFirst(runs: readonly number[], clauses: readonly string[]): number[] {
    const named = runs.filter((run) =>
      this.runs[run]?.entry.clauses.some((clause) => clauses.includes(clause)),
    );
    return [...new Set([...this.veteransAmong(runs), ...named, ...runs])];
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
    return { run, turn };
  });
  return withTurn.sort((a, b) => a.turn - b.turn).map(({ run }) => run);
}

/** A table of cases, or a file of recorded answers. */
function groupOf(run: CaseRun | undefined): string {
  if (run === undefined) return '';
  return `${run.entry.id.split('/').slice(0, 2).join('/')} ${run.profile}`;
}
