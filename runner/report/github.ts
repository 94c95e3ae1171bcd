// SPDX-License-Identifier: GPL-2.0-or-later

import { isAbsolute, join, relative, sep } from 'node:path';
import { packageRoot } from '../package.js';
import { explanation, outcomeOf } from './outcome.js';
import { countsText, groupBy, type ResultRecord, type RunRecord } from './record.js';

/** GitHub shows so many errors of one step, and drops the rest in silence. */
const MOST_ERRORS = 10;

/**
 * The record as commands for a GitHub Actions log, which become annotations at the case's line. When there are more than
 * GitHub shows, the last one counts the others by behaviour. A notice with the counts ends it.
 */
export function renderGitHub(
  record: RunRecord,
  workspace = process.env.GITHUB_WORKSPACE ?? process.cwd(),
): string {
  const failures = record.results.flatMap((result) => {
    const outcome = outcomeOf(result);
    return outcome.kind === 'fail' || outcome.kind === 'error' ? [{ result, message: outcome.message }] : [];
  });
  const problems = record.problems.map((problem) =>
    command('error', { title: 'the run as a whole' }, problem),
  );
  const room = MOST_ERRORS - Math.min(problems.length, MOST_ERRORS - 2);
  const shown = failures.length > room ? failures.slice(0, room - 1) : failures;
  const lines = [
    ...problems,
    ...shown.map(({ result, message }) => annotation(result, message, record.rerun, workspace)),
  ];
  const hidden = failures.slice(shown.length).map(({ result }) => result);
  if (hidden.length > 0) {
    lines.push(command('error', { title: `${hidden.length} more failures` }, byBehaviour(hidden)));
  }
  const state = record.conforms ? 'conforms' : 'does not conform';
  const { label } = record.implementation;
  lines.push(command('notice', { title: `${label} ${state}` }, countsText(record.counts)));
  return lines.map((line) => `${line}\n`).join('');
}

function annotation(result: ResultRecord, message: string, rerun: string, workspace: string): string {
  const place = { file: fileFrom(workspace, result.file), line: String(result.line), title: result.id };
  return command('error', place, `${message}\n${explanation(result, rerun)}`);
}

function byBehaviour(results: readonly ResultRecord[]): string {
  return [...groupBy(results, ({ behaviour }) => behaviour)]
    .map(([behaviour, list]) => `${behaviour}: ${list.length}, such as ${list[0]?.id}`)
    .join('\n');
}

/** Annotations need paths from the root of the repository; a suite that was installed elsewhere keeps its own. */
function fileFrom(workspace: string, file: string): string {
  const path = relative(workspace, join(packageRoot, file));
  return path.startsWith(`..${sep}`) || isAbsolute(path) ? file : path.split(sep).join('/');
}

/** `::error file=a,line=1::message`, with the escapes that such a line needs. */
function command(name: string, properties: Record<string, string>, message: string): string {
  const list = Object.entries(properties).map(([key, value]) => `${key}=${escapedProperty(value)}`);
  return `::${name} ${list.join(',')}::${escapedMessage(message)}`;
}

function escapedMessage(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapedProperty(text: string): string {
  return escapedMessage(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
