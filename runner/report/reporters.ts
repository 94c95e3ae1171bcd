// SPDX-License-Identifier: GPL-2.0-or-later

import { appendFileSync, writeFileSync } from 'node:fs';
import { messageOf } from '../message-of.js';
import { readClauses } from '../spec.js';
import { UsageError } from '../usage.js';
import type { ReportRequest } from './flags.js';
import { renderGitHub } from './github.js';
import { renderStepSummary } from './github-summary.js';
import { renderJson, renderJsonLines } from './json.js';
import { renderJUnit } from './junit.js';
import { isLive, type LiveReports } from './live.js';
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
  /** The reports that have been written while the run went on. */
  live?: LiveReports;
}

/**
 * Writes the reports. Several records, of one implementation each, go side by side into HTML and one after the other into
 * text; the other formats hold one run.
 */
export async function writeReports(records: readonly RunRecord[], options: ReportOptions): Promise<void> {
  const { requests, live } = options;
  const problems = [...(live?.problems ?? [])];
  for (const request of requests) {
    if (live !== undefined && isLive(request)) continue;
    const problem = deliver(await rendered(request, records, options), request);
    if (problem !== undefined) problems.push(problem);
    if (request.name === 'github') addToStepSummary(records);
  }
  const silent = requests.every(({ name, file }) => file !== undefined || name === 'github');
  if (silent) for (const record of records) process.stderr.write(`${oneLine(record)}\n`);
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
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

/** The answer says what could not be written; the other reports still can. */
function deliver(text: string, { file }: ReportRequest): string | undefined {
  if (file === undefined) {
    write(text);
    return undefined;
  }
  try {
    writeFileSync(file, text);
    return undefined;
  } catch (error) {
    return `cannot write ${file}: ${messageOf(error)}`;
  }
}

/** GitHub shows the page of a job what its steps have added to this file. */
function addToStepSummary(records: readonly RunRecord[]): void {
  const file = process.env.GITHUB_STEP_SUMMARY ?? '';
  if (file === '') return;
  try {
    for (const record of records) appendFileSync(file, renderStepSummary(record));
  } catch (error) {
    process.stderr.write(`lguest-conformance: no summary of the step: ${messageOf(error)}\n`);
  }
}

/** What somebody at a terminal wants to know at least, when all reports go to files. */
function oneLine({ implementation, profile, counts, conforms }: RunRecord): string {
  const state = conforms ? 'conforms' : 'does not conform';
  return `${implementation.label}, profile ${profile}: ${countsText(counts)}: ${state}`;
}
