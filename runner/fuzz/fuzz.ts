// SPDX-License-Identifier: GPL-2.0-or-later

import { setImmediate as pause } from 'node:timers/promises';
import type { Difference } from '../compare/difference.js';
import type { Contest, Verdict } from './contest.js';
import type { Kind } from './kind.js';
import { shrink } from './shrink.js';

export interface FuzzPlan {
  /** Number of the first input, and how many there are at most. */
  first: number;
  cases: number;
  milliseconds: number;
  /** So many kinds of difference are told. */
  most: number;
}

/** A difference in its smallest form. */
export interface Finding<Entry> {
  entry: Entry;
  differences: readonly Difference[];
  /** The case as YAML. */
  text: string;
}

export interface FuzzReport<Entry> {
  ran: number;
  /** Inputs that too few could answer, by the reason. */
  unanswered: Map<string, number>;
  /** Inputs that differed as they have to, by what requires it. */
  explained: Map<string, number>;
  /** Inputs that differed, those of a kind already told included. */
  different: number;
  findings: Finding<Entry>[];
  interrupted: boolean;
}

export interface FuzzListener<Entry> {
  progress(report: FuzzReport<Entry>, seconds: number): void;
  finding(finding: Finding<Entry>): void;
}

/** Cases that are judged at once: from few, for those that are slow, to so many. */
const BATCH = { least: 16, most: 256 };
/** A batch takes about so long, so that the end of the time is met and the progress is seen. */
const BATCH_MILLISECONDS = 2000;

/** Runs inputs until time, number or differences are enough. */
export async function fuzz<Entry extends { id: string }>(
  kind: Kind<Entry>,
  contest: Contest<Entry>,
  plan: FuzzPlan,
  listener: FuzzListener<Entry>,
  signal: AbortSignal,
): Promise<FuzzReport<Entry>> {
  const began = performance.now();
  const elapsed = () => performance.now() - began;
  const isOver = () => signal.aborted || elapsed() >= plan.milliseconds;
  const report: FuzzReport<Entry> = {
    ...{ ran: 0, unanswered: new Map(), explained: new Map(), different: 0, findings: [] },
    interrupted: false,
  };
  const examiner = new Examiner(kind, contest, report.unanswered, isOver);
  const end = plan.first + plan.cases;
  let batch = BATCH.least;
  for (let next = plan.first; next < end && report.findings.length < plan.most && !isOver(); ) {
    const count = Math.min(batch, end - next);
    const start = elapsed();
    const entries = Array.from({ length: count }, (_, i) => kind.make(next + i));
    next += count;
    const verdicts = await contest.judge(entries);
    await pause(); // what runs in this process never waits: no signal would be noticed before the end
    kind.learn?.(entries);
    batch = nextBatch(count, elapsed() - start);
    for (const [i, verdict] of verdicts.entries()) {
      const entry = entries[i];
      if (entry === undefined || isOver()) break;
      report.ran++;
      if (verdict.kind === 'unanswered') countReason(report.unanswered, verdict.reason);
      if (verdict.kind === 'explained') countReason(report.explained, verdict.by);
      if (verdict.kind !== 'different') continue;
      report.different++;
      const finding = await examiner.examined(entry, verdict);
      if (finding === undefined || report.findings.length >= plan.most) continue;
      report.findings.push(finding);
      listener.finding(finding);
    }
    listener.progress(report, elapsed() / 1000);
  }
  report.interrupted = signal.aborted;
  return report;
}

/** As many cases as take the time of a batch, by the time that the last ones took. */
function nextBatch(count: number, milliseconds: number): number {
  const fitting = Math.floor((count * BATCH_MILLISECONDS) / Math.max(milliseconds, 1));
  return Math.min(Math.max(fitting, BATCH.least), BATCH.most);
}

/** Reasons that name an address or a number count as one. */
function countReason(counts: Map<string, number>, reason: string): void {
  const kind = reason.replace(/\b[0-9a-f]+h\b/g, '…');
  counts.set(kind, (counts.get(kind) ?? 0) + 1);
}

type Different = Extract<Verdict, { kind: 'different' }>;

/** So often the same kind of difference is made smaller before it is taken for one that is known. */
const MOST_OF_A_KIND = 3;

/** Time for making one input smaller: what is the smallest by then is told. */
const SHRINKING_MILLISECONDS = 20_000;

/** Makes small what differs, and knows what has been told. */
class Examiner<Entry extends { id: string }> {
  readonly #seen = new Set<string>();

  constructor(
    private readonly kind: Kind<Entry>,
    private readonly contest: Contest<Entry>,
    private readonly unanswered: Map<string, number>,
    private readonly isOver: () => boolean,
  ) {}

  /** The difference in its smallest form; undefined when its kind is known. */
  async examined(entry: Entry, verdict: Different): Promise<Finding<Entry> | undefined> {
    if (!this.#isAmongFirst(kindOf(this.kind.groupOf(entry), verdict.differences))) return undefined;
    const wanted = new Set(verdict.differences.map(placeOf));
    const stillDiffers = async (entries: readonly Entry[]) => {
      await pause();
      return (await this.contest.judge(entries)).map(
        (other) =>
          other.kind === 'different' && other.differences.some((found) => wanted.has(placeOf(found))),
      );
    };
    const end = performance.now() + SHRINKING_MILLISECONDS;
    const isOver = (): boolean => this.isOver() || performance.now() >= end;
    const smallest = await shrink(this.kind, entry, stillDiffers, isOver);
    const [again] = await this.contest.judge([smallest]);
    if (again?.kind !== 'different') {
      countReason(this.unanswered, 'the difference did not come again');
      return undefined;
    }
    const told = kindOf(this.kind.titleOf(smallest), again.differences);
    if (this.#seen.has(told)) return undefined;
    this.#seen.add(told);
    const text = this.kind.caseText(smallest, again, this.contest.labels);
    return { entry: smallest, differences: again.differences, text };
  }

  #isAmongFirst(kind: string): boolean {
    const attempts = Array.from({ length: MOST_OF_A_KIND }, (_, i) => `${kind} ${i}`);
    const attempt = attempts.find((key) => !this.#seen.has(key));
    if (attempt !== undefined) this.#seen.add(attempt);
    return attempt !== undefined;
  }
}

/** Where a difference is, without its address or its index in a table. */
const placeOf = ({ path }: Difference): string => path.replace(/@.*|\.\d+$/, '');

const kindOf = (what: string, differences: readonly Difference[]): string =>
  `${what} ${[...new Set(differences.map(placeOf))].sort().join(' ')}`;
