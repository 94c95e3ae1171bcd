// SPDX-License-Identifier: GPL-2.0-or-later

/** Quantities of 8, 16 and 32 bits. All values are unsigned JavaScript numbers. */

/** In bytes. */
export type OperandSize = 1 | 2 | 4;

/** All ones of this size. */
export function maskOf(size: OperandSize): number {
  return size === 4 ? 0xffffffff : size === 2 ? 0xffff : 0xff;
}

/** The top bit of this size, as an operand of `&`. */
export function signOf(size: OperandSize): number {
  return size === 4 ? -0x80000000 : size === 2 ? 0x8000 : 0x80;
}

export const bitsOf = (size: OperandSize): number => size * 8;

/** Cuts to this size. */
export function truncate(value: number, size: OperandSize): number {
  return (value & maskOf(size)) >>> 0;
}

/** The value as a signed number. */
export function signed(value: number, size: OperandSize): number {
  return size === 4 ? value | 0 : size === 2 ? (value << 16) >> 16 : (value << 24) >> 24;
}
