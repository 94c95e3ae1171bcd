// SPDX-License-Identifier: GPL-2.0-or-later

/** What the last full measurement has found, by file: it is checked in, so that a later one can begin where it ended. */

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../package.js';
import { type MutantName, type MutantView, sameMutant } from './mutant.js';
import { PARTS, type PartName, partOf } from './parts.js';

const PATH = join(packageRoot, 'runner', 'strength', 'figures.json');
const DIGEST_DIGITS = 16;

/** A mutant that no case has noticed, equivalent or not. */
export interface Survivor {
  /** Where it begins: line and column, counted from 1. */
  at: string;
  /** The line in which it ends. */
  end: number;
  /** The text of the line in which it begins, trimmed. */
  line: string;
  /** `Mutator: original => replacement`. */
  mutant: string;
}

export interface FileFigures {
  /** Begins the SHA-256 of the text that was mutated. */
  text: string;
  killed: number;
  /** Killed because they did not end, or ended the process; among the killed. */
  endless: number;
  survived: Survivor[];
}

export interface PartFigures {
  /** The day of the last measurement, as YYYY-MM-DD. */
  date: string;
  files: Record<string, FileFigures>;
}

export type Figures = Partial<Record<PartName, PartFigures>>;

/** The strength of some files, as it is told. */
export interface Strength {
  /** All but those of text for people. */
  mutants: number;
  killed: number;
  /** Among the killed. */
  endless: number;
  equivalent: number;
  survivors: MutantName[];
}

export function readFigures(): Figures {
  return JSON.parse(readFileSync(PATH, 'utf8')) as Figures;
}

export function writeFigures(figures: Figures): void {
  writeFileSync(PATH, `${JSON.stringify(figures, null, 2)}\n`);
}

/** Of the mutants of one file, all of them, what is kept. */
export function figuresOf(mutants: readonly MutantView[], text: string): FileFigures {
  const judged = mutants.filter(({ fate }) => fate !== 'unjudged');
  const survived = judged.filter(({ fate }) => fate === 'survived');
  return {
    text,
    killed: judged.length - survived.length,
    endless: judged.filter(isEndless).length,
    survived: survived.map(survivor),
  };
}

/** The same when only mutants that had survived were tried again, perhaps among others that stand in the same lines. */
export function figuresAgain(before: FileFigures, mutants: readonly MutantView[]): FileFigures {
  const tried = mutants.filter((mutant) => before.survived.some((one) => isSame(one, mutant)));
  const gone = tried.filter(({ fate }) => fate !== 'survived');
  const killed = gone.filter(({ fate }) => fate !== 'unjudged');
  return {
    text: before.text,
    killed: before.killed + killed.length,
    endless: before.endless + killed.filter(isEndless).length,
    survived: before.survived.filter((one) => !gone.some((mutant) => isSame(one, mutant))),
  };
}

/**
 * What is kept of files. One that has not changed since it was measured keeps what was found but for what was tried again;
 * one that was not `measured` keeps all of it.
 */
export function partFiguresOf(
  files: readonly string[],
  before: PartFigures | undefined,
  mutants: readonly MutantView[],
  measured: ReadonlySet<string>,
): PartFigures {
  const figures = files.flatMap((file): [string, FileFigures][] => {
    const known = before?.files[file];
    if (!measured.has(file)) return known === undefined ? [] : [[file, known]];
    return [[file, fileFiguresOf(file, known, mutants)]];
  });
  return { date: today(), files: Object.fromEntries(figures) };
}

/** Writes what was found in one file, all of whose mutants were tried, so that a measurement that is ended early keeps it. */
export function keepFile(
  file: string,
  before: PartFigures | undefined,
  mutants: readonly MutantView[],
): void {
  const kept = readFigures();
  const part = partOf(file);
  const own = fileFiguresOf(file, before?.files[file], mutants);
  writeFigures({ ...kept, [part]: { date: today(), files: { ...kept[part]?.files, [file]: own } } });
}

function fileFiguresOf(
  file: string,
  known: FileFigures | undefined,
  mutants: readonly MutantView[],
): FileFigures {
  const own = mutants.filter(({ name }) => name.file === file);
  const text = digestOf(file);
  return known?.text === text ? figuresAgain(known, own) : figuresOf(own, text);
}

const today = (): string => new Date().toISOString().slice(0, 10);

/**
 * What a measurement that goes on from the last one mutates of a file: all of it when it has changed since, else what survived
 * and is not argued to be equivalent.
 */
export function leftOpen(
  file: string,
  before: Figures,
  isEquivalent: (name: MutantName) => boolean,
): string[] {
  const known = before[partOf(file)]?.files[file];
  if (known?.text !== digestOf(file)) return [file];
  const ranges = known.survived
    .filter(({ line, mutant }) => !isEquivalent({ file, line, mutant }))
    .map(({ at, end }) => `${file}:${Number.parseInt(at, 10)}-${end}`);
  return [...new Set(ranges)];
}

function digestOf(file: string): string {
  const text = readFileSync(join(packageRoot, file));
  return createHash('sha256').update(text).digest('hex').slice(0, DIGEST_DIGITS);
}

function isEndless({ fate }: MutantView): boolean {
  return fate === 'endless' || fate === 'crashed';
}

function survivor({ at, end, name }: MutantView): Survivor {
  return { at: `${at.line}:${at.column}`, end, line: name.line, mutant: name.mutant };
}

function isSame(one: Survivor, { at, name }: MutantView): boolean {
  return one.at === `${at.line}:${at.column}` && one.mutant === name.mutant;
}

/** The strength of all files of a part together. */
export function strengthOf({ files }: PartFigures, isEquivalent: (name: MutantName) => boolean): Strength {
  const figures = Object.values(files);
  const sum = (of: (one: FileFigures) => number): number => figures.reduce((so, one) => so + of(one), 0);
  const survived = Object.entries(files).flatMap(([file, own]) =>
    own.survived.map(({ line, mutant }) => ({ file, line, mutant })),
  );
  const survivors = survived.filter((name) => !isEquivalent(name));
  const killed = sum((one) => one.killed);
  return {
    mutants: killed + survived.length,
    killed,
    endless: sum((one) => one.endless),
    equivalent: survived.length - survivors.length,
    survivors,
  };
}

export function equivalentIn(entries: readonly MutantName[]): (name: MutantName) => boolean {
  return (name) => entries.some((entry) => sameMutant(entry, name));
}

/** The share of the mutants, equivalent ones aside, that the cases kill. */
export function score({ mutants, killed, equivalent }: Strength): number {
  return mutants === equivalent ? 1 : killed / (mutants - equivalent);
}

/** A share that is not quite 1 is never told as 100 %. */
export function percent(share: number): string {
  return `${(Math.floor(share * 1000) / 10).toFixed(1)} %`;
}

export function isStrongEnough(part: PartName, strength: Strength): boolean {
  return score(strength) >= PARTS[part].threshold;
}
