// SPDX-License-Identifier: GPL-2.0-or-later

import { outcomeOf, WHOLE_RUN } from './outcome.js';
import type { ResultRecord, RunRecord } from './record.js';

/**
 * The record in the Test Anything Protocol, version 13, which readers of version 14 understand too. Known failures are
 * TODO, what was not done is SKIP; what is wrong with the run as a whole are tests at the end.
 */
export function renderTap(record: RunRecord): string {
  const { results, problems } = record;
  const points = [
    ...results.map((result, index) => point(result, index + 1, record.rerun)),
    ...problems.map(
      (problem, index) => `not ok ${results.length + index + 1} - ${WHOLE_RUN}: ${plain(problem)}\n`,
    ),
  ];
  const { label } = record.implementation;
  return `TAP version 13\n1..${points.length}\n# ${plain(label)}, profile ${record.profile}\n${points.join('')}`;
}

function point(result: ResultRecord, number: number, rerun: string): string {
  const outcome = outcomeOf(result);
  const name = `${number} - ${result.id}`;
  switch (outcome.kind) {
    case 'pass':
      return `ok ${name}\n`;
    case 'skipped':
      return `ok ${name} # SKIP ${plain(outcome.reason)}\n`;
    case 'known':
      return `not ok ${name} # TODO ${plain(outcome.reason)}\n`;
    case 'fail':
    case 'error':
      return `not ok ${name}\n${diagnosis(result, outcome.message, rerun)}`;
  }
}

/** A block of YAML. */
function diagnosis(result: ResultRecord, message: string, rerun: string): string {
  const lines = [
    `message: ${quoted(message)}`,
    'severity: fail',
    `verdict: ${result.verdict}`,
    `title: ${quoted(result.title)}`,
    `at: ${quoted(`${result.file}:${result.line}`)}`,
    `clauses: ${quoted(result.clauses.join(' '))}`,
    `again: ${quoted(`lguest-conformance run ${result.id}${rerun}`)}`,
    ...(result.stderr === undefined ? [] : [`stderr: ${quoted(result.stderr)}`]),
  ];
  return ['---', ...lines, '...'].map((line) => `  ${line}\n`).join('');
}

/** A string of YAML: as in JSON, but for half characters, which YAML cannot have, and for what it takes for line breaks. */
function quoted(text: string): string {
  return JSON.stringify(text.replaceAll(/[\ud800-\udfff]/gu, '\ufffd')).replaceAll(
    /[\u0085\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** One line in which nothing is taken for a directive. */
function plain(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('#', 'no. ').trim();
}
