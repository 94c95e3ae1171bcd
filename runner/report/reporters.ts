// SPDX-License-Identifier: GPL-2.0-or-later

import { writeFileSync } from 'node:fs';
import { messageOf } from '../message-of.js';
import { readClauses } from '../spec.js';
import { UsageError } from '../usage.js';
import type { ReportRequest } from './flags.js';
import { renderGitHub } from './github.js';
import { renderJson, renderJsonLines } from './json.js';
import { renderJUnit } from './junit.js';
import { write } from './output.js';
import { countsText, type RunRecord } from './record.js';
import { renderTap } from './tap.js';
import { paint, usesColor } from './terminal.js';
import { renderText } from './text.js';

export interface ReportOptions {
  requests: readonly ReportRequest[];
  /** `--no-color` makes it false. */
  color?: boolean;
  /** How many failures text shows in full. */
  failures: number;
  /** For text, which tells it always: how long the run took. */
  seconds?: number;
}

/**
 * Writes the reports. Several records, of one implementation each, go side by side into HTML and one after the other into
 * text; the other formats hold one run.
 */
export async function writeReports(records: readonly RunRecord[], options: ReportOptions): Promise<void> {
  const { requests } = options;
  for (const request of requests) deliver(await rendered(request, records, options), request);
  const silent = requests.every(({ name, file }) => file !== undefined || name === 'github');
  if (silent) for (const record of records) process.stderr.write(`${oneLine(record)}\n`);
}

async function rendered(
  { name, file }: ReportRequest,
  records: readonly RunRecord[],
  { color, failures, seconds }: ReportOptions,
): Promise<string> {
  if (name === 'html') {
    const { renderHtml } = await import('./html/render.js');
    return renderHtml(records);
  }
  if (name === 'text') {
    const colors = paint(file === undefined && usesColor(color));
    const clauses = readClauses();
    return records
      .map((record) => renderText(record, { clauses, paint: colors, failures, seconds }))
      .join('\n');
  }
  const [record, ...others] = records;
  if (record === undefined || others.length > 0) {
    throw new UsageError(`reporter ${name} takes the results of one run, not of ${records.length}`);
  }
  switch (name) {
    case 'json':
      return renderJson(record);
    case 'jsonl':
      return renderJsonLines(record);
    case 'junit':
      return renderJUnit(record);
    case 'tap':
      return renderTap(record);
    case 'github':
      return renderGitHub(record);
  }
}

function deliver(text: string, { file }: ReportRequest): void {
  if (file === undefined) {
    write(text);
    return;
  }
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new UsageError(`cannot write ${file}: ${messageOf(error)}`);
  }
}

/** What somebody at a terminal wants to know at least, when all reports go to files. */
function oneLine({ implementation, profile, counts, conforms }: RunRecord): string {
  const state = conforms ? 'conforms' : 'does not conform';
  return `${implementation.label}, profile ${profile}: ${countsText(counts)}: ${state}`;
}
