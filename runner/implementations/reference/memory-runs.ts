// SPDX-License-Identifier: GPL-2.0-or-later

import type { PhysicalMemory } from '../../../reference/processor/memory.js';
import type { WrittenPage } from '../../../reference/processor/moment.js';
import type { MemoryRun } from '../../protocol.js';

const PAGE = 4096;
/** More zero bytes than this end a run. */
const GAP = 8;

/** What a whole page held when it was told last, and how it was told. */
interface KnownPage {
  content: Uint8Array;
  origin: number;
  runs: readonly MemoryRun[];
}

/** A memory as it is read here. Most pages of a case are as the case before had them, and need not be read again. */
class Reader {
  readonly bytes: Buffer;
  readonly words: Uint32Array;
  private readonly known = new Map<number, KnownPage>();

  constructor(memory: PhysicalMemory) {
    this.bytes = Buffer.from(memory.bytes.buffer);
    this.words = memory.words;
  }

  wholePage(page: number, origin: number): readonly MemoryRun[] {
    const start = page * PAGE;
    const last = this.known.get(page);
    if (last?.origin === origin && this.bytes.compare(last.content, 0, PAGE, start, start + PAGE) === 0) {
      return last.runs;
    }
    const runs = this.runsBetween(start, start + PAGE, origin);
    const content = new Uint8Array(this.bytes.subarray(start, start + PAGE));
    this.known.set(page, { content, origin, runs });
    return runs;
  }

  runsBetween(from: number, to: number, origin: number): MemoryRun[] {
    const runs: MemoryRun[] = [];
    let start = -1;
    let last = -1;
    for (let address = from; address < to; address++) {
      if ((address & 3) === 0) while (address < to && this.words[address >>> 2] === 0) address += 4;
      if (address >= to || this.bytes[address] === 0) continue;
      if (start >= 0 && address - last > GAP) {
        runs.push(this.run(start, last, origin));
        start = -1;
      }
      if (start < 0) start = address;
      last = address;
    }
    if (start >= 0) runs.push(this.run(start, last, origin));
    return runs;
  }

  private run(first: number, last: number, origin: number): MemoryRun {
    return { at: first - origin, hex: this.bytes.toString('hex', first, last + 1) };
  }
}

const readers = new WeakMap<PhysicalMemory, Reader>();

/**
 * What is not zero from `from` up to `to`, as runs that do not cross pages. Only pages that were written are looked at.
 * Runs of different answers may be the same objects.
 * @param origin the physical address that counts as 0 in the runs
 */
export function nonZeroRuns(memory: PhysicalMemory, from: number, to: number, origin: number): MemoryRun[] {
  let reader = readers.get(memory);
  if (reader === undefined) {
    reader = new Reader(memory);
    readers.set(memory, reader);
  }
  const runs: MemoryRun[] = [];
  for (const page of memory.touchedPages()) {
    const start = Math.max(from, page * PAGE);
    const end = Math.min(to, (page + 1) * PAGE);
    if (start >= end) continue;
    const isWhole = end - start === PAGE;
    const found = isWhole ? reader.wholePage(page, origin) : reader.runsBetween(start, end, origin);
    for (const run of found) runs.push(run);
  }
  return runs;
}

/** Words that are as they were are told among changed ones rather than between two runs. */
const GAP_WORDS = 2;

/**
 * What is not as it was, of the memory from `from` up to `to`, as runs of whole double words.
 * @param written the pages that have been written since
 * @param origin the physical address that counts as 0 in the runs
 */
export function changedRuns(
  written: readonly WrittenPage[],
  from: number,
  to: number,
  origin: number,
): MemoryRun[] {
  const runs: MemoryRun[] = [];
  for (const { page, old, now } of written) {
    const start = page * PAGE;
    if (start >= from && start < to) addChanges(old, now, start - origin, runs);
  }
  return runs;
}

function addChanges(old: Uint32Array, now: Uint32Array, at: number, runs: MemoryRun[]): void {
  let first = -1;
  let last = -1;
  const end = (): void => {
    const bytes = Buffer.from(now.buffer, now.byteOffset + 4 * first, 4 * (last + 1 - first));
    runs.push({ at: at + 4 * first, hex: bytes.toString('hex') });
  };
  for (let word = 0; word < old.length; word++) {
    if (old[word] === now[word]) continue;
    if (first >= 0 && word - last > GAP_WORDS) {
      end();
      first = -1;
    }
    if (first < 0) first = word;
    last = word;
  }
  if (first >= 0) end();
}
