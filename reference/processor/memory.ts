// SPDX-License-Identifier: GPL-2.0-or-later

/** Bytes in a page of physical memory. */
export const PAGE_SIZE = 4096;

/** A content of physical memory, to come back to: pages by number, all others zero. */
export type MemorySnapshot = ReadonlyMap<number, Uint8Array>;

const ALL_ZERO: MemorySnapshot = new Map();

/** What is known of one physical page since the last `restore`; see `pageState`. */
const UNTOUCHED = 0;
const TOUCHED = 1;
const WATCHED = 2;

/**
 * Physical memory: `size` bytes from address 0, little-endian, without alignment rules. Beyond its end nothing
 * answers: reads give all ones and writes are dropped.
 *
 * It remembers which pages were written since it was cleared or restored, so that doing that again and collecting what is
 * not zero cost only those.
 * A reader that keeps something derived from a page (decoded instructions) can watch that page: its version changes
 * with the first write after `watch`.
 */
export class PhysicalMemory {
  readonly size: number;
  /** The content, for reading. Write through the methods: a write here is not noticed. */
  readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly pageState: Uint8Array;
  private readonly pageVersion: Uint32Array;
  private touched: number[] = [];
  /** What the pages that are not touched hold. */
  private base = ALL_ZERO;

  /** @param size in bytes */
  constructor(size: number) {
    this.size = size;
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
    const pages = Math.ceil(size / PAGE_SIZE);
    this.pageState = new Uint8Array(pages);
    this.pageVersion = new Uint32Array(pages);
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
    this.noteWrite(address >>> 12);
    this.view.setUint8(address, value);
  }

  write16(address: number, value: number): void {
    if ((address & 0xfff) > PAGE_SIZE - 2 || address + 2 > this.size) {
      this.write8(address, value);
      this.write8(address + 1, value >>> 8);
      return;
    }
    this.noteWrite(address >>> 12);
    this.view.setUint16(address, value, true);
  }

  write32(address: number, value: number): void {
    if ((address & 0xfff) > PAGE_SIZE - 4 || address + 4 > this.size) {
      this.write16(address, value);
      this.write16(address + 2, value >>> 16);
      return;
    }
    this.noteWrite(address >>> 12);
    this.view.setUint32(address, value, true);
  }

  /** Stores bytes from `address` on; those beyond the end of memory are dropped. */
  load(address: number, bytes: Uint8Array): void {
    const end = Math.min(address + bytes.length, this.size);
    if (address >= end) return;
    for (let page = address >>> 12; page <= (end - 1) >>> 12; page++) this.noteWrite(page);
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
    for (const page of this.touched) this.restorePage(page, snapshot);
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
    this.pageVersion[page] = this.pageVersion[page] + 1;
    this.pageState[page] = UNTOUCHED;
  }

  /** Numbers of the pages that were written since the last `clear` or `restore`, ascending. */
  touchedPages(): readonly number[] {
    return this.touched.sort((a, b) => a - b);
  }

  /** Asks that the version of this page changes with the next write to it, and gives the present version. */
  watch(page: number): number {
    if (this.pageState[page] === TOUCHED) this.pageState[page] = WATCHED;
    return this.version(page);
  }

  /** A number that has changed if a watched page was written. Beyond the end of memory nothing changes. */
  version(page: number): number {
    return this.pageVersion[page] ?? 0;
  }

  private noteWrite(page: number): void {
    const state = this.pageState[page];
    if (state === TOUCHED) return;
    if (state === UNTOUCHED) this.touched.push(page);
    this.pageState[page] = TOUCHED;
    this.pageVersion[page] = this.pageVersion[page] + 1;
  }
}
