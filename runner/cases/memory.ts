// SPDX-License-Identifier: GPL-2.0-or-later

import type { MemoryRun } from '../protocol.js';
import { type Data, type DataMap, isMap } from './case.js';
import { CaseError } from './problem.js';

/** Machine code beside its assembly text, for the test that assembles it again. */
export interface Listing {
  asm: string;
  hex: string;
  bits: 16 | 32;
  origin: number;
}

/** Turns the item forms of spec/writing-cases.md, section Memory, into plain runs of bytes. */
export function memoryRuns(items: Data | undefined): MemoryRun[] {
  if (items === undefined) return [];
  if (!Array.isArray(items)) throw new CaseError('memory must be a list');
  return items.map(memoryRun);
}

export function memoryRun(item: Data): MemoryRun {
  if (!isMap(item) || typeof item.at !== 'number') throw new CaseError('a memory item needs "at", a number');
  return { at: item.at, hex: bytesOf(item) };
}

function bytesOf(item: DataMap): string {
  if (typeof item.hex === 'string') return plainHex(item.hex);
  if (Array.isArray(item.dwords)) return numbers(item.dwords, 4);
  if (Array.isArray(item.words)) return numbers(item.words, 2);
  if (Array.isArray(item.bytes)) return numbers(item.bytes, 1);
  if (typeof item.text === 'string') return Buffer.from(item.text, 'latin1').toString('hex');
  if (isMap(item.fill)) return filled(item.fill);
  throw new CaseError('a memory item needs one of hex, dwords, words, bytes, text, fill');
}

/** Hex digits without blanks, lower case. */
export function plainHex(text: string): string {
  const digits = text.replace(/\s+/g, '').toLowerCase();
  if (digits.length % 2 !== 0 || !/^[0-9a-f]*$/.test(digits)) {
    throw new CaseError(`"${text.trim()}" is not a sequence of hex bytes`);
  }
  return digits;
}

function numbers(list: Data[], size: 1 | 2 | 4): string {
  return list.map((value) => littleEndian(value, size)).join('');
}

function littleEndian(value: Data, size: 1 | 2 | 4): string {
  const limit = 2 ** (8 * size);
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value >= limit) {
    throw new CaseError(`${JSON.stringify(value)} does not fit in ${size} byte${size === 1 ? '' : 's'}`);
  }
  const digits = value.toString(16).padStart(2 * size, '0');
  return (digits.match(/../g) ?? []).reverse().join('');
}

function filled(fill: DataMap): string {
  const { count, dword, step = 0 } = fill;
  if (typeof count !== 'number' || typeof dword !== 'number' || typeof step !== 'number') {
    throw new CaseError('fill needs the numbers count and dword');
  }
  let bytes = '';
  for (let i = 0; i < count; i++) bytes += littleEndian((dword + i * step) % 2 ** 32, 4);
  return bytes;
}

/** The listing in a memory item or in `code`, or undefined when it has no `asm`. */
export function listingOf(item: Data): Listing | undefined {
  if (!isMap(item) || typeof item.asm !== 'string' || typeof item.hex !== 'string') return undefined;
  if (typeof item.at !== 'number') return undefined;
  return { asm: item.asm, hex: plainHex(item.hex), bits: item.bits === 16 ? 16 : 32, origin: item.at };
}
