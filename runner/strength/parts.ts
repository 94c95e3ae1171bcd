// SPDX-License-Identifier: GPL-2.0-or-later

/** The parts of the reference whose strength is measured. */

export interface Part {
  name: 'host' | 'processor';
  /** What is mutated; what is not begins with `!`. */
  files: readonly string[];
  /** The least share of its mutants, but for the equivalent ones, that the cases must kill. */
  threshold: number;
}

export const PARTS: readonly Part[] = [
  {
    name: 'host',
    files: [
      'reference/host/**/*.ts',
      '!reference/host/**/*.test.ts',
      // The checker of chapter 23 is part of the judgement: isolation.test.ts says whether it sees what it must see.
      '!reference/host/isolation*.ts',
      // Brings the listings of the Switcher and of the host's code into being; nothing runs it.
      '!reference/host/assemble.ts',
    ],
    threshold: 1,
  },
  {
    name: 'processor',
    files: ['reference/processor/**/*.ts', '!reference/processor/**/*.test.ts'],
    threshold: 0.95,
  },
];
