// SPDX-License-Identifier: GPL-2.0-or-later

import type { MemoryRun } from '../protocol.js';

/** Unit of allocation: small, since most runs of a case are short and far apart. */
const PAGE = 256;

const INITIAL_SIZE = 32 * PAGE;

/** Buffers are cut from a larger one: there are two for each case that needs any. */
const POOL_SIZE = 128 * INITIAL_SIZE;
let pool = Buffer.alloc(0);

function zeroedBuffer(): Buffer {
  if (pool.length === 0) pool = Buffer.alloc(POOL_SIZE);
  const buffer = pool.subarray(0, INITIAL_SIZE);
  pool = pool.subarray(INITIAL_SIZE);
  return buffer;
}

/** Decoded bytes. The pages that are not all zero lie in one buffer, as they come. */
export class Pages {
  private bytes = zeroedBuffer();
  private used = 0;
  /** Where in `bytes` a page lies, by its number. */
  private readonly offsets = new Map<number, number>();

  writeHex(at: number, hex: string): void {
    const length = hex.length / 2;
    for (let done = 0; done < length; ) {
      const inPage = (at + done) % PAGE;
      const count = Math.min(length - done, PAGE - inPage);
      const offset = this.page(at + done) + inPage;
      this.bytes.write(hex.slice(2 * done, 2 * (done + count)), offset, 'hex');
      done += count;
    }
  }

  read8(at: number): number {
    const offset = this.offsets.get(Math.floor(at / PAGE));
    return offset === undefined ? 0 : (this.bytes[offset + (at % PAGE)] ?? 0);
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
  static differences(a: Pages, b: Pages): number[] {
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
