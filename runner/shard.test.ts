// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from 'vitest';
import { casesOfShard, parseShard } from './shard.js';
import { caseNamed } from './testing/cases.js';

const cases = Array.from({ length: 11 }, (_, i) => caseNamed(`gates/case-${i}`));

function shards(count: number, seconds?: Map<string, number>): string[][] {
  return Array.from({ length: count }, (_, i) =>
    casesOfShard(cases, { index: i + 1, count }, seconds).map(({ id }) => id),
  );
}

test('every case is in exactly one shard', () => {
  const all = shards(4).flat();
  expect([...all].sort()).toEqual(cases.map(({ id }) => id).sort());
  expect(new Set(all).size).toBe(cases.length);
});

test('without times the shards have the same number of cases, but for one', () => {
  expect(shards(4).map((shard) => shard.length)).toEqual([3, 3, 3, 2]);
});

test('with times a long case is balanced by several short ones', () => {
  const seconds = new Map(cases.map(({ id }, i) => [id, i === 5 ? 10 : 1]));
  expect(shards(2, seconds).map((shard) => shard.length)).toEqual([1, 10]);
  expect(shards(2, seconds)[0]).toEqual(['gates/case-5']);
});

test('a case whose time is not known counts as the average', () => {
  const seconds = new Map([
    ['gates/case-0', 3],
    ['gates/case-1', 5],
  ]);
  expect(shards(11, seconds).map((shard) => shard.length)).toEqual(new Array(11).fill(1));
});

test('the order of the cases does not matter to who gets which', () => {
  const ids = casesOfShard([...cases].reverse(), { index: 2, count: 3 }).map(({ id }) => id);
  expect([...ids].reverse()).toEqual(shards(3)[1]);
});

test.each(['0/4', '5/4', '1', '1/0', 'a/b', '-1/2', '1.5/2'])('%s is refused', (text) => {
  expect(() => parseShard(text)).toThrow('--shard needs i/n');
});
