// SPDX-License-Identifier: GPL-2.0-or-later

/** Which case runs come to which mutants. It is measured once, kept in the sandbox, and read by every worker. */

import { readFileSync, writeFileSync } from 'node:fs';

const FILE = 'strength-coverage';

interface Head {
  runs: number;
  mutantsOfMark: number[][];
  milliseconds: number[];
  mostHits: number[];
  anyRun: boolean[];
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
    const bytes = Math.ceil(head.runs / 8);
    this.runsOfMark = head.mutantsOfMark.map(
      (_, mark) => new BitSet(bits.subarray(mark * bytes, (mark + 1) * bytes)),
    );
    head.mutantsOfMark.forEach((mutants, mark) => {
      for (const mutant of mutants) this.marksOf.set(mutant, [...(this.marksOf.get(mutant) ?? []), mark]);
    });
  }

  static empty(runs: number, mutantsOfMark: number[][]): Coverage {
    const zeros = (): number[] => mutantsOfMark.map(() => 0);
    return new Coverage(
      {
        runs,
        mutantsOfMark,
        milliseconds: Array.from({ length: runs }, () => 0),
        mostHits: zeros(),
        anyRun: mutantsOfMark.map(() => false),
      },
      new Uint8Array(Math.ceil(runs / 8) * mutantsOfMark.length),
    );
  }

  static read(): Coverage {
    const head = JSON.parse(readFileSync(`${FILE}.json`, 'utf8')) as Head;
    return new Coverage(head, new Uint8Array(readFileSync(`${FILE}.bits`)));
  }

  write(): void {
    writeFileSync(`${FILE}.bits`, this.bits);
    writeFileSync(`${FILE}.json`, JSON.stringify(this.head));
  }

  /**
   * Adds what one case run came to, and takes it out of `counts`. Marks that it has not come to each time it was run stand
   * in code whose results are kept (decoded instructions, the image of a host): any run may depend on them.
   */
  add(run: number, counts: Uint32Array, milliseconds: number, again: boolean): void {
    const { head } = this;
    head.milliseconds[run] = milliseconds;
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

  /** How long the case run takes without mutation, in milliseconds. */
  milliseconds(run: number): number {
    return this.head.milliseconds[run] ?? 0;
  }

  /** The most often that a single case comes to the mutant. */
  mostHits(mutant: number): number {
    return this.sumOver(mutant, (mark) => this.head.mostHits[mark] ?? 0);
  }

  /** The case runs that come to the mutant; and whether others may depend on it too. */
  runsOf(mutant: number): { direct: number[]; others: number[] } {
    const marks = this.marksOf.get(mutant) ?? [];
    const direct: number[] = [];
    const others: number[] = [];
    const any = marks.some((mark) => this.head.anyRun[mark]);
    for (let run = 0; run < this.head.runs; run++) {
      if (marks.some((mark) => this.runsOfMark[mark]?.has(run))) direct.push(run);
      else if (any) others.push(run);
    }
    return { direct, others };
  }

  /** The mutants that any case run comes to, or may depend on. */
  covered(): number[] {
    return [...this.marksOf.keys()].filter((mutant) =>
      (this.marksOf.get(mutant) ?? []).some(
        (mark) => (this.head.mostHits[mark] ?? 0) > 0 || this.head.anyRun[mark],
      ),
    );
  }

  private sumOver(mutant: number, value: (mark: number) => number): number {
    return (this.marksOf.get(mutant) ?? []).reduce((sum, mark) => sum + value(mark), 0);
  }
}
