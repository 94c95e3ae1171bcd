// SPDX-License-Identifier: GPL-2.0-or-later

import type { Case } from './cases/case.js';
import { UsageError } from './usage.js';

/** One of several runs that share the cases among them. */
export interface Shard {
  /** From 1. */
  index: number;
  count: number;
}

/** Reads `2/4`. */
export function parseShard(text: string): Shard {
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  if (index === undefined || shard.index < 1 || shard.index > shard.count) {
    throw new UsageError(`--shard needs i/n with i from 1 to n, as in 2/4, and not "${text}"`);
  }
  return shard;
}

/**
 * The cases of one shard, in the order in which they were. Every case belongs to exactly one shard, and to the same one
 * whenever cases and times are the same: the longest first, each goes to the shard that has the least so far. A case
 * whose time is not known counts as the average one; without any times all count the same.
 */
export function casesOfShard(
  cases: readonly Case[],
  { index, count }: Shard,
  seconds: ReadonlyMap<string, number> = new Map(),
): Case[] {
  const known = cases.flatMap(({ id }) => seconds.get(id) ?? []);
  const average = known.length === 0 ? 1 : known.reduce((sum, time) => sum + time, 0) / known.length;
  const timed = cases.map((entry) => ({ id: entry.id, time: seconds.get(entry.id) ?? average }));
  timed.sort((a, b) => b.time - a.time || (a.id < b.id ? -1 : 1));
  const loads = new Array<number>(count).fill(0);
  const mine = new Set<string>();
  for (const { id, time } of timed) {
    const least = loads.indexOf(Math.min(...loads));
    loads[least] = (loads[least] ?? 0) + time;
    if (least === index - 1) mine.add(id);
  }
  return cases.filter(({ id }) => mine.has(id));
}
