// SPDX-License-Identifier: GPL-2.0-or-later

/** In which order case runs are tried on a mutant: the sooner one kills it, the sooner the next mutant's turn comes. */

import type { CaseRun } from './case-runs.js';
import type { Coverage } from './coverage.js';

/** How many of the cases that have killed most are tried before all others. */
const VETERANS = 16;

export class Order {
  private readonly kills = new Map<number, number>();

  constructor(
    private readonly runs: readonly CaseRun[],
    private readonly coverage: Coverage,
  ) {}

  killed(run: number): void {
    this.kills.set(run, (this.kills.get(run) ?? 0) + 1);
  }

  /**
   * First the cases of the clauses that the mutated line is about and those that have killed most so far, then all by
   * turns, one of each behaviour, the quick ones first; last those that only may depend on the mutant.
   */
  of(mutant: number, clauses: readonly string[]): number[] {
    const { direct, others } = this.coverage.runsOf(mutant);
    return [...this.ordered(direct, clauses), ...this.ordered(others, clauses)];
  }

  private ordered(runs: readonly number[], clauses: readonly string[]): number[] {
    const veterans = this.veteransAmong(runs);
    const named = runs.filter((run) => this.runs[run]?.entry.clauses.some((id) => clauses.includes(id)));
    return [...new Set([...veterans, ...this.byTurns(named), ...this.byTurns(runs)])];
  }

  private veteransAmong(runs: readonly number[]): number[] {
    return runs
      .filter((run) => this.kills.has(run))
      .sort((a, b) => (this.kills.get(b) ?? 0) - (this.kills.get(a) ?? 0))
      .slice(0, VETERANS);
  }

  private byTurns(runs: readonly number[]): number[] {
    const quickFirst = [...runs].sort((a, b) => this.coverage.milliseconds(a) - this.coverage.milliseconds(b));
    const turns = new Map<string, number>();
    const withTurn = quickFirst.map((run) => {
      const group = groupOf(this.runs[run]);
      const turn = turns.get(group) ?? 0;
      turns.set(group, turn + 1);
      return { run, turn };
    });
    return withTurn.sort((a, b) => a.turn - b.turn).map(({ run }) => run);
  }
}

/** A table of cases, or a file of recorded answers. */
function groupOf(run: CaseRun | undefined): string {
  if (run === undefined) return '';
  return `${run.entry.id.split('/').slice(0, 2).join('/')} ${run.profile}`;
}
