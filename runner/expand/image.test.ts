// SPDX-License-Identifier: GPL-2.0-or-later

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { MemoryRun } from '../protocol.js';
import { MemoryImage } from './image.js';

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
      expect(image.read8(at)).toBe(flat[at]);
      expect(image.read32(at)).toBe(flat.readUInt32LE(at));
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

test('differences are the same whether or not two memories begin with the same runs', () => {
  const writes = fc.array(run, { maxLength: 4 });
  fc.assert(
    fc.property(fc.array(run, { minLength: 1, maxLength: 4 }), writes, writes, (given, one, other) => {
      const copies = (runs: MemoryRun[]): MemoryRun[] => runs.map((entry) => ({ ...entry }));
      const shared = MemoryImage.differences(
        MemoryImage.of([...given, ...one]),
        MemoryImage.of([...given, ...other]),
      );
      const apart = MemoryImage.differences(
        MemoryImage.of(copies([...given, ...one])),
        MemoryImage.of(copies([...given, ...other])),
      );
      expect(shared).toEqual(apart);
    }),
  );
});

test('what is written to a copy is not in the original, and reads back', () => {
  const original = MemoryImage.of([{ at: 0x100, hex: '11223344' }]);
  const copy = original.copy();
  for (let i = 0; i < 4; i++) copy.write8(0x102 + i, 0xa0 + i);
  copy.writeHex(0x103, 'ff');
  expect(original.read32(0x102)).toBe(0x4433);
  expect(copy.read32(0x100)).toBe(0xffa02211);
  expect(copy.read32(0x104)).toBe(0xa3a2);
  expect(MemoryImage.differences(original, copy)).toEqual([0x100, 0x104]);
});
