// SPDX-License-Identifier: GPL-2.0-or-later

/** Reading the plain data of a request; what is not as the protocol says is a malformed case. */

import { isObject, type MemoryRun } from '../../protocol.js';

/** The case cannot be run as it is given; answered with error 1002. */
export class MalformedCase extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MalformedCase';
  }
}

export type Tree = Record<string, unknown>;

/** A map; absent and null are an empty one. */
export function treeAt(source: Tree, key: string): Tree {
  const value = source[key] ?? {};
  if (!isObject(value)) throw new MalformedCase(`${key} is not a map`);
  return value;
}

/** A list of maps; absent and null are an empty one. */
export function treesAt(source: Tree, key: string): Tree[] {
  return listAt(source, key).map((entry, index) => {
    if (!isObject(entry)) throw new MalformedCase(`${key}[${index}] is not a map`);
    return entry;
  });
}

export function listAt(source: Tree, key: string): unknown[] {
  const value = source[key] ?? [];
  if (!Array.isArray(value)) throw new MalformedCase(`${key} is not a list`);
  return value;
}

function toWord(value: unknown, what: string): number {
  if (typeof value === 'boolean') return Number(value);
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 0xffffffff) {
    throw new MalformedCase(`${what} is not an unsigned 32-bit number: ${JSON.stringify(value)}`);
  }
  return value;
}

/** An unsigned 32-bit number; truth values count as 0 and 1. */
export function wordAt(source: Tree, key: string, absent = 0): number {
  const value = source[key];
  return value === undefined || value === null ? absent : toWord(value, key);
}

/** A number below `size`. */
export function indexAt(source: Tree, key: string, size: number): number {
  const index = wordAt(source, key);
  if (index >= size) throw new MalformedCase(`${key} is ${index}, and there are ${size}`);
  return index;
}

/** A number, or null when absent. */
export function optionalWordAt(source: Tree, key: string): number | null {
  const value = source[key];
  return value === undefined || value === null ? null : toWord(value, key);
}

/** A truth value; numbers count as true unless 0. */
export function flagAt(source: Tree, key: string, absent = false): boolean {
  const value = source[key];
  return value === undefined || value === null ? absent : toWord(value, key) !== 0;
}

/** One number of a list, or `absent` when the list is not that long. */
export function elementAt(source: Tree, key: string, index: number, absent: number): number {
  const value = listAt(source, key)[index];
  return value === undefined ? absent : toWord(value, key);
}

export function wordsAt(source: Tree, key: string): number[] {
  return listAt(source, key).map((value) => toWord(value, key));
}

/** Bytes in hex. */
export function bytesAt(source: Tree, key: string): Uint8Array {
  return new Uint8Array(sharedBytesAt(source, key));
}

/** Bytes in hex, which nobody may change: whoever reads the same text again gets them again. */
export function sharedBytesAt(source: Tree, key: string): Uint8Array {
  const value = source[key];
  const bytes = typeof value === 'string' ? decodeHex(value) : undefined;
  if (bytes === undefined) throw new MalformedCase(`${key} is not a string of hex bytes`);
  return bytes;
}

/** The bytes of a run, which nobody may change. */
export function bytesOf({ hex }: MemoryRun): Uint8Array {
  const bytes = decodeHex(hex);
  if (bytes === undefined) throw new MalformedCase('hex is not a string of hex bytes');
  return bytes;
}

/** So few bytes are decoded here: calling the platform's decoder takes longer. */
const FEW_BYTES = 32;

/** By character code; what is no hex digit is negative. */
const DIGITS = new Int8Array(0x10000).fill(-1);
for (let value = 0; value < 16; value++) {
  DIGITS[value.toString(16).charCodeAt(0)] = value;
  DIGITS[value.toString(16).toUpperCase().charCodeAt(0)] = value;
}

/** Bytes by their text: most memory is that of a fixture, with which many cases begin. */
const known = new Map<string, Uint8Array>();
const MOST_KNOWN = 1024;
const LONGEST_KNOWN = 0x4000;

/** The bytes; undefined when it is not hex. */
function decodeHex(hex: string): Uint8Array | undefined {
  const before = known.get(hex);
  if (before !== undefined) return before;
  const length = hex.length / 2;
  if (!Number.isInteger(length)) return undefined;
  const bytes = length > FEW_BYTES ? Buffer.from(hex, 'hex') : decodeFew(hex, length);
  if (bytes?.length !== length) return undefined;
  if (known.size === MOST_KNOWN) known.clear();
  if (hex.length <= LONGEST_KNOWN) known.set(hex, bytes);
  return bytes;
}

function decodeFew(hex: string, length: number): Uint8Array | undefined {
  const bytes = new Uint8Array(length);
  let all = 0;
  for (let index = 0; index < length; index++) {
    const high = DIGITS[hex.charCodeAt(2 * index)] ?? -1;
    const low = DIGITS[hex.charCodeAt(2 * index + 1)] ?? -1;
    bytes[index] = (high << 4) | low;
    all |= high | low;
  }
  return all >= 0 ? bytes : undefined;
}

/** One entry of a descriptor table: a pair of words. */
export function entryAt(table: Tree, index: string): { a: number; b: number } {
  const pair = table[index];
  if (!Array.isArray(pair)) throw new MalformedCase(`table entry ${index} is not a pair of words`);
  return { a: toWord(pair[0], index), b: toWord(pair[1], index) };
}
