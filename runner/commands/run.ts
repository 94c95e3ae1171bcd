// SPDX-License-Identifier: GPL-2.0-or-later

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Case } from '../cases/case.js';
import { behaviours, loadSuite } from '../cases/suite.js';
import { isBuiltIn } from '../implementations/index.js';
import { watchInterrupts } from '../interrupts.js';
import { judgingFor } from '../judging.js';
import {
  type Comparison,
  compareKnown,
  Expectations,
  type KnownFailure,
  readKnownFailures,
} from '../known-failures.js';
import { packageRoot } from '../package.js';
import type { Declaration, Profile } from '../protocol.js';
import { type ReporterFlags, reportRequests } from '../report/flags.js';
import { LiveReports } from '../report/live.js';
import { headOf, recordOf, resultRecord } from '../report/record.js';
import { writeReports } from '../report/reporters.js';
import { Progress } from '../report/terminal.js';
import { behavioursOfPatterns, checkNames, type Selected, type Selection, select } from '../select.js';
import { casesOfShard } from '../shard.js';
import { readClauses } from '../spec.js';
import { ExitCode, UsageError } from '../usage.js';
import { isBad, type Result } from '../verdict.js';
import { type AttachOptions, attach, implementationMaker, implementationWords } from './attach.js';
import { profileOf, refuseProblems } from './options.js';
import { type PlanOptions, planOf, runAsPlanned, update } from './plan.js';

export interface RunCommandOptions extends AttachOptions, PlanOptions {
  class: string[];
  behaviour: string[];
  clause: string[];
  profile?: string;
  failFast?: boolean;
  color?: boolean;
  /** Both flags fill the same list. */
  reporter?: ReporterFlags;
  output?: ReporterFlags;
  /** How many failures the text shows in full. */
  failures: number;
  /** Times into the results; without them two runs write the same bytes. */
  timings?: boolean;
}

/** Runs cases against an implementation; the answer is the exit code. */
export async function run(patterns: readonly string[], options: RunCommandOptions): Promise<number> {
  const began = performance.now();
  const requests = reportRequests(options);
  const wantedProfile = options.profile === undefined ? undefined : profileOf(options.profile);
  checkNames('behaviour', options.behaviour, behaviours());
  const clauses = readClauses();
  checkNames(
    'clause',
    options.clause,
    clauses.map((clause) => clause.id),
  );
  const suite = await loadSuite(foldersFor(patterns, options));
  refuseProblems(suite.problems);
  const known = await knownFailures(options);
  const selection = {
    patterns,
    classes: options.class,
    behaviours: options.behaviour,
    clauses: options.clause,
  };
  // What cannot be selected in any profile is an error before the implementation starts.
  select(suite.cases, selection, wantedProfile ?? 'linux-2.6.29');

  const plan = await planOf(options);
  const make = implementationMaker(options, wantedProfile, true);
  const attached = await attach(make, options);
  if (typeof attached === 'number') return attached;
  const { implementation, declaration } = attached;
  try {
    const profile = agreedProfile(declaration, wantedProfile, implementation.label);
    const selected = select(suite.cases, selection, profile);
    const claimed = claimedCases(selected, declaration, options.class);
    if (plan.shard !== undefined) claimed.cases = casesOfShard(claimed.cases, plan.shard, plan.seconds);
    const head = headOf({
      label: implementation.label,
      declaration,
      shard: options.shard,
      rerun: rerunOptions(options),
    });
    const live = new LiveReports(requests, head);
    const expectations = new Expectations(known);
    const interruption = watchInterrupts();
    const progress = new Progress(claimed.cases.length * plan.repeat);
    const results = await runAsPlanned(plan, make, implementation, claimed.cases, {
      declaration,
      judging: judgingFor(declaration),
      stopAfter: options.failFast === true ? (result) => expectations.isRed(result) : undefined,
      timings: options.timings,
      interruption: interruption.signal,
      onRun: ({ verdict }) => progress.count(isBad(verdict)),
      onResult: (result) =>
        live.result(() => resultRecord(result, expectations.of(result), options.timings === true)),
    });
    interruption.end();
    progress.end();

    const complete = results.length === claimed.cases.length;
    const comparison = compareKnown(
      results,
      known,
      suite.cases,
      complete && plan.shard === undefined && selectsAll(selection),
    );
    const interrupted = interruption.signal.aborted;
    const problems = [
      ...idleGroups(results, selection, claimed.cases, plan.shard !== undefined).map(
        (group) => `no case of ${group} ran: that is not conformance`,
      ),
      ...missingVerdicts(results, claimed.cases.length, comparison, interrupted),
    ];
    const seconds = (performance.now() - began) / 1000;
    const record = recordOf({
      head,
      results,
      comparison,
      unspecified: selected.unspecified,
      notClaimed: claimed.notClaimed,
      otherProfile: selected.otherProfile,
      problems,
      interrupted,
      seconds: options.timings === true ? seconds : undefined,
    });
    live.end(record);
    await writeReports([record], {
      requests,
      live,
      color: options.color,
      failures: options.failures,
      seconds,
    });
    if (plan.update !== undefined) await update(plan.update, comparison, { suite: suite.cases, results });
    if (interrupted) return ExitCode.interrupted;
    return record.conforms ? ExitCode.conforms : ExitCode.doesNotConform;
  } finally {
    await implementation.stop();
  }
}

function selectsAll(selection: Selection): boolean {
  return Object.values(selection).every((list: readonly string[]) => list.length === 0);
}

/** Only what must be read is read: with plain patterns and behaviours, their folders. */
function foldersFor(patterns: readonly string[], options: RunCommandOptions): string[] | undefined {
  // Known failures are held against the whole suite, so that a stale entry is seen.
  if (options.expectations !== undefined || ownExpectations(options.impl) !== undefined) return undefined;
  const named =
    behavioursOfPatterns(patterns) ?? (options.behaviour.length > 0 ? options.behaviour : undefined);
  if (named === undefined) return undefined;
  checkNames('behaviour', named, behaviours());
  return named;
}

async function knownFailures(options: RunCommandOptions): Promise<KnownFailure[]> {
  const { expectations, updateExpectations = false } = options;
  // One that is to be written need not be there yet.
  const isThere = expectations !== undefined && (!updateExpectations || existsSync(expectations));
  const files = isThere ? [expectations] : [];
  const own = ownExpectations(options.impl);
  if (own !== undefined) files.push(own);
  return (await Promise.all(files.map(readKnownFailures))).flat();
}

/** The file of known deviations of an implementation that comes along, when it has one. */
export function ownExpectations(impl: string): string | undefined {
  if (!isBuiltIn(impl)) return undefined;
  const file = join(packageRoot, 'runner', 'implementations', impl, 'expectations.yaml');
  return existsSync(file) ? file : undefined;
}

function agreedProfile(declaration: Declaration, wanted: Profile | undefined, label: string): Profile {
  if (wanted !== undefined && wanted !== declaration.profile) {
    throw new UsageError(`${label} declares profile ${declaration.profile}, not ${wanted}`);
  }
  return declaration.profile;
}

/** Without --class only the classes that the implementation claims are run; the others are counted and told. */
function claimedCases(selected: Selected, declaration: Declaration, classes: readonly string[]) {
  if (classes.length > 0) return { cases: selected.cases, notClaimed: new Map<string, number>() };
  const isClaimed = (name: string): boolean => declaration.classes.some((claimed) => claimed === name);
  return {
    cases: selected.cases.filter((entry) => isClaimed(entry.class)),
    notClaimed: countBy(
      selected.cases.filter((entry) => !isClaimed(entry.class)),
      (entry) => entry.class,
    ),
  };
}

function countBy<T>(items: readonly T[], nameOf: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(nameOf(item), (counts.get(nameOf(item)) ?? 0) + 1);
  return counts;
}

function rerunOptions(options: RunCommandOptions): string {
  const profile = options.profile === undefined ? '' : ` --profile ${options.profile}`;
  return implementationWords(options) + profile;
}

/** Groups that were asked for by name and of which no case ran: all were unsupported. */
function idleGroups(
  results: readonly Result[],
  selection: Selection,
  cases: readonly Case[],
  isShard: boolean,
): string[] {
  const ran = results.filter(didRun).map((result) => result.case);
  // The cases of a group may all be in other shards.
  const isHere = (test: (entry: Case) => boolean): boolean => !isShard || cases.some(test);
  return [
    ...selection.classes
      .filter((name) => isHere((entry) => entry.class === name) && !ran.some((entry) => entry.class === name))
      .map((name) => `class ${name}`),
    ...selection.behaviours
      .filter(
        (name) =>
          isHere((entry) => entry.behaviour === name) && !ran.some((entry) => entry.behaviour === name),
      )
      .map((name) => `behaviour ${name}`),
  ];
}

function didRun({ verdict }: Result): boolean {
  return verdict === 'pass' || isBad(verdict);
}

/** Green needs cases that ran, and a verdict for each that was to run. What is red anyway needs no second reason. */
function missingVerdicts(
  results: readonly Result[],
  wanted: number,
  comparison: Comparison,
  interrupted: boolean,
): string[] {
  const missing = wanted - results.length;
  if (interrupted) return [`interrupted: ${missing} cases have no verdict`];
  const red = comparison.unexpected.length + comparison.unexpectedPasses.length;
  if (missing > 0 && red === 0) return [`${missing} cases have no verdict: that is not conformance`];
  return results.some(didRun) ? [] : ['no case ran: that is not conformance'];
}
