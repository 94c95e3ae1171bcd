// SPDX-License-Identifier: GPL-2.0-or-later

/** The list of mutants of which it is argued that nobody can tell them from the reference. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DataMap, isMap } from '../cases/case.js';
import { formatProblem, type Problem } from '../cases/problem.js';
import { parseYaml } from '../cases/yaml.js';
import { packageRoot } from '../package.js';
import { UsageError } from '../usage.js';
import { type MutantName, type MutantView, sameMutant } from './mutant.js';

const FILE = 'runner/strength/equivalent.yaml';

export interface Equivalent extends MutantName {
  reason: string;
  /** Where the entry stands. */
  place: string;
}

/** Reads the checked-in list of {file, line, mutants: [name], reason}. */
export function readEquivalents(): Equivalent[] {
  return equivalentsIn(FILE, readFileSync(join(packageRoot, FILE), 'utf8'));
}

export function equivalentsIn(file: string, text: string): Equivalent[] {
  const problems: Problem[] = [];
  const yaml = parseYaml(file, text, problems);
  if (yaml === undefined || problems.length > 0) throw new UsageError(problems.map(formatProblem).join('\n'));
  if (!Array.isArray(yaml.data)) throw new UsageError(`${file} is not a YAML list`);
  return yaml.data.flatMap((item, index) => {
    const place = `${file}:${yaml.place([index]).line}`;
    return entriesIn(isMap(item) ? item : {}, place);
  });
}

function entriesIn({ file, line, mutants, reason, ...others }: DataMap, place: string): Equivalent[] {
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) throw new UsageError(`${place}: unknown key "${unknown}"`);
  if (typeof file !== 'string' || typeof line !== 'string' || !Array.isArray(mutants)) {
    throw new UsageError(`${place}: an entry has file, line and a list of mutants`);
  }
  if (typeof reason !== 'string' || reason.trim() === '') {
    throw new UsageError(`${place}: the entry has no reason`);
  }
  return mutants.map((mutant) => ({ file, line: line.trim(), mutant: String(mutant), reason, place }));
}

/** What is wrong with the list, after a run that has mutated these files from end to end. */
export function staleEntries(
  entries: readonly Equivalent[],
  mutants: readonly MutantView[],
  wholeFiles: ReadonlySet<string>,
): string[] {
  return entries.flatMap((entry) => {
    const meant = mutants.filter(({ name }) => sameMutant(name, entry));
    if (meant.length === 0) {
      return wholeFiles.has(entry.file) ? [`${entry.place}: there is no such mutant: ${entry.mutant}`] : [];
    }
    const killed = meant.find(({ fate }) => fate !== 'survived');
    if (killed === undefined) return [];
    return [`${entry.place}: not equivalent: ${entry.mutant} (${killed.fate}: ${killed.reason})`];
  });
}
