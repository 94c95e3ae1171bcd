// SPDX-License-Identifier: GPL-2.0-or-later

/** The meaning of the program's exit code. */
export const ExitCode = {
  conforms: 0,
  doesNotConform: 1,
  usage: 2,
  cannotStart: 3,
  /** The program itself is at fault, so that nothing is said. As `EX_SOFTWARE` of sysexits.h. */
  fault: 70,
  interrupted: 130,
} as const;

/** Something wrong with how the program was called, found before anything runs; exit code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}
