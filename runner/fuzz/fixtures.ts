// SPDX-License-Identifier: GPL-2.0-or-later

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DataMap } from '../cases/case.js';
import { Fixtures, type SourceFile } from '../cases/fixtures.js';
import { memoryRuns } from '../cases/memory.js';
import { formatProblem, type Problem } from '../cases/problem.js';
import { caseChecks } from '../cases/schema.js';
import { packageRoot } from '../package.js';

export function fixtureSources(): SourceFile[] {
  const folder = 'cases/fixtures';
  return readdirSync(join(packageRoot, folder))
    .filter((name) => name.startsWith('machine') && name.endsWith('.yaml'))
    .map((name) => ({
      file: `${folder}/${name}`,
      text: readFileSync(join(packageRoot, folder, name), 'utf8'),
    }));
}

/** The machines of class processor, whole, with their memory in runs. */
export class FixtureMachines {
  readonly #fixtures: Fixtures;
  readonly #machines = new Map<string, DataMap>();

  constructor() {
    const problems: Problem[] = [];
    this.#fixtures = new Fixtures(fixtureSources(), caseChecks().fixture, problems);
    if (problems.length > 0) throw new Error(problems.map(formatProblem).join('\n'));
  }

  machine(name: string): DataMap {
    const known = this.#machines.get(name);
    if (known !== undefined) return known;
    const given = this.#fixtures.machine(name, 'processor');
    const runs = memoryRuns(given.memory).map(({ at, hex }) => ({ at, hex }));
    const machine: DataMap = { ...given, memory: runs };
    this.#machines.set(name, machine);
    return machine;
  }
}
