// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from 'vitest';
import { FAMILIES } from '../fuzz/machine.js';
import { encodingsOf, everyEncoding } from './sweep.js';

const families = (name: string) => FAMILIES.filter((family) => family.name === name);

function firstOf<Item>(items: Iterable<Item>, count: number): Item[] {
  const first: Item[] = [];
  for (const item of items) {
    if (first.length === count) break;
    first.push(item);
  }
  return first;
}

test('the same seed makes the same cases', () => {
  const first = (seed: number) => firstOf(everyEncoding(seed, families('user')), 50);
  expect(first(4)).toEqual(first(4));
  expect(first(4)).not.toEqual(first(5));
});

test('no encoding has more than three cases', () => {
  const counts = new Map<string, number>();
  for (const entry of everyEncoding(1, families('user'))) {
    for (const key of encodingsOf(entry)) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  expect(Math.max(...counts.values())).toBe(3);
  // ADD Eb, Gb: register and memory, both address sizes, with and without LOCK, REP and REPNE.
  const additions = [...counts.keys()].filter((key) => key.startsWith('user ADD|0|'));
  expect(additions).toEqual(
    expect.arrayContaining(['user ADD|0||register|||', 'user ADD|0||memory||true|240']),
  );
});

test('instructions of the x87 run between a load and a store of the state', () => {
  const [entry] = everyEncoding(1, families('x87'));
  expect(entry?.instructions.map(({ mnemonic }) => mnemonic)).toEqual([
    expect.stringMatching(/^FX?RSTOR$/),
    'FADD',
    'FNSAVE',
  ]);
});
