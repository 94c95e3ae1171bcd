// SPDX-License-Identifier: GPL-2.0-or-later

import type { Kernel, World } from '../../../reference/host/kernel.js';
import type { Host, LgCpu } from '../../../reference/host/state.js';
import { type Tree, wordsAt } from './fields.js';

/** What surrounds the host in a case. */
export interface CaseWorld extends World {
  /** The host has been built, and no step has begun. */
  hostIsReady?(host: Host): void;
  /** What other tasks do while this one sleeps in BREAK, and whether a signal ends the sleep. Absent: nobody says. */
  whileAsleep?: (() => boolean) | undefined;
  beginStep(kernel: Kernel, cpu: LgCpu | null, step: Tree): void;
  /** What it adds to the state in an answer. */
  describe(): Record<string, unknown>;
}

/** The random source of a case: the given numbers, then zeros. */
export class RandomSource {
  private readonly numbers: number[];

  constructor(host: Tree) {
    this.numbers = wordsAt(host, 'random32');
  }

  next(): number {
    return this.numbers.shift() ?? 0;
  }
}
