// SPDX-License-Identifier: GPL-2.0-or-later

import type { Random } from '../generate/random.js';

/** Numbers at which arithmetic changes its behaviour: 0, 1, the sign bit, carries, for operands of 1, 2 and 4 bytes. */
const EDGES = [
  ...[0, 1, 2, 3, 7, 8, 9, 0x0f, 0x10, 0x1f, 0x20, 0x3f, 0x7f, 0x80, 0x81, 0x99, 0x9a, 0xff],
  ...[0x100, 0x7fff, 0x8000, 0x8001, 0xfffe, 0xffff, 0x10000, 0x7fffff80, 0x7fffffff],
  ...[0x80000000, 0x80000001, 0xaaaaaaaa, 0x55555555, 0xffff0000, 0xffff8000, 0xffffff7f, 0xffffff80],
  ...[0xfffffffe, 0xffffffff],
];

/** 32 bits: an edge, or anything. */
export function interestingWord(random: Random): number {
  if (random.oneIn(4)) return random.word();
  const edge = random.pick(EDGES);
  return random.oneIn(4) ? (edge + random.between(-2, 2)) >>> 0 : edge;
}

/** The little-endian bytes of a number. */
export const littleEndian = (value: number, size: number): number[] =>
  Array.from({ length: size }, (_, i) => (value >>> (8 * i)) & 0xff);

export const hexByte = (byte: number): string => byte.toString(16).padStart(2, '0');

/** As the case files write numbers of 32 bits. */
export const hex32 = (value: number): string => `0x${value.toString(16).toUpperCase().padStart(8, '0')}`;
