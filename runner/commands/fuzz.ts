// SPDX-License-Identifier: GPL-2.0-or-later

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Contest, type Contestant } from '../fuzz/contest.js';
import { FixtureMachines } from '../fuzz/fixtures.js';
import { type FuzzReport, fuzz } from '../fuzz/fuzz.js';
import { FAMILIES, type Family } from '../fuzz/machine.js';
import { fileHead } from '../fuzz/yaml.js';
import { CannotStart } from '../implementations/implementation.js';
import { createImplementation } from '../implementations/index.js';
import { print } from '../report/output.js';
import { checkNames } from '../select.js';
import { ExitCode, UsageError } from '../usage.js';

export interface FuzzCommandOptions {
  impl: string[];
  against: string;
  class: string;
  seed: number;
  first: number;
  cases?: number;
  time?: string;
  family: string[];
  differences: number;
  out?: string;
}

const USUAL_TIME = '60s';

/** Random cases on implementations and on the reference; the answer is the exit code. */
export async function fuzzCommand(options: FuzzCommandOptions): Promise<number> {
  if (options.class !== 'processor') throw new UsageError('only class processor can be fuzzed');
  for (const name of ['seed', 'first', 'cases', 'differences'] as const) requireNatural(name, options[name]);
  const names = options.impl.length === 0 ? ['native'] : options.impl;
  const families = familiesOf(options.family, names);
  const milliseconds = durationOf(options);
  const started: Contestant[] = [];
  try {
    for (const name of [options.against, ...names]) started.push(await contestant(name));
    const [reference, ...others] = started;
    if (reference === undefined) throw new UsageError('--against needs the name of an implementation');
    const fixtures = new FixtureMachines();
    const contest = new Contest(reference, others, fixtures);
    const interruption = watchInterrupts();
    const plan = {
      ...{ seed: options.seed, first: options.first, cases: options.cases ?? Number.POSITIVE_INFINITY },
      ...{ milliseconds, families, most: options.differences },
    };
    const about = `Cases that fuzzing has found with seed ${options.seed}, as ${contest.labels.join(' and ')} did them.`;
    const listener = { progress: showProgress, finding: findingPrinter(about) };
    const report = await fuzz(contest, fixtures, plan, listener, interruption.signal);
    interruption.end();
    endProgress();
    summary(report, options);
    if (options.out !== undefined) writeFindings(options.out, about, report);
    if (report.interrupted) return ExitCode.interrupted;
    return exitCode(report);
  } catch (error) {
    if (!(error instanceof CannotStart)) throw error;
    process.stderr.write(`lguest-conformance: cannot be started: ${error.message}\n${error.cure}\n`);
    return ExitCode.cannotStart;
  } finally {
    for (const { implementation } of started) await implementation.stop();
  }
}

function requireNatural(name: string, value: number | undefined): void {
  if (value === undefined || (Number.isInteger(value) && value >= 0)) return;
  throw new UsageError(`--${name} needs a whole number of 0 or more`);
}

async function contestant(name: string): Promise<Contestant> {
  const implementation = await createImplementation(name, { profile: undefined, timeoutFactor: 1 });
  return { implementation, declaration: await implementation.start() };
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

function showProgress(report: FuzzReport, seconds: number): void {
  if (!process.stderr.isTTY) return;
  const rate = Math.round(report.ran / Math.max(seconds, 0.001));
  process.stderr.write(`\r${report.ran} cases, ${rate} a second, ${report.different} different\x1b[K`);
}

function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
}

/** Prints what was found as the text of a file of cases, as it comes. */
function findingPrinter(about: string): (finding: { text: string }) => void {
  let hasHead = false;
  return ({ text }) => {
    endProgress();
    if (!hasHead) print(fileHead(about));
    hasHead = true;
    print(text);
  };
}

function writeFindings(folder: string, about: string, { findings }: FuzzReport): void {
  mkdirSync(folder, { recursive: true });
  for (const { entry, text } of findings) {
    writeFileSync(join(folder, `${entry.id}.yaml`), `${fileHead(about)}\n${text}\n`);
  }
}

function summary(report: FuzzReport, { seed, first }: FuzzCommandOptions): void {
  const unanswered = [...report.unanswered].sort(([, one], [, two]) => two - one);
  const total = unanswered.reduce((sum, [, count]) => sum + count, 0);
  print(
    `# seed ${seed}, from case ${first}: ${report.ran} cases, of which ${total} could not be run, ` +
      `${report.different} differed, ${report.findings.length} kinds told`,
  );
  for (const [reason, count] of unanswered) print(`#   ${count} not run: ${reason}`);
}

/** Nothing is proved when nothing could be run. */
function exitCode(report: FuzzReport): number {
  const total = [...report.unanswered.values()].reduce((sum, count) => sum + count, 0);
  return report.different === 0 && total < report.ran ? ExitCode.conforms : ExitCode.doesNotConform;
}

/** The first Ctrl-C ends the run with what is known; a second one ends the program. */
function watchInterrupts() {
  const controller = new AbortController();
  function onInterrupt(): void {
    if (controller.signal.aborted) process.exit(ExitCode.interrupted);
    controller.abort();
  }
  process.on('SIGINT', onInterrupt);
  return { signal: controller.signal, end: () => process.removeListener('SIGINT', onInterrupt) };
}
