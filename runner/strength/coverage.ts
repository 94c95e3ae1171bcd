// SPDX-License-Identifier: GPL-2.0-or-later

/** Which case runs come to which mutants. It is measured once, kept beside the sandbox, and read by every worker. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const HEAD = 'coverage.json';
const BITS = 'coverage.bits';

interface Head {
  /** The names of the case runs. */
  runs: readonly string[];
  mutantsOfMark: number[][];
  milliseconds: number[];
  mostHits: number[];
  anyRun: boolean[];
  /** By case run: whether another one does the same. */
  repeats: boolean[];
}

/** A set of case runs, by number. */
class BitSet {
  constructor(readonly bits: Uint8Array) {}

  add(index: number): void {
    this.bits[index >>> 3] = (this.bits[index >>> 3] ?? 0) | (1 << (index & 7));
  }

  has(index: number): boolean {
    return (((this.bits[index >>> 3] ?? 0) >>> (index & 7)) & 1) === 1;
  }
}

export class Coverage {
  private readonly runsOfMark: BitSet[];
  private readonly marksOf = new Map<number, number[]>();

  private constructor(
    private readonly head: Head,
    private readonly bits: Uint8Array,
  ) {
    const bytes = Math.ceil(head.runs.length / 8);
    this.runsOfMark = head.mutantsOfMark.map(
      (_, mark) => new BitSet(bits.subarray(mark * bytes, (mark + 1) * bytes)),
    );
    head.mutantsOfMark.forEach((mutants, mark) => {
      for (const mutant of mutants) this.marksOf.set(mutant, [...(this.marksOf.get(mutant) ?? []), mark]);
    });
  }

  static empty(runs: readonly string[], mutantsOfMark: number[][]): Coverage {
    const zeros = (): number[] => mutantsOfMark.map(() => 0);
    return new Coverage(
      {
        runs,
        mutantsOfMark,
        milliseconds: runs.map(() => 0),
        mostHits: zeros(),
        anyRun: mutantsOfMark.map(() => false),
        repeats: runs.map(() => false),
      },
      new Uint8Array(Math.ceil(runs.length / 8) * mutantsOfMark.length),
    );
  }

  /** What was written into the folder. */
  static read(folder: string): Coverage {
    const head = JSON.parse(readFileSync(join(folder, HEAD), 'utf8')) as Head;
    return new Coverage(head, new Uint8Array(readFileSync(join(folder, BITS))));
  }

  write(folder: string): void {
    writeFileSync(join(folder, BITS), this.bits);
    writeFileSync(join(folder, HEAD), JSON.stringify(this.head));
  }

  /** Whether both case runs came to the same places. */
  sameWay(a: number, b: number): boolean {
    return this.runsOfMark.every((set) => set.has(a) === set.has(b));
  }

  /**
   * Adds what one case run came to, and takes it out of `counts`. Marks that it has not come to each time it was run stand
   * in code whose results are kept (decoded instructions, the image of a host): any run may depend on them.
   */
  add(run: number, counts: Uint32Array, milliseconds: number, again: boolean): void {
    const { head } = this;
    head.milliseconds[run] = again ? Math.min(milliseconds, head.milliseconds[run] ?? 0) : milliseconds;
    counts.forEach((count, mark) => {
      const set = this.runsOfMark[mark];
      if (set === undefined) return;
      if (again && set.has(run) !== count > 0) head.anyRun[mark] = true;
      if (count === 0) return;
      set.add(run);
      head.mostHits[mark] = Math.max(head.mostHits[mark] ?? 0, count);
    });
    counts.fill(0);
  }

  /** What is come to when the modules are loaded counts for every run. */
  addLoading(counts: Uint32Array): void {
    counts.forEach((count, mark) => {
      if (count > 0) this.head.anyRun[mark] = true;
    });
    counts.fill(0);
  }

  /** Leaves a case run out of all that follows. */
  setRepeats(run: number): void {
    this.head.repeats[run] = true;
  }

  repeats(run: number): boolean {
    return this.head.repeats[run] === true;
  }

  /** How long the case run takes without mutation, in milliseconds. */
  milliseconds(run: number): number {
    return this.head.milliseconds[run] ?? 0;
  }

  /** The most often that a single case comes to the mutant. */
  mostHits(mutant: number): number {
    return this.marks(mutant).reduce((sum, mark) => sum + (this.head.mostHits[mark] ?? 0), 0);
  }

  /** Tells of each case run whether it comes to the mutant. */
  reaching(mutant: number): (run: number) => boolean {
    const sets = this.marks(mutant).flatMap((mark) => this.runsOfMark[mark] ?? []);
    return (run) => sets.some((set) => set.has(run));
  }

  /** Whether case runs that do not come to the mutant may depend on it all the same. */
  mattersToAll(mutant: number): boolean {
    return this.marks(mutant).some((mark) => this.head.anyRun[mark]);
  }

  /** The mutants that any case run comes to, or may depend on. */
  covered(): number[] {
    return [...this.marksOf.keys()].filter(
      (mutant) => this.mostHits(mutant) > 0 || this.mattersToAll(mutant),
    );
  }

  /** The names of the case runs that come to the mutant, the quickest first. */
  namesReaching(mutant: number): string[] {
    const { runs } = this.head;
    const numbers = runs.map((_, number) => number).filter(this.reaching(mutant));
    numbers.sort((a, b) => this.milliseconds(a) - this.milliseconds(b));
    return numbers.map((number) => runs[number] ?? '');
  }

  private marks(mutant: number): readonly number[] {
    return this.marksOf.get(mutant) ?? [];
  }
}
