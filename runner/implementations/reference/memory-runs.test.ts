// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from 'vitest';
import { PhysicalMemory } from '../../../reference/processor/memory.js';
import { changedRuns, nonZeroRuns } from './memory-runs.js';

const PAGE = 4096;

test('runs end at gaps and pages, and count from the origin', () => {
  const memory = new PhysicalMemory(4 * PAGE);
  memory.load(PAGE - 2, Uint8Array.of(1, 2, 3, 0, 4));
  memory.write8(PAGE + 20, 5);
  expect(nonZeroRuns(memory, 0, 4 * PAGE, 0x100)).toEqual([
    { at: PAGE - 2 - 0x100, hex: '0102' },
    { at: PAGE - 0x100, hex: '030004' },
    { at: PAGE + 20 - 0x100, hex: '05' },
  ]);
});

test('only the range that is asked for is told', () => {
  const memory = new PhysicalMemory(2 * PAGE);
  memory.load(0, Uint8Array.of(1, 2, 3, 4, 5));
  expect(nonZeroRuns(memory, 1, 4, 0)).toEqual([{ at: 1, hex: '020304' }]);
});

test('a page is told anew as soon as a byte of it, or the origin, is another', () => {
  const memory = new PhysicalMemory(2 * PAGE);
  const told = (origin = 0) => nonZeroRuns(memory, 0, memory.size, origin);
  memory.write8(PAGE, 1);
  expect(told()).toEqual([{ at: PAGE, hex: '01' }]);
  expect(told()).toEqual([{ at: PAGE, hex: '01' }]);
  memory.write8(PAGE + 4095, 2);
  expect(told()).toEqual([
    { at: PAGE, hex: '01' },
    { at: PAGE + 4095, hex: '02' },
  ]);
  expect(told(PAGE)).toEqual([
    { at: 0, hex: '01' },
    { at: 4095, hex: '02' },
  ]);
  memory.clear();
  memory.write8(PAGE + 1, 3);
  expect(told(PAGE)).toEqual([{ at: 1, hex: '03' }]);
});

test('what has changed is told in whole double words, zeros too, and a longer gap ends a run', () => {
  const memory = new PhysicalMemory(4 * PAGE);
  memory.write32(PAGE + 4, 0x11223344);
  const moment = memory.moment();
  memory.write32(PAGE + 4, 0);
  memory.write8(PAGE + 13, 7);
  memory.write8(PAGE + 28, 8);
  memory.write8(0, 9);
  memory.write8(3 * PAGE, 10);
  expect(changedRuns(moment.written(), PAGE, 3 * PAGE, 0x1000)).toEqual([
    { at: 4, hex: '000000000000000000070000' },
    { at: 28, hex: '08000000' },
  ]);
});
