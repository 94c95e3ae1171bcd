// SPDX-License-Identifier: GPL-2.0-or-later

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Case } from '../../cases/case.js';
import { expandCase, type Reading } from '../../expand/request.js';
import { messageOf } from '../../message-of.js';
import { packageRoot } from '../../package.js';
import type { Profile } from '../../protocol.js';
import { readChoices, withDefaults } from '../../spec.js';
import { readable } from '../readable.js';

/** What a case is, beside its results: shown when somebody opens it. */
export interface Material {
  /** Its lines of YAML; a recorded answer has none. */
  yaml?: string;
  source?: string;
  /** What is sent, and what is expected over the state before each step, as `show` prints them. */
  request?: string;
  expected?: string;
  /** Why there is no request. */
  problem?: string;
}

/** Makes the material of cases, in the profile and under the choices of a run. */
export class Materials {
  private readonly files = new Map<string, string[]>();
  private readonly cases: ReadonlyMap<string, Case>;
  private readonly reading: Reading;

  constructor(suite: readonly Case[], profile: Profile, choices: Record<string, string>) {
    this.cases = new Map(suite.map((entry) => [entry.id, entry]));
    this.reading = { profile, choices: withDefaults(readChoices(), choices) };
  }

  of(id: string): Material {
    const entry = this.cases.get(id);
    if (entry === undefined)
      return { problem: 'this suite has no case of this name: the results are of another one' };
    const text: Material = { source: entry.source, yaml: entry.recorded ? undefined : this.yamlOf(entry) };
    if (entry.withdrawn !== undefined) return { ...text, problem: `withdrawn: ${entry.withdrawn}` };
    try {
      const { request, expected } = expandCase(entry, this.reading);
      return { ...text, request: readable(request), expected: readable(expected) };
    } catch (error) {
      return { ...text, problem: `the case cannot be expanded: ${messageOf(error)}` };
    }
  }

  private yamlOf({ file, line }: Case): string {
    let lines = this.files.get(file);
    if (lines === undefined) {
      lines = readFileSync(join(packageRoot, file), 'utf8').split('\n');
      this.files.set(file, lines);
    }
    return caseText(lines, line - 1);
  }
}

/** The text of the case that begins in this line; of a row of a table, the table without its other rows. */
export function caseText(lines: readonly string[], start: number): string {
  const indent = indentOf(lines[start] ?? '');
  const outer = lines.findLastIndex(
    (line, index) => index < start && isItem(line) && indentOf(line) < indent,
  );
  if (outer === -1) return dedented(itemAt(lines, start));
  const isInList = (line: string): boolean => line.trim() === '' || indentOf(line) >= indent;
  const before = lines.findLastIndex((line, index) => index < start && !isInList(line));
  const after = lines.findIndex((line, index) => index > start && !isInList(line));
  const end = outer + itemAt(lines, outer).length;
  const rest = after === -1 ? [] : lines.slice(after, end);
  return dedented([...lines.slice(outer, before + 1), ...itemAt(lines, start), ...rest]);
}

/** The line and those below it that are indented deeper. */
function itemAt(lines: readonly string[], start: number): string[] {
  const indent = indentOf(lines[start] ?? '');
  let end = start + 1;
  while (end < lines.length && (lines[end]?.trim() === '' || indentOf(lines[end] ?? '') > indent)) end++;
  return lines.slice(start, end);
}

function dedented(lines: readonly string[]): string {
  const indent = indentOf(lines[0] ?? '');
  return lines
    .map((line) => line.slice(indent))
    .join('\n')
    .trimEnd();
}

function isItem(line: string): boolean {
  return line.trimStart().startsWith('- ');
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}
