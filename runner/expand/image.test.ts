// SPDX-License-Identifier: GPL-2.0-or-later

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MemoryImage, RunMemory } from './image.js';

const run = fc.record({
  at: fc.integer({ min: 0, max: 0x3000 }),
  hex: fc.uint8Array({ minLength: 1, maxLength: 600 }).map((bytes) => Buffer.from(bytes).toString('hex')),
});

test('runs read back as they were written, later ones over earlier ones', () => {
  fc.assert(
    fc.property(fc.array(run, { maxLength: 6 }), fc.integer({ min: 0, max: 0x3400 }), (runs, at) => {
      const flat = Buffer.alloc(0x4000);
      for (const { at: start, hex } of runs) flat.write(hex, start, 'hex');
      const image = MemoryImage.of(runs);
      expect(image.read32(at)).toBe(flat.readUInt32LE(at));
      expect(new RunMemory(runs).read8(at)).toBe(flat[at]);
      expect(new RunMemory(runs).read32(at)).toBe(flat.readUInt32LE(at));
      expect(MemoryImage.differences(MemoryImage.of(image.runs()), image)).toEqual([]);
    }),
  );
});

test('differences are the aligned double words that differ', () => {
  const a = MemoryImage.of([{ at: 0x0fff, hex: '0102' }]);
  const b = MemoryImage.of([{ at: 0x1000, hex: '02' }]);
  expect(MemoryImage.differences(a, b)).toEqual([0xffc]);
  expect(MemoryImage.differences(a, a.copy())).toEqual([]);
});
