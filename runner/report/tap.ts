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

/** A block of YAML, its strings written as in JSON. */
function diagnosis(result: ResultRecord, message: string, rerun: string): string {
  const lines = [
    `message: ${JSON.stringify(message)}`,
    'severity: fail',
    `verdict: ${result.verdict}`,
    `title: ${JSON.stringify(result.title)}`,
    `at: ${JSON.stringify(`${result.file}:${result.line}`)}`,
    `clauses: ${JSON.stringify(result.clauses.join(' '))}`,
    `again: ${JSON.stringify(`lguest-conformance run ${result.id}${rerun}`)}`,
    ...(result.stderr === undefined ? [] : [`stderr: ${JSON.stringify(result.stderr)}`]),
  ];
  return ['---', ...lines, '...'].map((line) => `  ${line}\n`).join('');
}

/** One line in which nothing is taken for a directive. */
function plain(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('#', 'no. ').trim();
}
