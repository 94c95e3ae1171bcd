// SPDX-License-Identifier: GPL-2.0-or-later

/** Ends what does not end by itself. */

import { createContext, Script } from 'node:vm';

/** On a busy machine this process may have got nothing of the time that has passed: then there is more of it. */
const MORE_TIME = 4;

const room = createContext({ work: (): void => {} });
const script = new Script('work()');

/**
 * Runs it in this process. Returns false when it was still running after so many milliseconds of the processor's time. It is
 * begun anew when it was interrupted before it had them.
 */
export function endsWithin(milliseconds: number, work: () => void): boolean {
  let patience = milliseconds;
  for (;;) {
    const began = processorMilliseconds();
    if (endsSoon(patience, work)) return true;
    if (processorMilliseconds() - began >= milliseconds) return false;
    patience *= MORE_TIME;
  }
}

function endsSoon(milliseconds: number, work: () => void): boolean {
  room.work = work;
  try {
    script.runInContext(room, { timeout: Math.ceil(milliseconds) });
    return true;
  } catch (error) {
    if (isTimeout(error)) return false;
    throw error;
  }
}

function processorMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
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
