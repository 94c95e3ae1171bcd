// SPDX-License-Identifier: GPL-2.0-or-later

import type { Kind, Simplification } from './kind.js';

/** Which of these inputs still show the difference. */
export type StillDiffers<Entry> = (entries: readonly Entry[]) => Promise<boolean[]>;

const MOST_ROUNDS = 40;

/** What of a kind of inputs is needed to make one smaller. */
type Shrinkable<Entry extends { id: string }> = Pick<Kind<Entry>, 'simplifications' | 'isMeaningful'>;

/**
 * The smallest input that still differs, by dropping and zeroing parts. In each round all simplifications are tried at
 * once, since some implementations answer many cases as fast as one; those that work are then put together.
 * @param isOver the time is up: what is the smallest so far will do
 */
export async function shrink<Entry extends { id: string }>(
  kind: Shrinkable<Entry>,
  entry: Entry,
  stillDiffers: StillDiffers<Entry>,
  isOver: () => boolean,
): Promise<Entry> {
  let smallest = entry;
  for (let round = 0; round < MOST_ROUNDS && !isOver(); round++) {
    const base = smallest;
    const tries = kind
      .simplifications(base)
      .map((simplify) => ({ simplify, simpler: simplify(base) }))
      .filter(({ simpler }) => simpler !== base && kind.isMeaningful(simpler));
    if (tries.length === 0) return smallest;
    const results = await stillDiffers(tries.map(({ simpler }) => simpler));
    const working = tries.filter((_, i) => results[i] === true);
    const [first] = working;
    if (first === undefined) return smallest;
    const simplify = working.map((one) => one.simplify);
    smallest = (await together(kind, base, simplify, stillDiffers)) ?? first.simpler;
  }
  return smallest;
}

/** All of them at once, or the first halves of them. */
async function together<Entry extends { id: string }>(
  kind: Shrinkable<Entry>,
  base: Entry,
  working: readonly Simplification<Entry>[],
  stillDiffers: StillDiffers<Entry>,
): Promise<Entry | undefined> {
  const combined: Entry[] = [];
  for (let count = working.length; count > 1; count = count >> 1) {
    combined.push(working.slice(0, count).reduce((entry, simplify) => simplify(entry), base));
  }
  const usable = combined.filter((entry) => kind.isMeaningful(entry));
  const results = await stillDiffers(usable);
  return usable.find((_, i) => results[i] === true);
}
