// SPDX-License-Identifier: GPL-2.0-or-later

import type { Case } from '../cases/case.js';
import type { Implementation } from '../implementations/implementation.js';
import type { Comparison } from '../known-failures.js';
import { oneOfEach } from '../repeat.js';
import { type RunOptions, runCases } from '../run.js';
import { parseShard, type Shard } from '../shard.js';
import type { Run } from '../update-expectations.js';
import { UsageError } from '../usage.js';
import type { Result } from '../verdict.js';
import { positive } from './attach.js';

/** The options of `run` that say which of the selected cases run, how often, and in what order. */
export interface PlanOptions {
  connect?: string;
  expectations?: string;
  updateExpectations?: boolean;
  reason?: string;
  shard?: string;
  balance?: string;
  repeat?: number;
  verify?: boolean;
  seed?: number;
}

export interface Plan {
  shard: Shard | undefined;
  /** By case, from an earlier run with `--timings`; empty when there is none. */
  seconds: ReadonlyMap<string, number>;
  repeat: number;
  verify: boolean;
  seed: number;
  /** The file to bring up to date. */
  update: { file: string; reason: string | undefined } | undefined;
}

const USUAL_ROUNDS = 3;

/** Refuses options that do not go together. */
export async function planOf(options: PlanOptions): Promise<Plan> {
  const { expectations, verify = false } = options;
  if (options.updateExpectations === true && expectations === undefined) {
    throw new UsageError('--update-expectations needs --expectations <file>, the file to bring up to date');
  }
  if (options.reason !== undefined && options.updateExpectations !== true) {
    throw new UsageError('--reason is for the entries that --update-expectations makes');
  }
  if (verify && options.connect !== undefined) {
    throw new UsageError('--verify needs fresh processes, which --connect cannot have');
  }
  if (options.balance !== undefined && options.shard === undefined) {
    throw new UsageError('--balance says how cases are shared among shards: it needs --shard');
  }
  return {
    shard: options.shard === undefined ? undefined : parseShard(options.shard),
    seconds: options.balance === undefined ? new Map() : await secondsOf(options.balance),
    repeat: positive('--repeat', options.repeat) ?? (verify ? USUAL_ROUNDS : 1),
    verify,
    seed: options.seed ?? 1,
    update:
      options.updateExpectations === true && expectations !== undefined
        ? { file: expectations, reason: options.reason }
        : undefined,
  };
}

async function secondsOf(file: string): Promise<Map<string, number>> {
  const { readRecord } = await import('../report/read.js');
  const { results } = readRecord(file);
  const times = results.flatMap(({ id, seconds }): [string, number][] =>
    seconds === undefined ? [] : [[id, seconds]],
  );
  if (times.length === 0) throw new UsageError(`${file} has no times: make it with --timings`);
  return new Map(times);
}

export interface PlannedOptions extends RunOptions {
  /** Called each time that a case has run; `onResult` is called once for each case. */
  onRun: (result: Result) => void;
}

/** Runs cases once, several times, or in all the ways that `--verify` stands for; there is one result for each. */
export async function runAsPlanned(
  plan: Plan,
  make: () => Promise<Implementation>,
  implementation: Implementation,
  cases: readonly Case[],
  { onRun, onResult = () => {}, ...options }: PlannedOptions,
): Promise<Result[]> {
  if (!plan.verify && plan.repeat === 1) {
    const onBoth = (result: Result): void => {
      onRun(result);
      onResult(result);
    };
    return await runCases(implementation, cases, { ...options, onResult: onBoth });
  }
  const results = plan.verify
    ? await verified(plan, make, cases, options)
    : await repeated(plan.repeat, implementation, cases, { ...options, onResult: onRun });
  results.forEach(onResult);
  return results;
}

async function verified(
  plan: Plan,
  make: () => Promise<Implementation>,
  cases: readonly Case[],
  options: RunOptions,
): Promise<Result[]> {
  const { verifyCases } = await import('../verify.js');
  return await verifyCases(fresh(make), cases, {
    ...options,
    rounds: plan.repeat,
    seed: plan.seed,
    onRound: (what, count) => note(`${what}: ${count} ${count === 1 ? 'case' : 'cases'}`),
  });
}

async function repeated(
  times: number,
  implementation: Implementation,
  cases: readonly Case[],
  options: RunOptions,
): Promise<Result[]> {
  const runs: Result[][] = [];
  for (let i = 0; i < times && options.interruption?.aborted !== true; i++) {
    runs.push(await runCases(implementation, cases, options));
  }
  return oneOfEach(cases, runs);
}

/** Standard output is for reports. */
function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

function fresh(make: () => Promise<Implementation>): () => Promise<Implementation> {
  return async () => {
    const implementation = await make();
    await implementation.start();
    return implementation;
  };
}

/** Brings the file of known failures up to date, and says what changed. */
export async function update(
  { file, reason }: NonNullable<Plan['update']>,
  comparison: Comparison,
  run: Run,
): Promise<void> {
  const { updateExpectations } = await import('../update-expectations.js');
  const { added, removed } = updateExpectations(file, comparison, run, reason);
  const pending = reason === undefined && added > 0 ? '; write a reason into the new entries' : '';
  note(
    `${file}: ${added} ${added === 1 ? 'failure' : 'failures'} added, ${removed} entries removed or narrowed${pending}`,
  );
}
