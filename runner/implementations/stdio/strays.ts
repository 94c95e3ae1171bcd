// SPDX-License-Identifier: GPL-2.0-or-later

import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

/** The environment variable that all descendants of an implementation inherit. */
const MARK = 'LGUEST_CONFORMANCE_SESSION';

/** A mark by which the descendants of one process are found, wherever they have gone. */
export class Strays {
  readonly #entry = `${MARK}=${randomUUID()}`;

  /** The environment to start the process with. */
  environment(): NodeJS.ProcessEnv {
    return { ...process.env, [MARK]: this.#entry.slice(MARK.length + 1) };
  }

  /**
   * Ends all processes that carry the mark. A process that has made itself a session of its own is out of reach of its
   * group's signal; its environment still tells where it comes from. Without /proc (not Linux) nothing is found.
   */
  kill(): void {
    for (const name of processes()) {
      if (!environmentOf(name).split('\0').includes(this.#entry)) continue;
      try {
        process.kill(Number(name), 'SIGKILL');
      } catch {
        // It has ended in the meantime.
      }
    }
  }
}

function processes(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** Empty for a process that has ended, or that belongs to somebody else. */
function environmentOf(name: string): string {
  try {
    return readFileSync(`/proc/${name}/environ`, 'latin1');
  } catch {
    return '';
  }
}
