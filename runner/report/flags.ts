// SPDX-License-Identifier: GPL-2.0-or-later

import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { didYouMean } from '../cases/nearest.js';
import { messageOf } from '../message-of.js';
import { UsageError } from '../usage.js';

export const REPORTERS = ['text', 'json', 'jsonl', 'junit', 'tap', 'github', 'html'] as const;
export type ReporterName = (typeof REPORTERS)[number];

export const REPORTER_HELP = `${REPORTERS.join(', ')}, or NAME=FILE; may be repeated; default: text`;

export const OUTPUT_HELP = 'where the reporter before it writes; default: standard output';
export const FAILURES_HELP = 'how many failures the text shows in full, or all';

/** A report that was asked for; without a file it goes to standard output. */
export interface ReportRequest {
  name: ReporterName;
  file?: string;
}

/** Reporters that can share standard output: people read the one, a CI picks its lines out of the other. */
const SHARE_OUTPUT: readonly ReporterName[] = ['text', 'github'];

/**
 * The flags `--reporter NAME`, `--reporter NAME=FILE` and `--output FILE`, in the order of the command line: an output
 * belongs to the reporter before it, or to the first one when it stands before all.
 */
export class ReporterFlags {
  private readonly requests: ReportRequest[] = [];
  private early: string | undefined;

  /** For the option `--reporter`. */
  readonly reporter = (value: string): ReporterFlags => {
    const [name = '', ...rest] = value.split('=');
    const known = REPORTERS.find((candidate) => candidate === name);
    if (known === undefined) {
      throw new UsageError(
        `there is no reporter "${name}"${didYouMean(name, REPORTERS)}; there are ${REPORTERS.join(', ')}`,
      );
    }
    const file = rest.length > 0 ? rest.join('=') : this.early;
    if (file === '') throw new UsageError(`--reporter ${value} names no file`);
    this.early = undefined;
    this.requests.push({ name: known, file });
    return this;
  };

  /** For the option `--output`. */
  readonly output = (file: string): ReporterFlags => {
    const last = this.requests.at(-1);
    if (last === undefined && this.early === undefined) this.early = file;
    else if (last !== undefined && last.file === undefined) last.file = file;
    else throw new UsageError(`--output ${file} has no --reporter of its own`);
    return this;
  };

  /** What is to be written, checked as far as that can be done before anything runs. @throws UsageError */
  list(): ReportRequest[] {
    if (this.early !== undefined) throw new UsageError(`--output ${this.early} needs a --reporter`);
    if (this.requests.length === 0) return [{ name: 'text' }];
    const onOutput = this.requests.filter(({ file }) => file === undefined).map(({ name }) => name);
    const alone = onOutput.filter((name) => !SHARE_OUTPUT.includes(name));
    if (alone.length > 0 && onOutput.length > 1) {
      throw new UsageError(
        `${onOutput.join(' and ')} cannot both go to standard output: give one of them a file, such as --reporter ${alone[0]}=FILE`,
      );
    }
    for (const { file } of this.requests) if (file !== undefined) refuseUnwritable(file);
    const files = this.requests.flatMap(({ file }) => file ?? []);
    const twice = files.find((file, index) => files.indexOf(file) !== index);
    if (twice !== undefined) throw new UsageError(`two reporters write to ${twice}`);
    return this.requests;
  }
}

/** The reports that the flags ask for: without any, text. */
export function reportRequests(flags: { reporter?: ReporterFlags; output?: ReporterFlags }): ReportRequest[] {
  return (flags.reporter ?? flags.output ?? new ReporterFlags()).list();
}

/** The argument of `--failures`. */
export function failuresOf(value: string): number {
  const number = value === 'all' ? Number.POSITIVE_INFINITY : Number(value);
  if (!(number >= 0) || value.trim() === '') throw new UsageError('--failures needs a number, or all');
  return number;
}

/** A run may take long: that its report cannot be written is better known before. */
function refuseUnwritable(file: string): void {
  try {
    const folder = dirname(file);
    accessSync(folder, constants.W_OK);
    if (statSync(file, { throwIfNoEntry: false })?.isDirectory() === true) throw new Error('it is a folder');
  } catch (error) {
    throw new UsageError(`cannot write ${file}: ${messageOf(error)}`);
  }
}
