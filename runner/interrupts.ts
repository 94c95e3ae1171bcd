// SPDX-License-Identifier: GPL-2.0-or-later

import { ExitCode } from './usage.js';

/** Signals that end the program, with the exit code by which a shell tells them. */
const FATAL = [
  ['SIGINT', ExitCode.interrupted],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const;

let isInstalled = false;

/**
 * From now on a signal does not end the program without its `exit` handlers: they end what it has started. A signal for which
 * somebody else listens is theirs.
 */
export function exitOnSignals(): void {
  if (isInstalled) return;
  isInstalled = true;
  for (const [signal, code] of FATAL) {
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(code);
    });
  }
}

/** Says when a long command is to end early. */
export interface Interruption {
  signal: AbortSignal;
  /** Ctrl-C is no longer waited for. */
  end(): void;
}

/** The first Ctrl-C asks a command to end with what is known; a second one ends the program. */
export function watchInterrupts(): Interruption {
  exitOnSignals();
  const controller = new AbortController();
  function onInterrupt(): void {
    if (controller.signal.aborted) process.exit(ExitCode.interrupted);
    controller.abort();
  }
  process.on('SIGINT', onInterrupt);
  return { signal: controller.signal, end: () => process.removeListener('SIGINT', onInterrupt) };
}
