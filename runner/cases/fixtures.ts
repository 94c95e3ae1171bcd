// SPDX-License-Identifier: GPL-2.0-or-later

import type { ConformanceClass } from '../protocol.js';
import { type DataMap, isMap } from './case.js';
import { mergeGiven } from './merge.js';
import { didYouMean } from './nearest.js';
import { CaseError, type Problem } from './problem.js';
import type { Check } from './schema.js';
import { parseYaml } from './yaml.js';

/** A file of cases/fixtures, or of a case folder: path from the package's root, and text. */
export interface SourceFile {
  file: string;
  text: string;
}

interface Fixture {
  classes: string[];
  extends?: string;
  given: DataMap;
}

/** The named machine images of cases/fixtures. */
export class Fixtures {
  private readonly byName = new Map<string, Fixture>();

  constructor(sources: readonly SourceFile[], check: Check, problems: Problem[]) {
    for (const source of sources) this.add(source, check, problems);
  }

  private add({ file, text }: SourceFile, check: Check, problems: Problem[]): void {
    const yaml = parseYaml(file, text, problems);
    if (yaml === undefined) return;
    const found = check(yaml.data);
    for (const { path, message } of found) problems.push({ file, ...yaml.place(path), message });
    if (found.length > 0 || !isMap(yaml.data) || !isMap(yaml.data.given)) return;
    const name = file.replace(/^.*\//, '').replace(/\.yaml$/, '');
    this.byName.set(name, {
      classes: [yaml.data.class ?? ''].flat().map(String),
      extends: typeof yaml.data.extends === 'string' ? yaml.data.extends : undefined,
      given: yaml.data.given,
    });
  }

  /** The machine that a fixture stands for, with everything that it extends. */
  machine(name: string, forClass: ConformanceClass, inUse: readonly string[] = []): DataMap {
    const fixture = this.byName.get(name);
    if (fixture === undefined) {
      throw new CaseError(`there is no fixture "${name}"${didYouMean(name, this.byName.keys())}`, [
        'given',
        'fixture',
      ]);
    }
    if (!fixture.classes.includes(forClass)) {
      throw new CaseError(`fixture "${name}" is for class ${fixture.classes.join(', ')}, not ${forClass}`, [
        'given',
        'fixture',
      ]);
    }
    if (inUse.includes(name)) throw new CaseError(`fixture "${name}" extends itself`, ['given', 'fixture']);
    if (fixture.extends === undefined) return fixture.given;
    const base = this.machine(fixture.extends, forClass, [...inUse, name]);
    return mergeGiven(base, fixture.given, forClass === 'processor');
  }
}
