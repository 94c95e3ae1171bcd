// SPDX-License-Identifier: GPL-2.0-or-later

import { openSync, writeFileSync } from 'node:fs';
import { messageOf } from '../message-of.js';
import type { ReportRequest } from './flags.js';
import { endLine, headLine, resultLine } from './json.js';
import { write } from './output.js';
import type { ResultRecord, RunEnd, RunHead } from './record.js';

/**
 * The reports that are written while a run goes on, which are those in JSON lines: whatever becomes of the run, what it has found
 * out is in the file.
 */
export class LiveReports {
  /** What could not be written, and why. */
  readonly problems: string[] = [];
  readonly #outputs: Output[];

  constructor(requests: readonly ReportRequest[], head: RunHead) {
    this.#outputs = requests.filter(isLive).map(({ file }) => new Output(file, this.problems));
    this.#write(() => headLine(head));
  }

  /** `make` is only called when somebody wants the result. */
  result(make: () => ResultRecord): void {
    this.#write(() => resultLine(make()));
  }

  end(end: RunEnd): void {
    this.#write(() => endLine(end));
  }

  #write(line: () => string): void {
    if (this.#outputs.length === 0) return;
    const text = line();
    for (const output of this.#outputs) output.write(text);
  }
}

/** Whether a report can be written before the run has ended. */
export function isLive({ name }: ReportRequest): boolean {
  return name === 'jsonl';
}

/** A file, or standard output. After the first failure nothing more is written: a report with holes would be worse than none. */
class Output {
  #descriptor: number | undefined;
  #failed = false;

  constructor(
    private readonly file: string | undefined,
    private readonly problems: string[],
  ) {}

  write(text: string): void {
    const { file } = this;
    if (this.#failed) return;
    if (file === undefined) {
      write(text);
      return;
    }
    try {
      this.#descriptor ??= openSync(file, 'w');
      writeFileSync(this.#descriptor, text);
    } catch (error) {
      this.#failed = true;
      this.problems.push(`cannot write ${file}: ${messageOf(error)}`);
    }
  }
}
