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

/** Sparse physical memory: all bytes are zero until written. */
export class MemoryImage implements ReadableMemory {
  private readonly pages = new Map<number, Buffer>();

  static of(runs: readonly MemoryRun[]): MemoryImage {
    const image = new MemoryImage();
    for (const run of runs) image.writeHex(run.at, run.hex);
    return image;
  }

  copy(): MemoryImage {
    const image = new MemoryImage();
    for (const [number, page] of this.pages) image.pages.set(number, Buffer.from(page));
    return image;
  }

  writeHex(at: number, hex: string): void {
    const length = hex.length / 2;
    let done = 0;
    while (done < length) {
      const offset = (at + done) % PAGE;
      const count = Math.min(length - done, PAGE - offset);
      this.page(at + done).write(hex.slice(2 * done, 2 * (done + count)), offset, 'hex');
      done += count;
    }
  }

  read8(at: number): number {
    return this.pages.get(Math.floor(at / PAGE))?.[at % PAGE] ?? 0;
  }

  write8(at: number, value: number): void {
    this.page(at)[at % PAGE] = value;
  }

  read32(at: number): number {
    const low = this.read8(at) | (this.read8(at + 1) << 8) | (this.read8(at + 2) << 16);
    return (low | (this.read8(at + 3) << 24)) >>> 0;
  }

  /** All bytes that are not zero, as runs; short gaps of zeros stay inside a run. */
  runs(): MemoryRun[] {
    const runs: MemoryRun[] = [];
    for (const number of [...this.pages.keys()].sort((a, b) => a - b)) {
      runs.push(...runsOfPage(number * PAGE, this.pages.get(number) ?? EMPTY_PAGE));
    }
    return runs;
  }

  /** Addresses of the aligned double words in which two memories differ. */
  static differences(a: MemoryImage, b: MemoryImage): number[] {
    const numbers = new Set([...a.pages.keys(), ...b.pages.keys()]);
    const found: number[] = [];
    for (const number of numbers) {
      const left = a.pages.get(number) ?? EMPTY_PAGE;
      const right = b.pages.get(number) ?? EMPTY_PAGE;
      if (Buffer.compare(left, right) === 0) continue;
      for (let offset = 0; offset < PAGE; offset += 4) {
        if (!sameWord(left, right, offset)) found.push(number * PAGE + offset);
      }
    }
    return found.sort((x, y) => x - y);
  }

  private page(at: number): Buffer {
    const number = Math.floor(at / PAGE);
    let page = this.pages.get(number);
    if (page === undefined) {
      page = Buffer.alloc(PAGE);
      this.pages.set(number, page);
    }
    return page;
  }
}

const EMPTY_PAGE = Buffer.alloc(PAGE);

function sameWord(left: Uint8Array, right: Uint8Array, offset: number): boolean {
  for (let i = offset; i < offset + 4; i++) if (left[i] !== right[i]) return false;
  return true;
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
