// SPDX-License-Identifier: GPL-2.0-or-later

import { MemoryImage } from '../expand/image.js';
import type { MemoryRun } from '../protocol.js';
import { type Difference, difference, hex32 } from './difference.js';

/** Differences of two memories, aligned double word by double word; `masks` holds the bits to compare. */
export function memoryDifferences(
  path: string,
  actual: MemoryImage,
  expected: MemoryImage,
  masks: ReadonlyMap<number, number> = new Map(),
): Difference[] {
  const found: Difference[] = [];
  for (const at of MemoryImage.differences(actual, expected)) {
    const mask = maskOfWord(at, masks);
    const is = actual.read32(at);
    const should = expected.read32(at);
    if (((is ^ should) & mask) === 0) continue;
    const bits = mask === -1 ? '' : ` (in bits ${hex32(mask)})`;
    const label = `${path}[${hex32(at)}]`;
    found.push(difference(`${path}@${hex32(at)}`, label, hex32(is), `${hex32(should)}${bits}`));
  }
  return found;
}

/** The bits to compare of the double word at `at`. */
export function maskOfWord(at: number, masks: ReadonlyMap<number, number>): number {
  let mask = 0;
  for (let i = 3; i >= 0; i--) mask = (mask << 8) | (masks.get(at + i) ?? 0xff);
  return mask;
}

/** Masks given as runs of bytes, by address. */
export function byteMasks(runs: readonly MemoryRun[]): Map<number, number> {
  const masks = new Map<number, number>();
  for (const { at, hex } of runs) {
    Buffer.from(hex, 'hex').forEach((byte, index) => {
      masks.set(at + index, (masks.get(at + index) ?? 0xff) & byte);
    });
  }
  return masks;
}
