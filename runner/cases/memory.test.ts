// SPDX-License-Identifier: GPL-2.0-or-later

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { listingOf, memoryRun, plainHex } from './memory.js';
import { CaseError } from './problem.js';

const u32 = fc.integer({ min: 0, max: 0xffffffff });

test('double words, words and bytes are little-endian', () => {
  fc.assert(
    fc.property(fc.array(u32), (dwords) => {
      const bytes = Buffer.from(memoryRun({ at: 0, dwords }).hex, 'hex');
      expect(bytes.length).toBe(4 * dwords.length);
      expect(dwords.map((_, index) => bytes.readUInt32LE(4 * index))).toEqual(dwords);
      const words = dwords.flatMap((dword) => [dword & 0xffff, dword >>> 16]);
      expect(memoryRun({ at: 0, words }).hex).toBe(bytes.toString('hex'));
      expect(memoryRun({ at: 0, bytes: [...bytes] }).hex).toBe(bytes.toString('hex'));
    }),
  );
});

test('fill counts up modulo 2^32', () => {
  const run = memoryRun({ at: 16, fill: { count: 3, dword: 0xfffff007, step: 0x1000 } });
  expect(run).toEqual({ at: 16, hex: '07f0ffff0700000007100000' });
  expect(memoryRun({ at: 0, fill: { count: 2, dword: 1 } }).hex).toBe('0100000001000000');
});

test('blanks in hex are ignored', () => {
  expect(plainHex('E4 60\n 90')).toBe('e46090');
  expect(memoryRun({ at: 0, text: 'A\0' }).hex).toBe('4100');
});

test.each([
  [{ at: 0, bytes: [256] }, '256 does not fit in 1 byte'],
  [{ at: 0, words: [0x10000] }, '65536 does not fit in 2 bytes'],
  [{ at: 0, hex: 'e4 6' }, '"e4 6" is not a sequence of hex bytes'],
  [{ at: 0 }, 'a memory item needs one of hex, dwords, words, bytes, text, fill'],
  [{ hex: '90' }, 'a memory item needs "at", a number'],
])('%j is refused', (item, message) => {
  expect(() => memoryRun(item)).toThrow(new CaseError(message));
});

test('a listing has its origin and width', () => {
  const item = { at: 0x8000, asm: 'nop', hex: '90', bits: 16 };
  expect(listingOf(item)).toEqual({ asm: 'nop', hex: '90', bits: 16, origin: 0x8000 });
  expect(listingOf({ at: 0, hex: '90' })).toBeUndefined();
});
