// SPDX-License-Identifier: GPL-2.0-or-later

/** Room for so many pages at first. */
const INITIAL_PAGES = 16;

/** Double words in a page. */
const PAGE_WORDS = 1024;

/** A page that was written after a moment. The contents hold until the next moment begins. */
export interface WrittenPage {
  /** Its number. */
  page: number;
  /** What it held at the moment. */
  old: Uint32Array;
  now: Uint32Array;
}

/**
 * A moment in the life of a physical memory, to look back at: what a page held is kept when the page is written for the
 * first time after it, so that looking back costs nothing for all that stays as it was.
 */
export class Moment {
  private readonly pages: number[] = [];
  private room = new Uint32Array(INITIAL_PAGES * PAGE_WORDS);

  /**
   * @param words the content of the memory
   * @param waiting for each page, who wants to know of the next write to it
   * @param bit this moment's in `waiting`
   */
  constructor(
    private readonly words: Uint32Array,
    private readonly waiting: Uint8Array,
    private readonly bit: number,
  ) {
    for (let page = 0; page < waiting.length; page++) waiting[page] |= bit;
  }

  /** The moment is now. */
  begin(): void {
    for (const page of this.pages) this.waiting[page] |= this.bit;
    this.pages.length = 0;
  }

  /** Keeps a page that is about to be written for the first time. */
  keep(page: number): void {
    const place = this.pages.length * PAGE_WORDS;
    if (place === this.room.length) {
      const larger = new Uint32Array(2 * place);
      larger.set(this.room);
      this.room = larger;
    }
    this.pages.push(page);
    this.room.set(this.words.subarray(page * PAGE_WORDS, (page + 1) * PAGE_WORDS), place);
  }

  /** The pages that were written since, whether or not they hold something else now; in the order of the first writes. */
  written(): WrittenPage[] {
    return this.pages.map((page, index) => ({
      page,
      old: this.room.subarray(index * PAGE_WORDS, (index + 1) * PAGE_WORDS),
      now: this.words.subarray(page * PAGE_WORDS, (page + 1) * PAGE_WORDS),
    }));
  }
}
