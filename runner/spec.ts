// SPDX-License-Identifier: GPL-2.0-or-later

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from './package.js';

/** A numbered statement of the spec, or an erratum. */
export interface Clause {
  id: string;
  /** The classes in brackets; empty for one that is withdrawn. */
  classes: string[];
  withdrawn: boolean;
  /** The statement without its id, Markdown as written, lines joined. */
  text: string;
  file: string;
  line: number;
}

const CLAUSE = /^\*\*([A-Z][A-Z0-9]*-\d+)\*\* \(([^)]*)\)\s*(.*)$/;

/** The clauses of all chapters, in the order of the files. */
export function readClauses(): Clause[] {
  const files = readdirSync(join(packageRoot, 'spec'))
    .filter((name) => name.endsWith('.md'))
    .sort();
  return files.flatMap((name) =>
    clausesIn(`spec/${name}`, readFileSync(join(packageRoot, 'spec', name), 'utf8')),
  );
}

/** The clauses of one chapter: paragraphs that begin with an id in bold and classes in brackets. */
export function clausesIn(file: string, text: string): Clause[] {
  const clauses: Clause[] = [];
  let open: Clause | undefined;
  text.split('\n').forEach((line, index) => {
    const start = CLAUSE.exec(line);
    if (start !== null) {
      const [, id = '', classes = '', rest = ''] = start;
      const withdrawn = classes === 'withdrawn';
      open = {
        id,
        classes: withdrawn ? [] : classes.split(/,\s*/),
        withdrawn,
        text: rest,
        file,
        line: index + 1,
      };
      clauses.push(open);
    } else if (line.trim() === '') {
      open = undefined;
    } else if (open !== undefined) {
      open.text = `${open.text} ${line.trim()}`.trim();
    }
  });
  return clauses;
}

/** The freedoms that spec/choices.md names, each with its values; the first is that of who declares nothing. */
export type Choices = ReadonlyMap<string, readonly string[]>;

export function readChoices(): Choices {
  return choicesIn(readFileSync(join(packageRoot, 'spec', 'choices.md'), 'utf8'));
}

/** A row of the table of choices: the name stands in the first row of its values only. */
const CHOICE_ROW = /^\|\s*(?:`([a-z0-9_]+)`)?\s*\|\s*`([a-z0-9_]+)`\s*\|/;

export function choicesIn(text: string): Choices {
  const choices = new Map<string, string[]>();
  let values: string[] | undefined;
  for (const line of text.split('\n')) {
    const [, name, value] = CHOICE_ROW.exec(line) ?? [];
    if (value === undefined) continue;
    if (name !== undefined) {
      values = [];
      choices.set(name, values);
    }
    values?.push(value);
  }
  return choices;
}

/** A value for every choice: as declared, else the first. */
export function withDefaults(
  choices: Choices,
  declared: Record<string, string> = {},
): Record<string, string> {
  const defaults = [...choices].map(([name, values]): [string, string] => [name, values[0] ?? '']);
  return { ...Object.fromEntries(defaults), ...declared };
}
