// SPDX-License-Identifier: GPL-2.0-or-later

import { type Difference, differenceText } from '../compare/difference.js';
import { type FuzzCase, makeCase } from './case.js';
import type { Contest, Verdict } from './contest.js';
import type { FixtureMachines } from './fixtures.js';
import type { Family } from './machine.js';
import { shrink } from './shrink.js';
import { caseText, titleOf } from './yaml.js';

export interface FuzzPlan {
  seed: number;
  /** Number of the first case, and how many there are at most. */
  first: number;
  cases: number;
  milliseconds: number;
  families: readonly Family[];
  /** So many kinds of difference are told. */
  most: number;
}

/** A difference in its smallest form. */
export interface Finding {
  entry: FuzzCase;
  differences: readonly Difference[];
  /** The case as YAML. */
  text: string;
}

export interface FuzzReport {
  ran: number;
  /** Cases that too few could answer, by the reason. */
  unanswered: Map<string, number>;
  /** Cases that differed, those of a kind already told included. */
  different: number;
  findings: Finding[];
  interrupted: boolean;
}

export interface FuzzListener {
  progress(report: FuzzReport, seconds: number): void;
  finding(finding: Finding): void;
}

const BATCH = 256;

/** Runs cases until time, number or differences are enough. */
export async function fuzz(
  contest: Contest,
  fixtures: FixtureMachines,
  plan: FuzzPlan,
  listener: FuzzListener,
  signal: AbortSignal,
): Promise<FuzzReport> {
  const began = performance.now();
  const report: FuzzReport = {
    ...{ ran: 0, unanswered: new Map(), different: 0, findings: [] },
    interrupted: false,
  };
  const seen = new Set<string>();
  const end = plan.first + plan.cases;
  for (let next = plan.first; next < end && report.findings.length < plan.most; ) {
    if (performance.now() - began >= plan.milliseconds) break;
    const count = Math.min(BATCH, end - next);
    const cases = Array.from({ length: count }, (_, i) => makeCase(plan.seed, next + i, plan.families));
    next += count;
    const verdicts = await contest.judge(cases);
    for (const [i, verdict] of verdicts.entries()) {
      const entry = cases[i];
      if (entry === undefined || signal.aborted) break;
      report.ran++;
      if (verdict.kind === 'unanswered') countReason(report, verdict.reason);
      if (verdict.kind !== 'different') continue;
      report.different++;
      const finding = await examined(contest, fixtures, entry, verdict, seen, report, signal);
      if (finding === undefined || report.findings.length >= plan.most) continue;
      report.findings.push(finding);
      listener.finding(finding);
    }
    if (signal.aborted) {
      report.interrupted = true;
      break;
    }
    listener.progress(report, (performance.now() - began) / 1000);
  }
  return report;
}

/** Reasons that name an address or a number count as one. */
function countReason(report: FuzzReport, reason: string): void {
  const kind = reason.replace(/\b[0-9a-f]+h\b/g, '…');
  report.unanswered.set(kind, (report.unanswered.get(kind) ?? 0) + 1);
}

type Different = Extract<Verdict, { kind: 'different' }>;

/** So often the same kind of difference is made smaller before it is taken for one that is known. */
const MOST_OF_A_KIND = 3;

async function examined(
  contest: Contest,
  fixtures: FixtureMachines,
  entry: FuzzCase,
  verdict: Different,
  seen: Set<string>,
  report: FuzzReport,
  signal: AbortSignal,
): Promise<Finding | undefined> {
  const kind = kindOf(entry.instructions.at(-1)?.mnemonic ?? '', verdict.differences);
  const attempt = Array.from({ length: MOST_OF_A_KIND }, (_, i) => `${kind} ${i}`).find(
    (key) => !seen.has(key),
  );
  if (attempt === undefined) return undefined;
  seen.add(attempt);
  const wanted = new Set(verdict.differences.map(placeOf));
  const stillDiffers = async (cases: readonly FuzzCase[]) =>
    (await contest.judge(cases)).map(
      (other) => other.kind === 'different' && other.differences.some((found) => wanted.has(placeOf(found))),
    );
  const smallest = await shrink(entry, stillDiffers, signal);
  const [again] = await contest.judge([smallest]);
  if (again?.kind !== 'different') {
    countReason(report, 'the difference did not come again');
    return undefined;
  }
  const told = `${entry.family}: ${kindOf(titleOf(smallest), again.differences)}`;
  if (seen.has(told)) return undefined;
  seen.add(told);
  const source = `${contest.labels.join(' and ')}; fuzzing, ${entry.id}`;
  const remarks = again.differences.map((found) => `  # ${differenceText(found)} of the reference`);
  const text = [...remarks, caseText(smallest, again.ending, source, fixtures)].join('\n');
  return { entry: smallest, differences: again.differences, text };
}

/** Where a difference is, without its address. */
const placeOf = ({ path }: Difference): string => path.replace(/@.*/, '');

const kindOf = (what: string, differences: readonly Difference[]): string =>
  `${what} ${[...new Set(differences.map(placeOf))].sort().join(' ')}`;
