// SPDX-License-Identifier: GPL-2.0-or-later

import type { Random } from '../random.js';

/** Random operands that meet the edges: bytes in memory order. */

const BIAS = 0x3fff;

function bytesOf(value: bigint, count: number): number[] {
  return Array.from({ length: count }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

const bits64 = (random: Random): bigint => (BigInt(random.word()) << 32n) | BigInt(random.word());

const INTEGER_BIT = 1n << 63n;
const ALL_ONES = INTEGER_BIT * 2n - 1n;

/** Significands with the integer bit set, many of them next to where a rounding changes its mind. */
function significand(random: Random): bigint {
  const place = random.pick([0n, 10n, 11n, 39n, 40n]);
  const near = BigInt(random.between(-1, 1));
  switch (random.below(7)) {
    case 0:
      return INTEGER_BIT;
    case 1:
      return ALL_ONES;
    case 2:
      return INTEGER_BIT | (1n << place);
    case 3:
      // A tie of the format whose last bit is above `place`, or next to it.
      return (
        BigInt.asUintN(64, (((bits64(random) >> (place + 1n)) << (place + 1n)) | (1n << place)) + near) |
        INTEGER_BIT
      );
    case 4:
      return BigInt.asUintN(64, ALL_ONES << place) | INTEGER_BIT;
    case 5:
      return INTEGER_BIT | (BigInt(random.below(16)) << 60n);
    default:
      return bits64(random) | INTEGER_BIT;
  }
}

/** Exponent fields, most of them in the middle, some at the ends of a format. */
function exponent(random: Random): number {
  switch (random.below(8)) {
    case 0:
      return random.between(1, 70);
    case 1:
      return random.between(0x7fff - 70, 0x7ffe);
    case 2:
      return BIAS + random.pick([-149, -127, -126, -125, 127, 128, -1075, -1074, -1023, -1022, 1023, 1024]);
    case 3:
      return BIAS + random.pick([14, 15, 16, 30, 31, 32, 62, 63, 64]);
    default:
      return BIAS + random.between(-70, 70);
  }
}

const encode = (negative: boolean, field: number, value: bigint): number[] =>
  bytesOf((BigInt((negative ? 0x8000 : 0) | field) << 64n) | value, 10);

/** A number of ten bytes of any kind. */
export function extended(random: Random): number[] {
  const negative = random.oneIn(2);
  switch (random.below(16)) {
    case 0:
      return encode(negative, 0, 0n);
    case 1:
      return encode(negative, 0, random.pick([1n, INTEGER_BIT - 1n, bits64(random) >> 1n]));
    case 2:
      return encode(negative, 0x7fff, INTEGER_BIT);
    case 3:
      return special(random, negative);
    case 4:
      return encode(negative, BIAS + random.between(0, 4), INTEGER_BIT | (BigInt(random.below(64)) << 58n));
    default:
      return encode(negative, exponent(random), significand(random));
  }
}

/** NaNs, pseudo-denormals, and the encodings that are not supported. */
function special(random: Random, negative: boolean): number[] {
  const fraction = bits64(random) >> 2n;
  switch (random.below(6)) {
    case 0:
      return encode(negative, 0x7fff, INTEGER_BIT | (1n << 62n) | fraction);
    case 1:
      return encode(negative, 0x7fff, INTEGER_BIT | fraction | 1n);
    case 2:
      return encode(negative, 0, INTEGER_BIT | fraction);
    case 3:
      return encode(negative, random.between(1, 0x7ffe), fraction);
    case 4:
      return encode(negative, 0x7fff, random.pick([0n, fraction | 1n]));
    default:
      return encode(true, 0x7fff, INTEGER_BIT | (1n << 62n));
  }
}

/** A second number that has something to do with the first. */
export function related(random: Random, first: readonly number[]): number[] {
  const value = first.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const low = BigInt.asUintN(64, value);
  const top = Number(value >> 64n);
  const sign = random.oneIn(2) ? 0x8000 : 0;
  const changed = (field: number, bits: bigint) =>
    encode((sign ^ (top & 0x8000)) !== 0, field & 0x7fff, bits);
  const field = top & 0x7fff;
  switch (random.below(6)) {
    case 0:
      return changed(field, low);
    case 1:
      return changed(field, low ^ 1n);
    case 2:
      return changed(field + random.between(-2, 2), low);
    case 3:
      return changed(field + random.between(-68, 68), bits64(random) | INTEGER_BIT);
    case 4:
      // The sum of the exponents, or their difference, is at an end of the format.
      return changed(
        random.pick([BIAS - field, 0x7fff + BIAS - field]) + random.between(-2, 2),
        significand(random),
      );
    default:
      return extended(random);
  }
}

const MIDDLE: Readonly<Record<4 | 8, { bits: number; fraction: number }>> = {
  4: { bits: 8, fraction: 23 },
  8: { bits: 11, fraction: 52 },
};

/** Single or double precision, of any kind. */
export function short(random: Random, size: 4 | 8): number[] {
  const { bits, fraction } = MIDDLE[size];
  const top = 2 ** bits - 1;
  const all = (1n << BigInt(fraction)) - 1n;
  const quiet = 1n << BigInt(fraction - 1);
  const field = random.pick([
    0,
    0,
    1,
    top - 1,
    top,
    top,
    (top - 1) / 2,
    random.below(top),
    random.below(top),
  ]);
  const part = random.pick([0n, 1n, all, quiet, quiet - 1n, bits64(random) & all, bits64(random) & all]);
  const sign = BigInt(random.below(2)) << BigInt(bits + fraction);
  return bytesOf(sign | (BigInt(field) << BigInt(fraction)) | part, size);
}

/** A signed integer. */
export function integer(random: Random, size: 2 | 4 | 8): number[] {
  const bits = BigInt(8 * size);
  const edge = 1n << (bits - 1n);
  const value = random.pick([0n, 1n, -1n, edge, edge - 1n, 10n, bits64(random), bits64(random)]);
  return bytesOf(BigInt.asUintN(Number(bits), value), size);
}

/** 18 decimal digits and a sign. */
export function decimal(random: Random): number[] {
  const zeros = random.below(10);
  const digits = Array.from({ length: 9 }, (_, i) =>
    i >= 9 - zeros ? 0 : (random.below(10) << 4) | random.below(10),
  );
  return [...digits, random.oneIn(2) ? 0x80 : 0];
}

/** A number about where integers of 16, 32 and 64 bits and 18 decimal digits end, or with half a unit. */
export function nearInteger(random: Random): number[] {
  const size = BigInt(random.pick([3, 15, 16, 31, 32, 47, 59, 60, 62, 63, 64]));
  const limit = random.oneIn(4) ? 10n ** 18n : 1n << size;
  const quarters = limit * 4n + BigInt(random.between(-8, 8));
  if (quarters <= 0n) return encode(random.oneIn(2), 0, 0n);
  const length = BigInt(quarters.toString(2).length);
  const shifted = length <= 64n ? quarters << (64n - length) : quarters >> (length - 64n);
  return encode(random.oneIn(2), BIAS + Number(length) - 3, shifted);
}

/** A control word. All exceptions are masked in most; 0040h is always one. */
export function controlWord(random: Random, masks: number): number[] {
  const rounding = random.oneIn(2) ? 0 : random.below(4);
  const precision = random.pick([3, 3, 3, 2, 0]);
  return bytesOf(BigInt((rounding << 10) | (precision << 8) | 0x40 | masks), 2);
}
