// SPDX-License-Identifier: GPL-2.0-or-later

import type { MemoryRun } from '../protocol.js';

/** Unit of allocation: small, since most runs of a case are short and far apart. */
const PAGE = 256;

/** Memory that can be read byte by byte. */
export interface ReadableMemory {
  read8(at: number): number;
  /** A little-endian double word; the address need not be aligned. */
  read32(at: number): number;
}

/** Runs of bytes read in place, without building an image: for the few bytes of a descriptor that is cheaper. */
export class RunMemory implements ReadableMemory {
  constructor(private readonly runs: readonly MemoryRun[]) {}

  read8(at: number): number {
    for (let i = this.runs.length - 1; i >= 0; i--) {
      const run = this.runs[i];
      if (run === undefined || at < run.at) continue;
      const digit = 2 * (at - run.at);
      if (digit < run.hex.length) return Number.parseInt(run.hex.slice(digit, digit + 2), 16);
    }
    return 0;
  }

  read32(at: number): number {
    for (let i = this.runs.length - 1; i >= 0; i--) {
      const run = this.runs[i];
      if (run === undefined || at + 3 < run.at) continue;
      const digit = 2 * (at - run.at);
      if (digit >= run.hex.length) continue;
      if (digit < 0 || digit + 8 > run.hex.length) return this.read32ByBytes(at);
      return swapped(Number.parseInt(run.hex.slice(digit, digit + 8), 16));
    }
    return 0;
  }

  /** For a double word that lies in several runs. */
  private read32ByBytes(at: number): number {
    let value = 0;
    for (let i = 3; i >= 0; i--) value = value * 256 + this.read8(at + i);
    return value;
  }
}

/** The number whose bytes are in the other order. */
function swapped(value: number): number {
  const outer = (value << 24) | (value >>> 24);
  return (outer | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00)) >>> 0;
}

const INITIAL_SIZE = 32 * PAGE;

/** Buffers of new images are cut from a larger one: there are two or three images for each case. */
const POOL_SIZE = 128 * INITIAL_SIZE;
let pool = Buffer.alloc(0);

function zeroedBuffer(): Buffer {
  if (pool.length === 0) pool = Buffer.alloc(POOL_SIZE);
  const buffer = pool.subarray(0, INITIAL_SIZE);
  pool = pool.subarray(INITIAL_SIZE);
  return buffer;
}

/** So few bytes are decoded here: calling the platform's decoder takes longer than decoding them. */
const SHORT = 8;

/** Values of the characters that are hex digits. */
const DIGITS = new Uint8Array(128);
for (let value = 0; value < 16; value++) {
  DIGITS[value.toString(16).charCodeAt(0)] = value;
  DIGITS[value.toString(16).toUpperCase().charCodeAt(0)] = value;
}

/** Sparse physical memory: all bytes are zero until written. The pages of an image lie in one buffer, as they come. */
export class MemoryImage implements ReadableMemory {
  private bytes = zeroedBuffer();
  private used = 0;
  /** Where in `bytes` a page lies, by its number. */
  private offsets = new Map<number, number>();

  static of(runs: readonly MemoryRun[]): MemoryImage {
    const image = new MemoryImage();
    for (const run of runs) image.writeHex(run.at, run.hex);
    return image;
  }

  copy(): MemoryImage {
    const image = new MemoryImage();
    image.bytes = Buffer.from(this.bytes);
    image.used = this.used;
    image.offsets = new Map(this.offsets);
    return image;
  }

  writeHex(at: number, hex: string): void {
    const length = hex.length / 2;
    for (let done = 0; done < length; ) {
      const inPage = (at + done) % PAGE;
      const count = Math.min(length - done, PAGE - inPage);
      const offset = this.page(at + done) + inPage;
      if (count <= SHORT) for (let i = 0; i < count; i++) this.bytes[offset + i] = byteAt(hex, done + i);
      else this.bytes.write(hex.slice(2 * done, 2 * (done + count)), offset, 'hex');
      done += count;
    }
  }

  read8(at: number): number {
    const offset = this.offsets.get(Math.floor(at / PAGE));
    return offset === undefined ? 0 : (this.bytes[offset + (at % PAGE)] ?? 0);
  }

  write8(at: number, value: number): void {
    const offset = this.page(at) + (at % PAGE);
    this.bytes[offset] = value;
  }

  read32(at: number): number {
    const low = this.read8(at) | (this.read8(at + 1) << 8) | (this.read8(at + 2) << 16);
    return (low | (this.read8(at + 3) << 24)) >>> 0;
  }

  /** All bytes that are not zero, as runs; short gaps of zeros stay inside a run. */
  runs(): MemoryRun[] {
    const numbers = [...this.offsets.keys()].sort((a, b) => a - b);
    return numbers.flatMap((number) => {
      const offset = this.offsets.get(number) ?? 0;
      return runsOfPage(number * PAGE, this.bytes.subarray(offset, offset + PAGE));
    });
  }

  /** Addresses of the aligned double words in which two memories differ. */
  static differences(a: MemoryImage, b: MemoryImage): number[] {
    const left = a.words();
    const right = b.words();
    const found: number[] = [];
    for (const [number, offset] of a.offsets) {
      comparePage(number, left, offset, right, b.offsets.get(number), found);
    }
    for (const [number, offset] of b.offsets) {
      if (!a.offsets.has(number)) comparePage(number, right, offset, left, undefined, found);
    }
    return found.sort((x, y) => x - y);
  }

  private words(): Uint32Array {
    return new Uint32Array(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length / 4);
  }

  /** Offset of the page of an address, which is made when it is not there. */
  private page(at: number): number {
    const number = Math.floor(at / PAGE);
    const known = this.offsets.get(number);
    if (known !== undefined) return known;
    if (this.used === this.bytes.length) {
      const larger = Buffer.alloc(2 * this.used);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    const offset = this.used;
    this.used += PAGE;
    this.offsets.set(number, offset);
    return offset;
  }
}

function byteAt(hex: string, index: number): number {
  const high = DIGITS[hex.charCodeAt(2 * index)] ?? 0;
  const low = DIGITS[hex.charCodeAt(2 * index + 1)] ?? 0;
  return (high << 4) | low;
}

/** Adds the addresses of a page's double words that differ; a page without an offset is zero. */
function comparePage(
  number: number,
  left: Uint32Array,
  leftOffset: number,
  right: Uint32Array,
  rightOffset: number | undefined,
  found: number[],
): void {
  for (let i = 0; i < PAGE / 4; i++) {
    const other = rightOffset === undefined ? 0 : right[rightOffset / 4 + i];
    if (left[leftOffset / 4 + i] !== other) found.push(number * PAGE + 4 * i);
  }
}

const SHORT_GAP = 8;

function runsOfPage(base: number, page: Uint8Array): MemoryRun[] {
  const runs: MemoryRun[] = [];
  let start = -1;
  let end = -1;
  const flush = (): void => {
    if (start >= 0)
      runs.push({ at: base + start, hex: Buffer.from(page.subarray(start, end)).toString('hex') });
  };
  for (let i = 0; i < page.length; i++) {
    if (page[i] === 0) continue;
    if (start < 0 || i - end > SHORT_GAP) {
      flush();
      start = i;
    }
    end = i + 1;
  }
  flush();
  return runs;
}
