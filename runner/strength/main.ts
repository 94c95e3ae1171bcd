// SPDX-License-Identifier: GPL-2.0-or-later

/** `npm run strength`: whether the cases notice when the reference is changed in any small way. */

import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { formatProblem } from '../cases/problem.js';
import { loadSuite } from '../cases/suite.js';
import { runTool } from '../tool.js';
import { ExitCode, UsageError } from '../usage.js';
import { Coverage } from './coverage.js';
import { type Equivalent, readEquivalents, staleEntries } from './equivalent.js';
import {
  equivalentIn,
  isStrongEnough,
  keepFile,
  partFiguresOf,
  percent,
  readFigures,
  type Strength,
  score,
  strengthOf,
  writeFigures,
} from './figures.js';
import { measure } from './measure.js';
import { type MutantName, type MutantView, Sources, sameMutant } from './mutant.js';
import { filesOf, PART_NAMES, PARTS, type PartName, partOf } from './parts.js';
import { type Scope, type ScopeOptions, scopeOf } from './scope.js';
import { type Reached, survivorText } from './told.js';
import { onWholeFile } from './whole-files.js';

interface Options extends ScopeOptions {
  thorough: boolean;
  jobs: number;
}

const CASES_NAMED = 3;

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('a whole number from 1.');
  return number;
}

const command = new Command('strength')
  .description(
    'Changes the reference in many small ways, one after the other, and tells which changes no case notices. A full run of a part, ' +
      'or --again, writes its figures to runner/strength/figures.json.',
  )
  .addOption(new Option('--part <name>', 'only this part of the reference').choices(PART_NAMES))
  .addOption(
    new Option(
      '--again',
      'only what the last full run has left open: files that have changed since, and what survived it without an argument',
    ).conflicts(['since', 'sample']),
  )
  .option('--files <pattern...>', 'only these files: * within a folder, ** across folders')
  .option('--since <commit>', 'only files that have changed since')
  .option('--sample <count>', 'only so many stretches of six lines, drawn by the seed', wholeNumber)
  .option('--seed <number>', 'another seed, another sample', wholeNumber, 1)
  .option(
    '--thorough',
    'try also what is argued to be equivalent with all cases that may notice it, however long that takes',
    false,
  )
  .option('--jobs <count>', 'processes', wholeNumber, availableParallelism())
  .action(async (options: Options) => {
    process.exitCode = await strength(options);
  });

async function strength({ jobs, thorough, ...options }: Options): Promise<number> {
  const equivalents = readEquivalents();
  const scope = scopeOf(options, equivalentIn(equivalents));
  if (scope.mutate.length === 0) {
    console.log('nothing to mutate: no file has changed');
    return ExitCode.conforms;
  }
  await refuseProblems();
  const folder = mkdtempSync(join(tmpdir(), 'strength-'));
  try {
    const sources = new Sources();
    if (scope.whole)
      onWholeFile((results) =>
        keepWholeFile(
          scope,
          results.map((result) => sources.view(result)),
        ),
      );
    const results = await measure({ mutate: scope.mutate, thorough, jobs, folder });
    const mutants = results.map((result) => sources.view(result));
    return report(scope, mutants, equivalents, reachedIn(folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What is found is kept file by file. */
function keepWholeFile({ before }: Scope, mutants: readonly MutantView[]): void {
  const file = mutants[0]?.name.file;
  if (file !== undefined) keepFile(file, before[partOf(file)], mutants);
}

/** Nothing is measured with cases that cannot be read. */
async function refuseProblems(): Promise<void> {
  const { problems } = await loadSuite();
  if (problems.length > 0) throw new UsageError(problems.map(formatProblem).join('\n'));
}

/** Which cases came to a mutant. */
function reachedIn(folder: string): (mutant: MutantView) => Reached {
  const coverage = Coverage.read(folder);
  return ({ id }) => {
    const names = coverage.namesReaching(id);
    return { count: names.length, some: names.slice(0, CASES_NAMED) };
  };
}

function report(
  scope: Scope,
  mutants: readonly MutantView[],
  equivalents: readonly Equivalent[],
  reachedBy: (mutant: MutantView) => Reached,
): number {
  const isEquivalent = equivalentIn(equivalents);
  const survivors = mutants.filter(({ fate, name }) => fate === 'survived' && !isEquivalent(name));
  if (survivors.length > 0) console.log(`\n${survivorText(survivors, reachedBy)}\n`);
  tellUnjudged(mutants);
  const problems = staleEntries(equivalents, mutants, new Set(scope.mutate));
  for (const part of scope.parts) {
    const own = mutants.filter(({ name }) => partOf(name.file) === part);
    problems.push(
      ...(scope.whole ? judgedWhole(part, scope, own, isEquivalent) : judgedPartly(part, own, isEquivalent)),
    );
  }
  for (const problem of problems) console.log(`FAIL ${problem}`);
  return problems.length === 0 ? ExitCode.conforms : ExitCode.doesNotConform;
}

/** Tells the figures of a part, keeps them, and returns what is wrong with them. */
function judgedWhole(
  part: PartName,
  { before, files }: Scope,
  mutants: readonly MutantView[],
  isEquivalent: (name: MutantName) => boolean,
): string[] {
  const figures = partFiguresOf(filesOf(part), before[part], mutants, new Set(files));
  const strength = strengthOf(figures, isEquivalent);
  if (strength.mutants === 0) return [`${part}: there is no mutant`];
  tell(part, strength);
  writeFigures({ ...readFigures(), [part]: figures });
  if (isStrongEnough(part, strength)) return [];
  return [`${part}: ${percent(score(strength))} is less than ${percent(PARTS[part].threshold)}`];
}

/** Tells the figures of some of a part. There the threshold means little: what survived the last full run may survive. */
function judgedPartly(
  part: PartName,
  mutants: readonly MutantView[],
  isEquivalent: (name: MutantName) => boolean,
): string[] {
  const files = [...new Set(mutants.map(({ name }) => name.file))];
  const strength = strengthOf(partFiguresOf(files, undefined, mutants, new Set(files)), isEquivalent);
  if (strength.mutants === 0) return [];
  tell(part, strength);
  const known = readFigures()[part];
  if (known === undefined) {
    console.log(`${part}: never measured in full, so that nothing says which mutants may survive`);
    return [];
  }
  const measured = strength.survivors.filter(({ file }) => known.files[file] !== undefined);
  return unknownSurvivors(measured, strengthOf(known, isEquivalent).survivors);
}

function tell(part: PartName, strength: Strength): void {
  const { mutants, killed, endless, equivalent, survivors } = strength;
  console.log(
    `${part}: ${mutants} mutants, ${killed} killed (${endless} did not end), ${equivalent} equivalent, ` +
      `${survivors.length} survived: ${percent(score(strength))}`,
  );
}

/** What survives, but did not survive the last full run. */
function unknownSurvivors(survivors: readonly MutantName[], known: readonly MutantName[]): string[] {
  return survivors
    .filter((name) => !known.some((other) => sameMutant(name, other)))
    .map(
      ({ file, line, mutant }) =>
        `${file}: ${mutant}, in "${line}", survives; after the last full run it did not`,
    );
}

function tellUnjudged(mutants: readonly MutantView[]): void {
  const counts = new Map<string, number>();
  for (const { fate, reason } of mutants) {
    if (fate === 'unjudged') counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  for (const [reason, count] of counts) console.log(`${count} mutants not tried: ${reason}`);
}

await runTool(command);
