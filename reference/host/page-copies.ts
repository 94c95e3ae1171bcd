// SPDX-License-Identifier: GPL-2.0-or-later

import type { PhysicalMemory } from '../processor/memory.js';
import { PAGE_SIZE } from './layout.js';

/** Room for so many pages at first. */
const INITIAL_PAGES = 64;

/** A page that has changed since it was copied. */
export interface ChangedPage {
  /** Its number. */
  page: number;
  old: Buffer;
  now: Buffer;
}

const copiesOf = new WeakMap<PhysicalMemory, PageCopies>();

/**
 * Copies of pages of physical memory, to see later what has changed in them. There is one such set for
 * each memory, since copies are taken at every visit to a guest: room for them must not be made each time.
 */
export class PageCopies {
  private room = Buffer.alloc(INITIAL_PAGES * PAGE_SIZE);
  /** Where in `room` the copy of a page is, by its number. */
  private readonly places = new Map<number, number>();
  private readonly content: Buffer;

  /** The copies of a memory: the same ones again and again. */
  static of(memory: PhysicalMemory): PageCopies {
    const known = copiesOf.get(memory) ?? new PageCopies(memory);
    copiesOf.set(memory, known);
    return known;
  }

  private constructor(memory: PhysicalMemory) {
    const { buffer, byteOffset, byteLength } = memory.bytes;
    this.content = Buffer.from(buffer, byteOffset, byteLength);
  }

  clear(): void {
    this.places.clear();
  }

  /** Copies a page as it is now. */
  add(page: number): void {
    if (this.places.has(page)) return;
    const place = this.places.size * PAGE_SIZE;
    if (place === this.room.length) this.room = Buffer.concat([this.room, Buffer.alloc(place)]);
    this.content.copy(this.room, place, page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
    this.places.set(page, place);
  }

  has(page: number): boolean {
    return this.places.has(page);
  }

  /** The pages that are not as they were. */
  changed(): ChangedPage[] {
    const found: ChangedPage[] = [];
    for (const [page, place] of this.places) {
      const start = page * PAGE_SIZE;
      const [end, placeEnd] = [start + PAGE_SIZE, place + PAGE_SIZE];
      if (this.content.compare(this.room, place, placeEnd, start, end) === 0) continue;
      found.push({
        page,
        old: this.room.subarray(place, placeEnd),
        now: this.content.subarray(start, end),
      });
    }
    return found;
  }
}
