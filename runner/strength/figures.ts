// SPDX-License-Identifier: GPL-2.0-or-later

/** The figures of the last full measurement, and the mutants that survived it: they are checked in. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../package.js';
import type { MutantName, MutantView } from './mutant.js';
import { PARTS, type PartName } from './parts.js';

const PATH = join(packageRoot, 'runner', 'strength', 'figures.json');

export interface PartFigures {
  /** The day of the measurement, as YYYY-MM-DD. */
  date: string;
  /** All but those of text for people. */
  mutants: number;
  killed: number;
  /** Killed because they did not end, or ended the process; among the killed. */
  endless: number;
  equivalent: number;
  survivors: MutantName[];
}

export type Figures = Partial<Record<PartName, PartFigures>>;

export function readFigures(): Figures {
  return JSON.parse(readFileSync(PATH, 'utf8')) as Figures;
}

export function writeFigures(figures: Figures): void {
  writeFileSync(PATH, `${JSON.stringify(figures, null, 2)}\n`);
}

/** Of the mutants of one part, what is told. */
export function figuresOf(
  mutants: readonly MutantView[],
  isEquivalent: (mutant: MutantView) => boolean,
  date: string,
): PartFigures {
  const judged = mutants.filter(({ fate }) => fate !== 'unjudged');
  const survived = judged.filter(({ fate }) => fate === 'survived');
  return {
    date,
    mutants: judged.length,
    killed: judged.length - survived.length,
    endless: judged.filter(({ fate }) => fate === 'endless' || fate === 'crashed').length,
    equivalent: survived.filter(isEquivalent).length,
    survivors: survived.filter((mutant) => !isEquivalent(mutant)).map(({ name }) => name),
  };
}

/** The share of the mutants, equivalent ones aside, that the cases kill. */
export function score({ mutants, killed, equivalent }: PartFigures): number {
  return mutants === equivalent ? 1 : killed / (mutants - equivalent);
}

/** A share that is not quite 1 is never told as 100 %. */
export function percent(share: number): string {
  return `${(Math.floor(share * 1000) / 10).toFixed(1)} %`;
}

export function isStrongEnough(part: PartName, figures: PartFigures): boolean {
  return score(figures) >= PARTS[part].threshold;
}
