// SPDX-License-Identifier: GPL-2.0-or-later

/** A mutant as it is told to people and matched with lists. */

import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { MutantResult } from '@stryker-mutator/api/core';
import { packageRoot } from '../package.js';
import { readClauses } from '../spec.js';
import { ClauseMarks } from './clause-marks.js';

/** What is true of it whatever the lines above it do. */
export interface MutantName {
  /** From the root of the package. */
  file: string;
  /** The text of its first line, trimmed. */
  line: string;
  /** The mutated text itself; of several lines the blanks are one. */
  original: string;
  replacement: string;
  mutator: string;
}

export interface MutantView extends MutantName {
  /** Counted from 1. */
  at: { line: number; column: number };
  /** Named by the nearest comment. */
  clauses: readonly string[];
}

const LONGEST = 100;

/** Reads the sources that mutants are in. */
export class Sources {
  private readonly known = new Map<string, { lines: string[]; marks: ClauseMarks }>();
  private readonly clauses = new Set(readClauses().map(({ id }) => id));

  view({ fileName, location, mutatorName, replacement }: MutantResult): MutantView {
    const file = relative(packageRoot, fileName).replaceAll('\\', '/');
    const { lines, marks } = this.read(file);
    const { start, end } = location;
    const text = lines.slice(start.line - 1, end.line);
    const last = text.length - 1;
    text[last] = (text[last] ?? '').slice(0, end.column - 1);
    text[0] = (text[0] ?? '').slice(start.column - 1);
    return {
      file,
      at: start,
      line: (lines[start.line - 1] ?? '').trim(),
      original: oneLine(text.join(' ')),
      replacement: oneLine(replacement ?? ''),
      mutator: mutatorName,
      clauses: marks.at(start.line),
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

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST - 3)}...`;
}

/** Whether both are the same mutant. */
export function sameMutant(a: MutantName, b: MutantName): boolean {
  return (
    a.file === b.file &&
    a.line === b.line &&
    a.original === b.original &&
    a.replacement === b.replacement &&
    a.mutator === b.mutator
  );
}
