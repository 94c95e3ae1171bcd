// SPDX-License-Identifier: GPL-2.0-or-later

/** Stryker's test runner of this project: the cases, and nothing else, may kill a mutant. */

import type { Position, StrykerOptions } from '@stryker-mutator/api/core';
import { commonTokens, tokens } from '@stryker-mutator/api/plugin';
import {
  type DryRunResult,
  DryRunStatus,
  type MutantRunOptions,
  type MutantRunResult,
  MutantRunStatus,
  type TestRunner,
  type TestRunnerCapabilities,
  TestStatus,
} from '@stryker-mutator/api/test-runner';
import { allCaseRuns, type CaseRun } from './case-runs.js';
import { Coverage } from './coverage.js';
import { readEquivalents } from './equivalent.js';
import { equivalentIn } from './figures.js';
import { type Reference, ReferenceScript } from './instance.js';
import { Sources } from './mutant.js';
import { Order } from './order.js';
import { shuffled } from './shuffled.js';
import { endsWithin } from './time-limit.js';

/** For Stryker all cases are one test: which of them come to which mutant is kept here, 20,000 times smaller. */
const TEST = 'cases';
/** The option that says that each mutant is tried with all case runs, also one that is argued to survive them. */
export const THOROUGH = 'thorough';
/** What the workers share: the folder that the sandbox is in, which is where they run. */
const FOLDER = '..';

/** How much more often than in any case without mutation a mutant may be come to. */
const HIT_FACTOR = 10;
const SPARE_HITS = 20_000;

/** A batch of cases that take so long together has a time limit of its own. */
const BATCH_MILLISECONDS = 100;
/** The limit on hits ends most loops long before. */
const TIME_FACTOR = 50;
const SPARE_MILLISECONDS = 3_000;

/** What became of a mutant. */
type Fate = { killer: CaseRun; problem: string } | 'survived' | 'endless';

export class CaseRunner implements TestRunner {
  private script = new ReferenceScript(process.cwd());
  private runs: CaseRun[] = [];
  private measured: { coverage: Coverage; order: Order } | undefined;
  private readonly sources = new Sources();
  private readonly isArgued = equivalentIn(readEquivalents());
  private readonly thorough: boolean;

  static readonly inject = tokens(commonTokens.options);

  constructor(options: StrykerOptions) {
    this.thorough = options[THOROUGH] === true;
  }

  /** A process is used for many mutants: each has a reference of its own. */
  capabilities(): TestRunnerCapabilities {
    return { reloadEnvironment: true };
  }

  async init(): Promise<void> {
    const reference = this.script.unmutated(new Uint32Array(this.script.mutantsOfMark.length));
    this.runs = await allCaseRuns((profile) => reference.implementation(profile).start());
  }

  /** Runs all cases twice without mutation, the second time in another order, and keeps what they come to. */
  async dryRun(): Promise<DryRunResult> {
    const { script, runs } = this;
    const started = performance.now();
    const counts = new Uint32Array(script.mutantsOfMark.length);
    const coverage = Coverage.empty(
      runs.map(({ name }) => name),
      script.mutantsOfMark,
    );
    const reference = script.unmutated(counts);
    coverage.addLoading(counts);
    const numbers = runs.map((_, number) => number);
    for (const [round, order] of [numbers, shuffled(numbers, 1)].entries()) {
      for (const number of order) {
        const run = runs[number];
        if (run === undefined) continue;
        const began = performance.now();
        const problem = run.problem(reference);
        if (problem !== undefined) {
          return { status: DryRunStatus.Error, errorMessage: `without mutation ${run.name}: ${problem}` };
        }
        coverage.add(number, counts, performance.now() - began, round > 0);
      }
    }
    leaveOutRepeats(runs, coverage);
    coverage.write(FOLDER);
    return {
      status: DryRunStatus.Complete,
      tests: [{ id: TEST, name: TEST, status: TestStatus.Success, timeSpentMs: performance.now() - started }],
      mutantCoverage: {
        static: {},
        perTest: { [TEST]: Object.fromEntries(coverage.covered().map((mutant) => [mutant, 1])) },
      },
    };
  }

  async mutantRun({ activeMutant }: MutantRunOptions): Promise<MutantRunResult> {
    const { coverage, order } = this.measure();
    const mutant = Number(activeMutant.id);
    const { start, end } = activeMutant.location;
    const location = { start: fromOne(start), end: fromOne(end) };
    const { line } = location.start;
    const { name, marks } = this.sources.described({ ...activeMutant, location });
    const patience = this.thorough || !this.isArgued(name) ? 'endless' : 'short';
    const candidates = order.of(mutant, patience, name.file, marks.at(line), marks.mnemonicAt(line));
    const fate = this.fateOf(mutant, candidates, coverage);
    if (fate === 'survived') return { status: MutantRunStatus.Survived, nrOfTests: candidates.length };
    if (fate === 'endless') return { status: MutantRunStatus.Timeout };
    order.killed(this.runs.indexOf(fate.killer));
    return {
      status: MutantRunStatus.Killed,
      killedBy: [TEST],
      failureMessage: `${fate.killer.name}: ${fate.problem}`,
      nrOfTests: candidates.length,
    };
  }

  private fateOf(mutant: number, candidates: readonly number[], coverage: Coverage): Fate {
    const limit = coverage.mostHits(mutant) * HIT_FACTOR + SPARE_HITS;
    const hits = new Hits(limit);
    let reference: Reference | undefined;
    let fate: Fate = 'survived';
    for (const { numbers, milliseconds } of batches(candidates, coverage)) {
      const ended = endsWithin(SPARE_MILLISECONDS + milliseconds * TIME_FACTOR, () => {
        // What was interrupted may be in any state: while a batch runs there is none to go on with.
        const used = reference ?? this.script.mutated(mutant, () => hits.more());
        reference = undefined;
        fate = this.fateIn(numbers, used, hits);
        reference = used;
      });
      if (!ended) return 'endless';
      if (fate !== 'survived') return fate;
    }
    return fate;
  }

  private fateIn(numbers: readonly number[], reference: Reference, hits: Hits): Fate {
    for (const number of numbers) {
      const killer = this.runs[number];
      if (killer === undefined) continue;
      hits.count = 0;
      const problem = killer.problem(reference);
      if (hits.tooMany) return 'endless';
      if (problem !== undefined) return { killer, problem };
    }
    return 'survived';
  }

  private measure(): { coverage: Coverage; order: Order } {
    if (this.measured === undefined) {
      const coverage = Coverage.read(FOLDER);
      this.measured = { coverage, order: new Order(this.runs, coverage) };
    }
    return this.measured;
  }
}

/** Stryker counts lines and columns from 0 before a mutant is tried, and from 1 afterwards. */
const fromOne = ({ line, column }: Position): Position => ({ line: line + 1, column: column + 1 });

/**
 * A case that expects the same in both profiles and goes the same way in both says nothing new in the second. A mutant that
 * only the second would notice is told as a survivor: never too good a figure.
 */
function leaveOutRepeats(runs: readonly CaseRun[], coverage: Coverage): void {
  const first = new Map<unknown, number>();
  for (const [number, run] of runs.entries()) {
    const other = first.get(run.entry);
    if (other === undefined) first.set(run.entry, number);
    else if (run.repeats(runs[other]) && coverage.sameWay(number, other)) coverage.setRepeats(number);
  }
}

/** Counts how often a case comes to the mutant, and stops it when that is far more than without mutation. */
class Hits {
  count = 0;

  constructor(private readonly limit: number) {}

  get tooMany(): boolean {
    return this.count > this.limit;
  }

  more(): true {
    this.count++;
    if (this.tooMany) throw new Error('the mutant is come to without end');
    return true;
  }
}

interface Batch {
  numbers: number[];
  milliseconds: number;
}

function* batches(candidates: readonly number[], coverage: Coverage): Generator<Batch> {
  let batch: Batch = { numbers: [], milliseconds: 0 };
  for (const number of candidates) {
    batch.numbers.push(number);
    batch.milliseconds += coverage.milliseconds(number);
    if (batch.milliseconds < BATCH_MILLISECONDS) continue;
    yield batch;
    batch = { numbers: [], milliseconds: 0 };
  }
  if (batch.numbers.length > 0) yield batch;
}
