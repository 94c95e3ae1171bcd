// SPDX-License-Identifier: GPL-2.0-or-later

/** Numbers that look random and are the same for the same seed (xorshift32). */
export class RandomSource {
  private state: number;

  /** @param seed any number */
  constructor(seed: number) {
    this.state = seed >>> 0 || 1;
  }

  /** An unsigned 32-bit number. */
  next(): number {
    let { state } = this;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.state = state >>> 0;
    return this.state;
  }
}
