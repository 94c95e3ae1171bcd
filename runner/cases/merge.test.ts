// SPDX-License-Identifier: GPL-2.0-or-later

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DataMap } from './case.js';
import { merge, mergeGiven } from './merge.js';

const scalar = fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.constant(null));
const tree: fc.Arbitrary<DataMap> = fc.letrec<{ map: DataMap }>((tie) => ({
  map: fc.dictionary(fc.constantFrom('regs', 'eax', 'cpu', 'memory', 'x'), fc.oneof(scalar, tie('map')), {
    maxKeys: 4,
  }),
})).map;

test('merging with nothing changes nothing, and arguments stay as they are', () => {
  fc.assert(
    fc.property(tree, tree, (base, over) => {
      const before = JSON.stringify([base, over]);
      merge(base, over);
      expect(JSON.stringify([base, over])).toBe(before);
      expect(merge(base, {})).toEqual(base);
      expect(merge({}, over)).toEqual(over);
    }),
  );
});

test('what is put on top stays, and nothing else changes', () => {
  fc.assert(
    fc.property(tree, tree, (base, over) => {
      const merged = merge(base, over);
      expect(merge(merged, over)).toEqual(merged);
      for (const key of Object.keys(merged)) {
        if (!(key in over)) expect(merged[key]).toBe(base[key]);
        else if (typeof over[key] !== 'object') expect(merged[key]).toBe(over[key]);
      }
    }),
  );
});

test('guests and their virtual CPUs merge element by element', () => {
  const base: DataMap = { guests: [{ vcpus: [{ regs: { eax: 1, ebx: 2 } }] }, { mem_size: 4096 }] };
  expect(merge(base, { guests: [{ vcpus: [{ regs: { ebx: 3 } }] }] })).toEqual({
    guests: [{ vcpus: [{ regs: { eax: 1, ebx: 3 } }] }, { mem_size: 4096 }],
  });
  expect(merge(base, { guests: [null, { mem_size: 8192 }, { mem_size: 0 }] })).toEqual({
    guests: [{ vcpus: [{ regs: { eax: 1, ebx: 2 } }] }, { mem_size: 8192 }, { mem_size: 0 }],
  });
});

test('memory and io are appended, other lists replace', () => {
  const base = { memory: [{ at: 0 }], io: [1], random32: [1, 2] };
  const over = { memory: [{ at: 4 }], io: [2], random32: [3] };
  expect(merge(base, over)).toEqual({ memory: [{ at: 0 }, { at: 4 }], io: [1, 2], random32: [3] });
});

test('code sets EIP on its own level only', () => {
  const machine = { registers: { eip: 1 } };
  expect(mergeGiven(machine, { code: { at: 0x8000 } }, true).registers).toEqual({ eip: 0x8000 });
  expect(mergeGiven(machine, { code: { at: 0x8000 }, registers: { eip: 7 } }, true).registers).toEqual({
    eip: 7,
  });
  expect(mergeGiven(machine, { code: { hex: 'f4' } }, true).registers).toEqual({ eip: 1 });
  expect(mergeGiven(machine, { code: { at: 0x8000 } }, false).registers).toEqual({ eip: 1 });
});
