// SPDX-License-Identifier: GPL-2.0-or-later

import type { RunRecord } from './record.js';

/** The record as one JSON document, one result a line: two files can be compared with `diff`. */
export function renderJson(record: RunRecord): string {
  const { results, ...head } = record;
  const lines = Object.entries(head).map(
    ([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)},`,
  );
  const list = results.map((result) => `  ${JSON.stringify(result)}`).join(',\n');
  return `{\n${lines.join('\n')}\n"results": [\n${list}\n]\n}\n`;
}

/** One JSON object a line: `run` with all that is known of the run, then a `result` for each case. */
export function renderJsonLines(record: RunRecord): string {
  const { results, ...head } = record;
  const lines: object[] = [
    { type: 'run', ...head },
    ...results.map((result) => ({ type: 'result', ...result })),
  ];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}
