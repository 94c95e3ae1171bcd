// SPDX-License-Identifier: GPL-2.0-or-later

import { Random } from '../generate/random.js';

/** The same items in an order that follows from the seed. */
export function shuffled<Item>(items: readonly Item[], seed: number): Item[] {
  const random = new Random(seed);
  return items
    .map((item) => ({ item, key: random.word() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
