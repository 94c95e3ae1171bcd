// SPDX-License-Identifier: GPL-2.0-or-later

import type { ResultRecord, RunEnd, RunHead, RunRecord } from './record.js';

/** The record as one JSON document, one result a line: two files can be compared with `diff`. */
export function renderJson(record: RunRecord): string {
  const { results, ...head } = record;
  const lines = Object.entries(head).map(
    ([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)},`,
  );
  const list = results.map((result) => `  ${JSON.stringify(result)}`).join(',\n');
  return `{\n${lines.join('\n')}\n"results": [\n${list}\n]\n}\n`;
}

/** One JSON object a line: `run` with what is known before, a `result` for each case, `end` with what is known after. */
export function renderJsonLines(record: RunRecord): string {
  return [headLine(record), ...record.results.map(resultLine), endLine(record)].join('');
}

export function headLine({ format, suite, implementation, profile, shard, rerun }: RunHead): string {
  return jsonLine({ type: 'run', format, suite, implementation, profile, shard, rerun });
}

export function resultLine(result: ResultRecord): string {
  return jsonLine({ type: 'result', ...result });
}

export function endLine({ conforms, interrupted, problems, counts, not_run, seconds }: RunEnd): string {
  return jsonLine({ type: 'end', conforms, interrupted, problems, counts, not_run, seconds });
}

function jsonLine(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
