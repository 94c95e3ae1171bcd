// SPDX-License-Identifier: GPL-2.0-or-later

import type { MemoryRun } from '../protocol.js';
import { Pages } from './pages.js';

/** Memory that can be read byte by byte. */
export interface ReadableMemory {
  read8(at: number): number;
  /** A little-endian double word; the address need not be aligned. */
  read32(at: number): number;
}

/** The two digits of a byte. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** The number whose bytes are in the other order. */
function swapped(value: number): number {
  const outer = (value << 24) | (value >>> 24);
  return (outer | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00)) >>> 0;
}

/**
 * Sparse physical memory: runs of bytes, later ones over earlier ones; all else is zero.
 *
 * Of most cases a few words are read and written, and two memories are compared that begin with the same runs: that is done
 * in the runs themselves. Only those who go through a memory, or compare two that have nothing in common, have it decoded.
 */
export class MemoryImage implements ReadableMemory {
  private decoded: Pages | undefined;

  /** @param written follows `given` and belongs to this image alone */
  private constructor(
    private readonly given: readonly MemoryRun[],
    private readonly written: MemoryRun[],
  ) {}

  static of(runs: readonly MemoryRun[]): MemoryImage {
    return new MemoryImage(runs, []);
  }

  copy(): MemoryImage {
    return new MemoryImage(this.given, this.written.slice());
  }

  writeHex(at: number, hex: string): void {
    this.decoded = undefined;
    this.written.push({ at, hex });
  }

  write8(at: number, value: number): void {
    const byte = HEX[value & 0xff] ?? '';
    const last = this.written.at(-1);
    // Words are written byte by byte: they become one run.
    if (last !== undefined && last.at + last.hex.length / 2 === at) {
      this.written.pop();
      this.writeHex(last.at, last.hex + byte);
    } else {
      this.writeHex(at, byte);
    }
  }

  /** For those who go through the memory byte by byte. */
  read8(at: number): number {
    return this.pages().read8(at);
  }

  read32(at: number): number {
    if (this.decoded !== undefined) return this.decoded.read32(at);
    for (let i = this.length - 1; i >= 0; i--) {
      const run = this.run(i);
      const digit = 2 * (at - run.at);
      if (digit <= -8 || digit >= run.hex.length) continue;
      if (digit < 0 || digit + 8 > run.hex.length) return this.read32ByBytes(at);
      return swapped(Number.parseInt(run.hex.slice(digit, digit + 8), 16));
    }
    return 0;
  }

  /** All bytes that are not zero, as runs; short gaps of zeros stay inside a run. */
  runs(): MemoryRun[] {
    return this.pages().runs();
  }

  /** Addresses of the aligned double words in which two memories differ. */
  static differences(a: MemoryImage, b: MemoryImage): number[] {
    const common = MemoryImage.common(a, b);
    // They differ at most where the runs are that they do not have in common.
    if (common === 0 || a.digitsFrom(common) + b.digitsFrom(common) > FEW_DIGITS) {
      return Pages.differences(a.pages(), b.pages());
    }
    const words = new Set([...a.wordsFrom(common), ...b.wordsFrom(common)]);
    return [...words].filter((at) => a.read32(at) !== b.read32(at)).sort((x, y) => x - y);
  }

  private get length(): number {
    return this.given.length + this.written.length;
  }

  private run(index: number): MemoryRun {
    return this.given[index] ?? this.written[index - this.given.length] ?? NO_RUN;
  }

  /** For a double word that lies in several runs. */
  private read32ByBytes(at: number): number {
    let value = 0;
    for (let i = 3; i >= 0; i--) value = value * 256 + this.byteInRuns(at + i);
    return value;
  }

  private byteInRuns(at: number): number {
    for (let i = this.length - 1; i >= 0; i--) {
      const { at: start, hex } = this.run(i);
      const index = at - start;
      if (index >= 0 && 2 * index < hex.length) return byteAt(hex, index);
    }
    return 0;
  }

  private pages(): Pages {
    if (this.decoded !== undefined) return this.decoded;
    const pages = new Pages();
    for (const { at, hex } of this.given) pages.writeHex(at, hex);
    for (const { at, hex } of this.written) pages.writeHex(at, hex);
    this.decoded = pages;
    return pages;
  }

  private digitsFrom(first: number): number {
    let digits = 0;
    for (let i = first; i < this.length; i++) digits += this.run(i).hex.length;
    return digits;
  }

  /** The aligned double words that the runs from this one on touch. */
  private wordsFrom(first: number): number[] {
    const words: number[] = [];
    for (let i = first; i < this.length; i++) {
      const { at, hex } = this.run(i);
      for (let word = at - (at % 4); word < at + hex.length / 2; word += 4) words.push(word);
    }
    return words;
  }

  /** How many runs two memories have in common at their beginning. */
  private static common(a: MemoryImage, b: MemoryImage): number {
    const most = Math.min(a.given.length, b.given.length);
    let common = 0;
    while (common < most && sameRun(a.given[common], b.given[common])) common++;
    return common;
  }
}

/** So much is compared in the runs; of more, decoding both memories is quicker. */
const FEW_DIGITS = 512;

const NO_RUN: MemoryRun = { at: 0, hex: '' };

/** They are the same object where nobody has sent them through a pipe. */
function sameRun(a: MemoryRun | undefined, b: MemoryRun | undefined): boolean {
  return a === b || (a?.at === b?.at && a?.hex === b?.hex);
}

function byteAt(hex: string, index: number): number {
  return Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16);
}
