// SPDX-License-Identifier: GPL-2.0-or-later

/** What of the reference a measurement mutates. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../package.js';
import { patternOf } from '../select.js';
import { UsageError } from '../usage.js';
import { type Figures, leftOpen, readFigures } from './figures.js';
import type { MutantName } from './mutant.js';
import { filesOf, PART_NAMES, type PartName, partOf } from './parts.js';
import { shuffled } from './shuffled.js';

export interface ScopeOptions {
  part?: PartName;
  files?: readonly string[];
  /** A commit: only files that have changed since. */
  since?: string;
  /** So many stretches of lines, by the seed. */
  sample?: number;
  seed: number;
  /** Only what the last full measurement has left open. */
  again?: boolean;
}

export interface Scope {
  parts: readonly PartName[];
  /** The files that it is about. */
  files: readonly string[];
  /** Files, or ranges of their lines, as Stryker takes them. */
  mutate: readonly string[];
  /** Together with what is known already, whole parts are measured. */
  whole: boolean;
  /** What is known already. */
  before: Figures;
}

/** Lines of a sample that stand together, so that a mutant of several lines has its chance. */
const STRETCH = 6;

/** @param isEquivalent what need not be tried again */
export function scopeOf(options: ScopeOptions, isEquivalent: (name: MutantName) => boolean): Scope {
  const parts = options.part === undefined ? PART_NAMES : [options.part];
  let files = parts.flatMap(filesOf);
  if (options.files !== undefined) files = matching(files, options.files);
  if (options.again === true) {
    const before = readFigures();
    const own = parts.filter((part) => files.some((file) => partOf(file) === part));
    return {
      parts: own,
      files,
      mutate: files.flatMap((file) => leftOpen(file, before, isEquivalent)),
      whole: true,
      before,
    };
  }
  if (options.since !== undefined) {
    const changed = changedSince(options.since);
    files = files.filter((file) => changed.has(file));
  }
  const mutate = options.sample === undefined ? files : stretches(files, options.sample, options.seed);
  const whole = [options.files, options.since, options.sample].every((limit) => limit === undefined);
  return { parts, files, mutate, whole, before: {} };
}

/** The files that any of the patterns means; each of them must mean one. */
function matching(files: readonly string[], patterns: readonly string[]): string[] {
  const found = patterns.map((pattern) => {
    const expression = patternOf(pattern);
    const own = files.filter((file) => expression.test(file));
    if (own.length === 0) throw new UsageError(`no file that is mutated matches "${pattern}"`);
    return own;
  });
  return [...new Set(found.flat())];
}

function changedSince(commit: string): Set<string> {
  try {
    const names = execFileSync('git', ['diff', '--name-only', '--relative', commit, '--', 'reference'], {
      cwd: packageRoot,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Set(names.split('\n'));
  } catch {
    throw new UsageError(`git cannot tell what has changed since "${commit}"`);
  }
}

/** Ranges of lines, drawn from all lines alike. */
function stretches(files: readonly string[], count: number, seed: number): string[] {
  const all = files.flatMap((file) => {
    const lines = readFileSync(join(packageRoot, file), 'utf8').split('\n').length;
    const starts = Array.from({ length: Math.ceil(lines / STRETCH) }, (_, index) => index * STRETCH + 1);
    return starts.map((start) => `${file}:${start}-${start + STRETCH - 1}`);
  });
  return shuffled(all, seed).slice(0, count).sort();
}
