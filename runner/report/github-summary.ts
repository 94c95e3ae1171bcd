// SPDX-License-Identifier: GPL-2.0-or-later

import { explanation, kindsOf, outcomeOf } from './outcome.js';
import { countsText, countVerdicts, groupBy, type ResultRecord, type RunRecord } from './record.js';

/** Kinds of failure that are told in full. GitHub takes a megabyte for each step. */
const MOST_SHOWN = 20;
/** Characters of one failure. */
const MOST_CHARACTERS = 8000;

/** The record as Markdown for the summary of a job in GitHub Actions: the verdict, a table of behaviours, the failures. */
export function renderStepSummary(record: RunRecord): string {
  const { implementation, profile, results, problems } = record;
  const failures = results.filter((result) => ['fail', 'error'].includes(outcomeOf(result).kind));
  const state = record.conforms ? '✅ conforms' : '❌ does not conform';
  return [
    `### ${inline(implementation.label)}: ${state}`,
    `Profile ${profile}${record.shard === null ? '' : `, part ${record.shard}`}: ${countsText(record.counts)}.`,
    ...problems.map((problem) => `- ${inline(problem)}`),
    ...table(results),
    ...shown(kindsOf(failures), record.rerun),
  ]
    .map((block) => `${block}\n\n`)
    .join('');
}

/** Behaviours in which something failed; the others would bury them. */
function table(results: readonly ResultRecord[]): string[] {
  const bad = [...groupBy(results, ({ behaviour }) => behaviour)].filter(([, list]) =>
    list.some((result) => ['fail', 'error'].includes(outcomeOf(result).kind)),
  );
  if (bad.length === 0) return [];
  const rows = bad.map(([behaviour, list]) => `| ${behaviour} | ${countsText(countVerdicts(list))} |`);
  return [['| behaviour | cases |', '| --- | --- |', ...rows].join('\n')];
}

function shown(kinds: readonly ResultRecord[][], rerun: string): string[] {
  const blocks = kinds.slice(0, MOST_SHOWN).flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    const more = others.length === 0 ? '' : ` and ${others.length} more like it`;
    const text = escaped(explanation(first, rerun).slice(0, MOST_CHARACTERS));
    return [`<details><summary><code>${first.id}</code>${more}</summary>\n\n<pre>${text}</pre>\n</details>`];
  });
  const hidden = kinds.length - MOST_SHOWN;
  return hidden > 0 ? [...blocks, `${hidden} more kinds of failure are in the other reports.`] : blocks;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

function escaped(text: string): string {
  return text.replaceAll(/[&<>]/g, (character) => ENTITIES[character] ?? character);
}

/** Text of one line in which nothing is taken for markup. */
function inline(text: string): string {
  return escaped(text.replaceAll(/\s+/g, ' ')).replaceAll(/[\\`*_[\]|]/g, '\\$&');
}
