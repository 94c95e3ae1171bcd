// SPDX-License-Identifier: GPL-2.0-or-later

/** Ends what does not end by itself. */

import { createContext, Script } from 'node:vm';

const room = createContext({ work: (): void => {} });
const script = new Script('work()');

/** Runs it in this process. Returns false when it was still running after so many milliseconds. */
export function endsWithin(milliseconds: number, work: () => void): boolean {
  room.work = work;
  try {
    script.runInContext(room, { timeout: Math.ceil(milliseconds) });
    return true;
  } catch (error) {
    if (isTimeout(error)) return false;
    throw error;
  }
}

/** The error is one of that context, hence no instance of this one's `Error`. */
function isTimeout(error: unknown): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
  );
}
