// SPDX-License-Identifier: GPL-2.0-or-later

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadSuite } from '../cases/suite.js';
import { Contest } from '../fuzz/contest.js';
import { FixtureMachines } from '../fuzz/fixtures.js';
import { type Finding, type FuzzReport, fuzz } from '../fuzz/fuzz.js';
import { type HostClass, type HostFuzzCase, hostRequest, originOf } from '../fuzz/host/case.js';
import { ClauseCoverage } from '../fuzz/host/clause-coverage.js';
import { Corpus, SuiteOnly } from '../fuzz/host/corpus.js';
import { HostKind, type Keeper } from '../fuzz/host/kind.js';
import type { Contestant, Kind } from '../fuzz/kind.js';
import { FAMILIES, type Family } from '../fuzz/machine.js';
import { ProcessorKind } from '../fuzz/processor.js';
import { CannotStart } from '../implementations/implementation.js';
import { createImplementation } from '../implementations/index.js';
import { watchInterrupts } from '../interrupts.js';
import { print } from '../report/output.js';
import { checkNames } from '../select.js';
import { readClauses } from '../spec.js';
import { ExitCode, UsageError } from '../usage.js';
import { profileOf } from './options.js';

export interface FuzzCommandOptions {
  impl: string[];
  profile?: string;
  against: string;
  againstProfile?: string;
  class: string;
  seed: number;
  first: number;
  cases?: number;
  time?: string;
  family: string[];
  differences: number;
  corpus?: string;
  out?: string;
}

const USUAL_TIME = '60s';

/** Random inputs on implementations and on the reference; the answer is the exit code. */
export async function fuzzCommand(options: FuzzCommandOptions): Promise<number> {
  for (const name of ['seed', 'first', 'cases', 'differences'] as const) requireNatural(name, options[name]);
  switch (options.class) {
    case 'processor':
      return fuzzProcessors(options);
    case 'host':
    case 'system':
      return fuzzHosts(options, options.class);
    default:
      throw new UsageError(`--class ${options.class}: there are processor, host and system`);
  }
}

async function fuzzProcessors(options: FuzzCommandOptions): Promise<number> {
  if (options.corpus !== undefined) throw new UsageError('--corpus is for the classes host and system');
  const names = options.impl.length === 0 ? ['native'] : options.impl;
  const families = familiesOf(options.family, names);
  return withContestants(options, names, (contestants) => {
    const kind = new ProcessorKind(options.seed, families, new FixtureMachines());
    return runContest(options, kind, contestants);
  });
}

async function fuzzHosts(options: FuzzCommandOptions, conformanceClass: HostClass): Promise<number> {
  if (options.family.length > 0) throw new UsageError('--family is for class processor');
  const names = options.impl.length === 0 ? ['reference'] : options.impl;
  // Counting has to begin before the reference is loaded.
  const coverage = options.corpus === undefined ? undefined : new ClauseCoverage(clauseIds());
  try {
    return await withContestants(options, names, async (contestants) => {
      const { cases } = await loadSuite();
      const does = (op: string): boolean =>
        contestants.every(({ declaration }) => declaration.operations?.includes(op) !== false);
      const origins = cases
        .filter((entry) => entry.class === conformanceClass)
        .flatMap((entry) => originOf(entry) ?? [])
        .filter(({ steps }) => steps.every(({ op }) => does(String(op))));
      if (origins.length === 0)
        throw new UsageError(`no case of class ${conformanceClass} has operations that all can do`);
      const keeper = keeperOf(options, conformanceClass, origins, coverage, contestants);
      const code = await runContest(options, new HostKind(options.seed, keeper, does), contestants);
      if (keeper instanceof Corpus && coverage !== undefined) showClauses(keeper, coverage);
      return code;
    });
  } finally {
    coverage?.stop();
  }
}

const clauseIds = (): Set<string> => new Set(readClauses().map(({ id }) => id));

function keeperOf(
  { corpus, against }: FuzzCommandOptions,
  conformanceClass: HostClass,
  origins: readonly HostFuzzCase[],
  coverage: ClauseCoverage | undefined,
  [reference]: readonly Contestant[],
): Keeper {
  if (corpus === undefined || coverage === undefined || reference === undefined)
    return new SuiteOnly(origins);
  if (against !== 'reference')
    throw new UsageError('--corpus needs --against reference, whose clauses are counted');
  const { implementation, declaration } = reference;
  const run = (entry: HostFuzzCase): void => {
    try {
      void implementation.run(hostRequest(entry, declaration.profile));
    } catch {
      // What falls has been judged already; here only the way there counts.
    }
  };
  return new Corpus(corpus, conformanceClass, origins, coverage, run);
}

function showClauses(corpus: Corpus, coverage: ClauseCoverage): void {
  const named = coverage.named;
  const missing = [...named].filter((clause) => !corpus.reached.has(clause)).sort();
  print(
    `# ${corpus.kept} inputs kept, which reach ${named.size - missing.length} of ${named.size} clauses of the host`,
  );
  if (missing.length > 0) print(`# not reached: ${missing.join(' ')}`);
}

/** Starts the one that is doubted and the others, in this order, and stops them whatever happens. */
async function withContestants(
  options: FuzzCommandOptions,
  names: readonly string[],
  work: (contestants: readonly Contestant[]) => Promise<number>,
): Promise<number> {
  const started: Contestant[] = [];
  try {
    started.push(await contestant(options.against, options.againstProfile));
    for (const name of names) started.push(await contestant(name, options.profile));
    return await work(started);
  } catch (error) {
    if (!(error instanceof CannotStart)) throw error;
    process.stderr.write(`lguest-conformance: cannot be started: ${error.message}\n${error.cure}\n`);
    return ExitCode.cannotStart;
  } finally {
    for (const { implementation } of started) await implementation.stop();
  }
}

async function contestant(name: string, profile: string | undefined): Promise<Contestant> {
  const wanted = profile === undefined ? undefined : profileOf(profile);
  const implementation = await createImplementation(name, { profile: wanted, timeoutFactor: 1 });
  return { implementation, declaration: await implementation.start() };
}

async function runContest<Entry extends { id: string }>(
  options: FuzzCommandOptions,
  kind: Kind<Entry>,
  [reference, ...others]: readonly Contestant[],
): Promise<number> {
  if (reference === undefined) throw new UsageError('--against needs the name of an implementation');
  const contest = new Contest<Entry>(reference, others, kind);
  const interruption = watchInterrupts();
  const plan = {
    ...{ first: options.first, cases: options.cases ?? Number.POSITIVE_INFINITY },
    ...{ milliseconds: durationOf(options), most: options.differences },
  };
  const about = `Cases that fuzzing ${contest.labels.join(' and ')} has found with seed ${options.seed}.`;
  const listener = { progress: showProgress, finding: findingPrinter<Entry>(about, kind) };
  const report = await fuzz<Entry>(kind, contest, plan, listener, interruption.signal);
  interruption.end();
  endProgress();
  summary(report, options);
  if (options.out !== undefined) writeFindings<Entry>(options.out, about, kind, report);
  return report.interrupted ? ExitCode.interrupted : exitCode(report);
}

function requireNatural(name: string, value: number | undefined): void {
  if (value === undefined || (Number.isInteger(value) && value >= 0)) return;
  throw new UsageError(`--${name} needs a whole number of 0 or more`);
}

/** Those that were named, or all that the implementations can have. */
function familiesOf(wanted: readonly string[], implementations: readonly string[]): readonly Family[] {
  checkNames(
    'family',
    wanted,
    FAMILIES.map(({ name }) => name),
  );
  if (wanted.length > 0) return FAMILIES.filter(({ name }) => wanted.includes(name));
  const hasNative = implementations.includes('native');
  return FAMILIES.filter(({ isNative, isOpen }) => (hasNative ? isNative : isOpen !== true));
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

function durationOf({ time, cases }: FuzzCommandOptions): number {
  if (time === undefined && cases !== undefined) return Number.POSITIVE_INFINITY;
  const [, number, unit = 's'] = /^(\d+)([smh]?)$/.exec(time ?? USUAL_TIME) ?? [];
  if (number === undefined) throw new UsageError(`--time ${time}: write 90s, 5m or 1h`);
  return Number(number) * (UNITS[unit || 's'] ?? 1000);
}

function showProgress(report: FuzzReport<unknown>, seconds: number): void {
  if (!process.stderr.isTTY) return;
  const rate = Math.round(report.ran / Math.max(seconds, 0.001));
  process.stderr.write(`\r${report.ran} cases, ${rate} a second, ${report.different} different\x1b[K`);
}

function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
}

/** Prints what was found as the text of a file of cases, as it comes. */
function findingPrinter<Entry extends { id: string }>(
  about: string,
  kind: Kind<Entry>,
): (finding: Finding<Entry>) => void {
  let hasHead = false;
  return ({ entry, text }) => {
    endProgress();
    if (!hasHead) print(kind.fileHead(about, entry));
    hasHead = true;
    print(text);
  };
}

function writeFindings<Entry extends { id: string }>(
  folder: string,
  about: string,
  kind: Kind<Entry>,
  { findings }: FuzzReport<Entry>,
): void {
  mkdirSync(folder, { recursive: true });
  for (const { entry, text } of findings) {
    writeFileSync(join(folder, `${entry.id}.yaml`), `${kind.fileHead(about, entry)}\n${text}\n`);
  }
}

function summary(report: FuzzReport<unknown>, { seed, first }: FuzzCommandOptions): void {
  print(
    `# seed ${seed}, from case ${first}: ${report.ran} cases, of which ${totalOf(report.unanswered)} could not be run, ` +
      `${report.different} differed, ${report.findings.length} kinds told`,
  );
  for (const [by, count] of commonFirst(report.explained))
    print(`#   ${count} differ as they have to: ${by}`);
  for (const [reason, count] of commonFirst(report.unanswered)) print(`#   ${count} not run: ${reason}`);
}

const commonFirst = (counts: ReadonlyMap<string, number>): [string, number][] =>
  [...counts].sort(([, one], [, two]) => two - one);

const totalOf = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((sum, count) => sum + count, 0);

/** Nothing is proved when nothing could be run. */
function exitCode({ different, ran, unanswered }: FuzzReport<unknown>): number {
  return different === 0 && totalOf(unanswered) < ran ? ExitCode.conforms : ExitCode.doesNotConform;
}
