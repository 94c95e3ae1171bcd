// SPDX-License-Identifier: GPL-2.0-or-later

/** What a measurement says, as text. */

import type { MutantView } from './mutant.js';

/** Cases that came to a mutant and did not notice: how many, and the quickest of them. */
export interface Reached {
  count: number;
  some: readonly string[];
}

/** Survivors by file and nearest clause. */
export function survivorText(
  survivors: readonly MutantView[],
  reachedBy: (mutant: MutantView) => Reached,
): string {
  const groups = new Map<string, MutantView[]>();
  for (const mutant of survivors) {
    const clauses = mutant.clauses.length === 0 ? 'no clause named' : mutant.clauses.join(', ');
    const head = `${mutant.name.file}, near ${clauses}`;
    groups.set(head, [...(groups.get(head) ?? []), mutant]);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([head, mutants]) =>
      [head, ...mutants.sort(byPlace).map((one) => told(one, reachedBy(one)))].join('\n'),
    )
    .join('\n\n');
}

function byPlace(a: MutantView, b: MutantView): number {
  return a.at.line - b.at.line || a.at.column - b.at.column;
}

function told({ name, at, original, replacement }: MutantView, { count, some }: Reached): string {
  const cases = count === 0 ? 'no case comes to it' : `${count} cases come to it: ${some.join(', ')}`;
  return [
    `  ${name.file}:${at.line}:${at.column}  ${name.mutant.split(':')[0]}`,
    `    - ${original}`,
    `    + ${replacement}`,
    `    ${cases}${count > some.length ? ', ...' : ''}`,
  ].join('\n');
}
