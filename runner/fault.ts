// SPDX-License-Identifier: GPL-2.0-or-later

import { suiteVersion } from './package.js';
import { ExitCode } from './usage.js';

/** An error that nobody has expected is this program's own fault: it ends, and nothing is said about the implementation. */
export function exitOnFaults(): void {
  process.on('uncaughtException', (error) => {
    tellFault(error);
    process.exit(ExitCode.fault);
  });
}

function tellFault(error: unknown): void {
  const { name, version } = suiteVersion();
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(
    [
      '',
      `${name}: this is a fault of ${name} itself. Nothing is said about the implementation.`,
      'Please report it, with this text and the files that the command line names. (If the places below are in a module of',
      'yours that --impl module:... has loaded, the fault is there.)',
      `  ${name} ${version}, Node.js ${process.version}, ${process.platform} ${process.arch}`,
      `  ${name} ${process.argv.slice(2).join(' ')}`,
      stack,
      '',
    ].join('\n'),
  );
}
