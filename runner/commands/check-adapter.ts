// SPDX-License-Identifier: GPL-2.0-or-later

import { checkAdapter as check, type StepReport } from '../adapter-check/check.js';
import { MISTAKES } from '../adapter-check/mistakes.js';
import { probes } from '../adapter-check/probes.js';
import { CannotStart } from '../implementations/implementation.js';
import { processTransport } from '../implementations/stdio/process-transport.js';
import { suiteVersion } from '../package.js';

export interface CheckAdapterOptions {
  /** How long to wait for an answer, in seconds; default 10. */
  timeout?: number;
  /** Where the report goes, text by text; default standard output. */
  write?: (text: string) => void;
}

const COLUMNS = 100;
const SHOWN = 600;

/**
 * Starts an adapter, talks to it step by step and explains its mistakes. Returns the exit code: 0 when it makes none,
 * 1 when it makes some, 3 when it cannot be started or never says anything.
 */
export async function checkAdapter(command: string, options: CheckAdapterOptions = {}): Promise<number> {
  const write = options.write ?? ((text: string) => void process.stdout.write(text));
  write(`Checking ${command}\n\n`);
  try {
    const { mistakes, answered, stderr } = await check(processTransport(command), {
      probes,
      suite: suiteVersion(),
      patience: options.timeout ?? 10,
      report: (step) => write(stepText(step)),
    });
    write(closing(command, mistakes, stderr));
    if (mistakes === 0) return 0;
    return answered ? 1 : 3;
  } catch (error) {
    if (!(error instanceof CannotStart)) throw error;
    write(`  It cannot be started: ${error.message}\n  Cure: ${error.cure}\n`);
    return 3;
  }
}

function stepText({ title, note, finding }: StepReport): string {
  if (finding === undefined) return `  ok     ${title}\n${note === undefined ? '' : labelled('', note)}`;
  const { title: mistake, cure } = MISTAKES[finding.mistake];
  const request = finding.request === undefined ? '' : labelled('asked', shorten(finding.request));
  return `  WRONG  ${title}: ${mistake}\n${request}${labelled('seen', finding.problem)}${labelled('cure', cure)}`;
}

function closing(command: string, mistakes: number, stderr: string): string {
  const tail = stderr.trimEnd().split('\n').slice(-10).join('\n');
  const said = mistakes === 0 || tail === '' ? '' : `\nThe end of its standard error:\n${tail}\n`;
  if (mistakes === 0) {
    return `\nNo mistakes. Now run the cases: lguest-conformance run --impl ${JSON.stringify(command)}\n`;
  }
  return `${said}\n${mistakes === 1 ? '1 mistake' : `${mistakes} mistakes`}; each kind is shown once.\n`;
}

/** A paragraph, wrapped and indented, behind its label. */
function labelled(label: string, text: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > COLUMNS - 16) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  return lines.map((part, i) => `         ${(i === 0 ? label : '').padEnd(6)} ${part}\n`).join('');
}

function shorten(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}... (${text.length} characters)` : text;
}
