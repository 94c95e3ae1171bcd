// SPDX-License-Identifier: GPL-2.0-or-later

import type { ChangeCount } from './memory.js';

/** Bits of a TLB entry; bits 12-31 are the physical page. All bits clear: no entry. */
export const TlbBit = {
  valid: 1 << 0,
  /** R/W of both levels. */
  writable: 1 << 1,
  /** U/S of both levels. */
  user: 1 << 2,
  /** The dirty bit in memory is set: a write need not walk. */
  dirty: 1 << 6,
  /** From a 4 MiB entry. */
  large: 1 << 7,
  /** Kept when CR3 is loaded. */
  global: 1 << 8,
} as const;

/**
 * Translations that the processor remembers (PG-13): one slot for each of the 2^20 pages, so nothing is ever evicted.
 * The choices `stale_translation` and `global_translation` are `kept`.
 */
export class Tlb {
  private readonly entries = new Int32Array(1 << 20);
  private filled: number[] = [];

  /** @param changes counts whenever a translation that was remembered may not hold any more */
  constructor(private readonly changes: ChangeCount) {}

  /** @param page number of the linear page */
  lookup(page: number): number {
    return this.entries[page];
  }

  insert(page: number, entry: number): void {
    const old = this.entries[page];
    if (old === 0) this.filled.push(page);
    else if (((old ^ entry) & ~TlbBit.dirty) !== 0) this.changes.count++;
    this.entries[page] = entry;
  }

  /** Drops everything: PG-16, PGE-5, PGE-7. */
  clear(): void {
    this.changes.count++;
    for (const page of this.filled) this.entries[page] = 0;
    this.filled = [];
  }

  /** Drops all entries that are not global: PG-14, PGE-2. */
  clearNonGlobal(): void {
    this.keep((_, entry) => (entry & TlbBit.global) !== 0);
  }

  /** Drops the translation of this page, global or not; with a 4 MiB page all of it: PG-15, PGE-6. */
  invalidate(page: number): void {
    this.keep(
      (other, entry) => other !== page && ((entry & TlbBit.large) === 0 || other >>> 10 !== page >>> 10),
    );
  }

  private keep(wanted: (page: number, entry: number) => boolean): void {
    this.changes.count++;
    const kept: number[] = [];
    for (const page of this.filled) {
      if (wanted(page, this.entries[page])) kept.push(page);
      else this.entries[page] = 0;
    }
    this.filled = kept;
  }
}
