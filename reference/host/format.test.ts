// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, it } from 'vitest';
import { cString, pointer, prefixedHex, signedDecimal, unsignedDecimal } from './format.js';

describe('numbers in texts', () => {
  it('MEM-15: %#lx has its prefix for zero too', () => {
    expect(prefixedHex(0)).toBe('0x0');
    expect(prefixedHex(0xc0100000)).toBe('0xc0100000');
    expect(prefixedHex(-1)).toBe('0xffffffff');
  });

  it('MEM-15: %li and %i are signed, %lu and %u are not', () => {
    expect(signedDecimal(0xfffffffe)).toBe('-2');
    expect(signedDecimal(0x80000000)).toBe('-2147483648');
    expect(unsignedDecimal(0xfffffffe)).toBe('4294967294');
  });

  it('MEM-15: %p has eight digits and no prefix', () => {
    expect(pointer(0)).toBe('(null)');
    expect(pointer(0x400460)).toBe('00400460');
    expect(pointer(0xb7d00054)).toBe('b7d00054');
  });

  it('a C string ends at the first zero, and has one character for each byte', () => {
    expect(cString(Uint8Array.of(0x41, 0xe9, 0, 0x42))).toBe('A\u00e9');
    expect(cString(Uint8Array.of(0))).toBe('');
  });
});
