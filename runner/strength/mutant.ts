// SPDX-License-Identifier: GPL-2.0-or-later

/** A mutant as it is told to people and matched with lists. */

import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { MutantResult } from '@stryker-mutator/api/core';
import { packageRoot } from '../package.js';
import { readClauses } from '../spec.js';
import { ClauseMarks } from './clause-marks.js';

/** Which mutant it is, whatever the lines above it do. */
export interface MutantName {
  /** From the root of the package. */
  file: string;
  /** The text of the line in which it begins, trimmed. */
  line: string;
  /** `Mutator: original => replacement`. */
  mutant: string;
}

/** What has become of it. */
export type Fate = 'killed' | 'endless' | 'crashed' | 'survived' | 'unjudged';

export interface MutantView {
  name: MutantName;
  fate: Fate;
  /** Stryker's number of it, in this run. */
  id: number;
  /** Counted from 1. */
  at: { line: number; column: number };
  /** The line in which it ends. */
  end: number;
  original: string;
  replacement: string;
  /** Named by the nearest comment. */
  clauses: readonly string[];
  /** The case that killed it, and how; why it is not judged; how it crashed. */
  reason: string;
}

/** What Stryker says of a mutant before it is tried; lines and columns are counted from 1. */
export type MutantText = Pick<MutantResult, 'fileName' | 'location' | 'mutatorName' | 'replacement'>;

/** In a name, a longer text is cut. */
const LONGEST = 120;

/** Reads the sources that mutants are in. */
export class Sources {
  private readonly known = new Map<string, { lines: string[]; marks: ClauseMarks }>();
  private readonly clauses = new Set(readClauses().map(({ id }) => id));

  view(result: MutantResult): MutantView {
    const { id, location, status, statusReason = '' } = result;
    const { start, end } = location;
    const { marks, original, replacement, name } = this.described(result);
    return {
      ...{ name, original, replacement, id: Number(id), at: start, end: end.line },
      fate: fateOf(status),
      reason: statusReason,
      clauses: marks.at(start.line),
    };
  }

  /** What it is, and the comments and mnemonics of its file. */
  described(mutant: MutantText): {
    name: MutantName;
    marks: ClauseMarks;
    original: string;
    replacement: string;
  } {
    const { fileName, location, mutatorName } = mutant;
    const file = relative(packageRoot, fileName).replaceAll('\\', '/');
    const { lines, marks } = this.read(file);
    const original = textOf(lines, location);
    const replacement = oneLine(mutant.replacement ?? '');
    const line = (lines[location.start.line - 1] ?? '').trim();
    return {
      name: { file, line, mutant: `${mutatorName}: ${original} => ${replacement}` },
      marks,
      original,
      replacement,
    };
  }

  private read(file: string): { lines: string[]; marks: ClauseMarks } {
    let known = this.known.get(file);
    if (known === undefined) {
      const text = readFileSync(join(packageRoot, file), 'utf8');
      known = { lines: text.split('\n'), marks: new ClauseMarks(text, this.clauses) };
      this.known.set(file, known);
    }
    return known;
  }
}

function fateOf(status: MutantResult['status']): Fate {
  switch (status) {
    case 'Killed':
      return 'killed';
    case 'Timeout':
      return 'endless';
    case 'RuntimeError':
      return 'crashed';
    case 'Survived':
    case 'NoCoverage':
      return 'survived';
    case 'Ignored':
      return 'unjudged';
    case 'CompileError':
    case 'Pending':
      throw new Error(`a mutant has no fate but ${status}`);
  }
}

function textOf(lines: readonly string[], { start, end }: MutantResult['location']): string {
  const text = lines.slice(start.line - 1, end.line);
  const last = text.length - 1;
  text[last] = (text[last] ?? '').slice(0, end.column - 1);
  text[0] = (text[0] ?? '').slice(start.column - 1);
  return oneLine(text.join(' '));
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST - 3)}...`;
}

export function sameMutant(a: MutantName, b: MutantName): boolean {
  return a.file === b.file && a.line === b.line && a.mutant === b.mutant;
}
