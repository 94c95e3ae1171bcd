// SPDX-License-Identifier: GPL-2.0-or-later

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Case } from '../../cases/case.js';
import { expandCase } from '../../expand/request.js';
import { messageOf } from '../../message-of.js';
import { packageRoot } from '../../package.js';
import type { Profile } from '../../protocol.js';
import { readChoices, withDefaults } from '../../spec.js';

/** What a case is, beside its results: shown when somebody opens it. */
export interface Material {
  /** Its lines of YAML; a recorded answer has none. */
  yaml?: string;
  source?: string;
  /** What is sent, as `show --json` prints it, and what is expected over the state before each step. */
  request?: unknown;
  expected?: unknown;
  /** Why there is no request. */
  problem?: string;
}

/** Makes the material of cases, each in the profile of the run. */
export class Materials {
  private readonly choices = withDefaults(readChoices());
  private readonly files = new Map<string, string[]>();
  private readonly cases: ReadonlyMap<string, Case>;

  constructor(
    suite: readonly Case[],
    private readonly profile: Profile,
  ) {
    this.cases = new Map(suite.map((entry) => [entry.id, entry]));
  }

  of(id: string): Material {
    const entry = this.cases.get(id);
    if (entry === undefined) return { problem: 'this suite has no case of this name: the results are of another one' };
    const text: Material = { source: entry.source, yaml: entry.recorded ? undefined : this.yamlOf(entry) };
    if (entry.withdrawn !== undefined) return { ...text, problem: `withdrawn: ${entry.withdrawn}` };
    try {
      const { request, expected } = expandCase(entry, { profile: this.profile, choices: this.choices });
      return { ...text, request, expected };
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
    return itemAt(lines, line - 1);
  }
}

/** The lines from this one as far as they are indented deeper, without that indentation. */
export function itemAt(lines: readonly string[], start: number): string {
  const indent = indentOf(lines[start] ?? '');
  let end = start + 1;
  while (end < lines.length && (lines[end]?.trim() === '' || indentOf(lines[end] ?? '') > indent)) end++;
  return lines
    .slice(start, end)
    .map((line) => line.slice(indent))
    .join('\n')
    .trimEnd();
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}
