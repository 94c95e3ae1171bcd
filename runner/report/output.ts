// SPDX-License-Identifier: GPL-2.0-or-later

import { writeSync } from 'node:fs';
import { ExitCode } from '../usage.js';

const STDOUT = 1;
/** As a shell tells the end of a program by SIGPIPE. */
const READER_GONE = 141;
const INDENT = '  ';
/** Lines of prose are broken here, or at the width of a narrower terminal. */
const WIDTH = 110;

/**
 * Writes lines to standard output, completely, before it returns: what is printed before an exit must not be lost. A
 * reader that has gone (`| head`) ends the program quietly, but not as a success; a full disk ends it with the reason.
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
      const { code, message } = describe(error);
      if (code === 'EAGAIN') continue;
      if (code !== 'EPIPE') process.stderr.write(`lguest-conformance: cannot write the output: ${message}\n`);
      process.exit(code === 'EPIPE' ? READER_GONE : ExitCode.doesNotConform);
    }
  }
}

/** Prints prose behind a label, broken into lines that are indented under it. */
export function printProse(label: string, text: string): void {
  for (const line of proseLines(label, text)) print(line);
}

export function proseLines(label: string, text: string): string[] {
  const width = Math.min(WIDTH, process.stdout.columns ?? WIDTH);
  const lines: string[] = [];
  let line = `${INDENT}${label}:`;
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > width) {
      lines.push(line);
      line = INDENT.repeat(2);
    }
    line += line.endsWith(INDENT) ? word : ` ${word}`;
  }
  return [...lines, line];
}

function describe(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: '', message: String(error) };
  return { code: 'code' in error ? String(error.code) : '', message: error.message };
}
