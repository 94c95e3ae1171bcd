// SPDX-License-Identifier: GPL-2.0-or-later

import { writeSync } from 'node:fs';

const STDOUT = 1;

/**
 * Writes lines to standard output, completely, before it returns: what is printed before an exit must not be lost. A
 * reader that has gone (`| head`) ends the program quietly.
 */
export function print(text: string): void {
  write(`${text}\n`);
}

export function write(text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(STDOUT, rest));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EAGAIN') continue;
      if (code === 'EPIPE') process.exit(process.exitCode ?? 0);
      throw error;
    }
  }
}
