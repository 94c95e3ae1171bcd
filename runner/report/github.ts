// SPDX-License-Identifier: GPL-2.0-or-later

import { isAbsolute, join, relative, sep } from 'node:path';
import { packageRoot } from '../package.js';
import { explanation, kindsOf, outcomeOf, WHOLE_RUN } from './outcome.js';
import { countsText, groupBy, type ResultRecord, type RunRecord } from './record.js';

/** GitHub shows so many errors of one step, and drops the rest in silence. */
const MOST_ERRORS = 10;

/**
 * The record as commands for a GitHub Actions log, which become annotations at the case's line: one for each kind of
 * failure. When there are more than GitHub shows, the last one counts the others by behaviour. A notice with the counts
 * ends it.
 */
export function renderGitHub(
  record: RunRecord,
  workspace = process.env.GITHUB_WORKSPACE ?? process.cwd(),
): string {
  const failures = record.results.filter((result) => ['fail', 'error'].includes(outcomeOf(result).kind));
  const kinds = kindsOf(failures);
  const problems = record.problems.map((problem) => command('error', { title: WHOLE_RUN }, problem));
  const room = MOST_ERRORS - Math.min(problems.length, MOST_ERRORS - 2);
  const shown = kinds.length > room ? kinds.slice(0, room - 1) : kinds;
  const hidden = kinds.slice(shown.length).flat();
  const title = `${hidden.length} more failures`;
  const { label } = record.implementation;
  const state = record.conforms ? 'conforms' : 'does not conform';
  return [
    ...problems,
    ...shown.map((kind) => annotation(kind, record.rerun, workspace)),
    ...(hidden.length > 0 ? [command('error', { title }, byBehaviour(hidden))] : []),
    command('notice', { title: `${label} ${state}` }, countsText(record.counts)),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

function annotation(kind: readonly ResultRecord[], rerun: string, workspace: string): string {
  const [first, ...others] = kind;
  if (first === undefined) return '';
  const place = { file: fileFrom(workspace, first.file), line: String(first.line), title: first.id };
  const more = others.length === 0 ? '' : `\n${others.length} more like it, such as ${others[0]?.id}`;
  return command('error', place, `${explanation(first, rerun)}${more}`);
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
