// SPDX-License-Identifier: GPL-2.0-or-later

import { readFileSync } from 'node:fs';
import { messageOf } from '../message-of.js';
import { isObject } from '../protocol.js';
import { UsageError } from '../usage.js';
import { countVerdicts, RECORD_FORMAT, type ResultRecord, type RunRecord } from './record.js';

/** Reads what `--reporter json` or `--reporter jsonl` wrote, the latter also of a run that did not come to its end. */
export function readRecord(file: string): RunRecord {
  const data = readResults(file);
  if (!isRecord(data)) {
    throw new UsageError(`${file} has no results of this version; write them with --reporter json=${file}`);
  }
  return data;
}

/** The record in a file, or the other JSON that it holds. */
export function readResults(file: string): unknown {
  try {
    const text = readFileSync(file, 'utf8');
    const end = text.indexOf('\n');
    const first: unknown = JSON.parse(end > 0 && text.startsWith('{"type":') ? text.slice(0, end) : text);
    return isObject(first) && first.type === 'run' ? recordOfLines(text, file) : first;
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${messageOf(error)}`);
  }
}

/** A last line that is not complete is left out, as if the run had ended before it. */
function recordOfLines(text: string, file: string): Record<string, unknown> {
  const lines = text.split('\n').slice(0, -1);
  const [{ type: _, ...head } = {}, ...others] = lines.map(
    (line): Record<string, unknown> => JSON.parse(line),
  );
  const results = others
    .filter(({ type }) => type === 'result')
    .map(({ type: _, ...result }): unknown => result)
    .filter(isResult);
  const end = others.find(({ type }) => type === 'end');
  if (end !== undefined) {
    const { type: _, ...rest } = end;
    return { ...head, ...rest, results };
  }
  return {
    ...head,
    conforms: false,
    interrupted: true,
    problems: [`${file} ends before the run did: ${results.length} cases have a verdict`],
    counts: countVerdicts(results),
    not_run: { unspecified: {}, not_claimed: {}, other_profile: 0 },
    results,
  };
}

function isResult(value: unknown): value is ResultRecord {
  return isObject(value) && typeof value.verdict === 'string';
}

/** The format names the layout; what carries it was written by this program. */
export function isRecord(data: unknown): data is RunRecord {
  return isObject(data) && data.format === RECORD_FORMAT && Array.isArray(data.results);
}
