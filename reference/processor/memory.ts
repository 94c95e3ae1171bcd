// SPDX-License-Identifier: GPL-2.0-or-later

import { Moment } from './moment.js';

export type { Moment, WrittenPage } from './moment.js';

/** Bytes in a page of physical memory. */
export const PAGE_SIZE = 4096;

/** A content of physical memory, to come back to: pages by number, all others zero. */
export type MemorySnapshot = ReadonlyMap<number, Uint8Array>;

const ALL_ZERO: MemorySnapshot = new Map();

/** Code is watched in lines of 64 bytes: small, since programs keep data near their code. */
const LINE_SHIFT = 6;

/** Whether a page is to be noted as touched, in the bits of `waiting`; those of the moments are above it. */
const TOUCHED = 1;
const MOST_MOMENTS = 7;

/** Counts what may make a decoded instruction another one: writes near it, and whatever else its keeper adds. */
export class ChangeCount {
  count = 0;
}

/**
 * Physical memory: `size` bytes from address 0, little-endian, without alignment rules. Beyond its end nothing
 * answers: reads give all ones and writes are dropped.
 *
 * It remembers which pages were written since it was cleared or restored, so that doing that again and collecting what is
 * not zero cost only those. Who wants to know what has changed since some moment asks for one: `moment`.
 * A reader that keeps something derived from bytes (decoded instructions) can watch them: `codeChanges` counts the
 * writes near watched bytes.
 */
export class PhysicalMemory {
  readonly size: number;
  /** The content, for reading. Write through the methods: a write here is not noticed. */
  readonly bytes: Uint8Array;
  /** The same as aligned double words, for those who read whole tables; little-endian as the machine this runs on. */
  readonly words: Uint32Array;
  private readonly view: DataView;
  readonly codeChanges = new ChangeCount();
  private readonly watchedLines: Uint8Array;
  /** For each page, who wants to know of the next write to it: bit 0 for `touched`, one more for each of `moments`. */
  private readonly waiting: Uint8Array;
  private touched: number[] = [];
  private readonly moments: Moment[] = [];
  /** What the pages that are not touched hold. */
  private base = ALL_ZERO;

  /** @param size in bytes */
  constructor(size: number) {
    this.size = size;
    const pages = Math.ceil(size / PAGE_SIZE);
    const buffer = new ArrayBuffer(pages * PAGE_SIZE);
    this.bytes = new Uint8Array(buffer, 0, size);
    this.words = new Uint32Array(buffer);
    this.view = new DataView(buffer, 0, size);
    this.waiting = new Uint8Array(pages).fill(TOUCHED);
    this.watchedLines = new Uint8Array((pages * PAGE_SIZE) >>> LINE_SHIFT);
  }

  read8(address: number): number {
    return address < this.size ? this.view.getUint8(address) : 0xff;
  }

  read16(address: number): number {
    if (address + 2 <= this.size) return this.view.getUint16(address, true);
    return this.read8(address) | (this.read8(address + 1) << 8);
  }

  read32(address: number): number {
    if (address + 4 <= this.size) return this.view.getUint32(address, true);
    return (this.read16(address) | (this.read16(address + 2) << 16)) >>> 0;
  }

  write8(address: number, value: number): void {
    if (address >= this.size) return;
    this.noteWrite(address, address);
    this.view.setUint8(address, value);
  }

  write16(address: number, value: number): void {
    if ((address & 0xfff) > PAGE_SIZE - 2 || address + 2 > this.size) {
      this.write8(address, value);
      this.write8(address + 1, value >>> 8);
      return;
    }
    this.noteWrite(address, address + 1);
    this.view.setUint16(address, value, true);
  }

  write32(address: number, value: number): void {
    if ((address & 0xfff) > PAGE_SIZE - 4 || address + 4 > this.size) {
      this.write16(address, value);
      this.write16(address + 2, value >>> 16);
      return;
    }
    this.noteWrite(address, address + 3);
    this.view.setUint32(address, value, true);
  }

  /** Stores bytes from `address` on; those beyond the end of memory are dropped. */
  load(address: number, bytes: Uint8Array): void {
    const end = Math.min(address + bytes.length, this.size);
    if (address >= end) return;
    this.codeChanges.count++;
    for (let page = address >>> 12; page <= (end - 1) >>> 12; page++) this.beforeWrite(page);
    this.bytes.set(bytes.subarray(0, end - address), address);
  }

  /** Makes all memory zero again. */
  clear(): void {
    this.restore(ALL_ZERO);
  }

  /** The present content. */
  snapshot(): MemorySnapshot {
    const pages = new Map<number, Uint8Array>();
    for (const page of [...this.base.keys(), ...this.touched]) {
      pages.set(page, this.bytes.slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE));
    }
    return pages;
  }

  /** Brings a content back. Coming back to the same one again and again costs only the pages written in between. */
  restore(snapshot: MemorySnapshot): void {
    this.codeChanges.count++;
    for (const moment of this.moments) moment.begin();
    for (const page of this.touched) {
      this.restorePage(page, snapshot);
      this.waiting[page] |= TOUCHED;
    }
    this.touched = [];
    if (snapshot === this.base) return;
    for (const page of this.base.keys()) this.restorePage(page, snapshot);
    for (const page of snapshot.keys()) this.restorePage(page, snapshot);
    this.base = snapshot;
  }

  private restorePage(page: number, snapshot: MemorySnapshot): void {
    const content = snapshot.get(page);
    if (content === undefined) this.bytes.fill(0, page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
    else this.bytes.set(content, page * PAGE_SIZE);
  }

  /** Numbers of the pages that were written since the last `clear` or `restore`, ascending. */
  touchedPages(): readonly number[] {
    return this.touched.sort((a, b) => a - b);
  }

  /** Whether the page of an address was written since the last `clear` or `restore`. */
  isTouched(address: number): boolean {
    return (this.waiting[address >>> 12] & TOUCHED) === 0;
  }

  /** A moment of this memory, which begins now. It begins anew when it is told to, and when the memory is cleared or restored. */
  moment(): Moment {
    if (this.moments.length === MOST_MOMENTS) throw new Error('a memory has room for seven moments');
    const moment = new Moment(this.words, this.waiting, TOUCHED << (this.moments.length + 1));
    this.moments.push(moment);
    return moment;
  }

  /** Asks that the next writes near these bytes, which lie in one page, are counted in `codeChanges`. */
  watch(address: number, length: number): void {
    const last = (address + length - 1) >>> LINE_SHIFT;
    for (let line = address >>> LINE_SHIFT; line <= last; line++) this.watchedLines[line] = 1;
  }

  private noteWrite(first: number, last: number): void {
    if (this.waiting[first >>> 12] !== 0) this.beforeWrite(first >>> 12);
    const watched = this.watchedLines[first >>> LINE_SHIFT] | this.watchedLines[last >>> LINE_SHIFT];
    if (watched !== 0) this.codeChanges.count++;
  }

  /** Tells those who wait for a write to this page. */
  private beforeWrite(page: number): void {
    const waiting = this.waiting[page];
    if (waiting === 0) return;
    if ((waiting & TOUCHED) !== 0) this.touched.push(page);
    for (let index = 0; index < this.moments.length; index++) {
      if ((waiting & (TOUCHED << (index + 1))) !== 0) this.moments[index].keep(page);
    }
    this.waiting[page] = 0;
  }
}
