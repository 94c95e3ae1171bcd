// SPDX-License-Identifier: GPL-2.0-or-later

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../package.js';
import { recordedCases } from '../recorded/recorded.js';
import { contentHash, type Kept, readCache, writeCache } from './cache.js';
import type { Case, CaseBody, CaseHead, DataMap } from './case.js';
import type { CompiledBody, CompiledFile } from './compile.js';
import type { SourceFile } from './fixtures.js';
import type { Listing } from './memory.js';
import { mergeGiven } from './merge.js';
import type { Problem } from './problem.js';

/** The cases of the suite, or those of some of its behaviours, in the order of folders, files and lines. */
export interface Suite {
  cases: Case[];
  listings: Listing[];
  problems: Problem[];
}

/** The behaviours that have a folder of cases. */
export function behaviours(): string[] {
  const notBehaviours = new Set(['fixtures', 'recorded']);
  return readdirSync(join(packageRoot, 'cases'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !notBehaviours.has(entry.name))
    .map((entry) => entry.name)
    .sort();
}

/** Loads the case files of these behaviours: from the cache where the text is the same, else by parsing. */
export async function loadSuite(only: readonly string[] = behaviours()): Promise<Suite> {
  const suite: Suite = { cases: [], listings: [], problems: [] };
  const fixtures = sources('fixtures');
  const parse = lazyParser(fixtures);
  const common = contentHash([...fixtures.map((source) => source.text), schemaText()]);
  for (const behaviour of only) {
    for (const source of sources(behaviour)) {
      const name = source.file
        .replace(/^cases\//, '')
        .replace(/\.yaml$/, '')
        .replaceAll('/', '.');
      const hash = contentHash([source.file, source.text, common]);
      let kept = readCache<FileHead, FileBody>(name, hash);
      if (kept === undefined) {
        const problems: Problem[] = [];
        const compiled = await parse(source, problems);
        suite.problems.push(...problems);
        if (compiled === undefined) continue;
        kept = inParts(compiled);
        if (problems.length === 0) writeCache(name, hash, kept.head, kept.body());
      }
      addFile(suite, kept);
    }
  }
  refuseDuplicates(suite);
  return suite;
}

function sources(folder: string): SourceFile[] {
  const path = join(packageRoot, 'cases', folder);
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => ({ file: `cases/${folder}/${name}`, text: readFileSync(join(path, name), 'utf8') }));
}

/** A changed schema can turn a good file into a bad one, so it is part of what the cache is keyed by. */
function schemaText(): string {
  return ['cases', 'fixture']
    .map((name) => readFileSync(join(packageRoot, 'spec', 'schema', `${name}.schema.json`), 'utf8'))
    .join('');
}

/** The parser with all that it needs (the yaml and ajv packages, compiled schemas), loaded at the first use. */
function lazyParser(fixtureSources: SourceFile[]) {
  let ready: Promise<(source: SourceFile, problems: Problem[]) => CompiledFile | undefined> | undefined;
  let fixtureProblems: Problem[] = [];
  return async (source: SourceFile, problems: Problem[]): Promise<CompiledFile | undefined> => {
    ready ??= (async () => {
      const [{ compileFile }, { caseChecks }, { Fixtures }] = await Promise.all([
        import('./compile.js'),
        import('./schema.js'),
        import('./fixtures.js'),
      ]);
      const checks = caseChecks();
      const fixtures = new Fixtures(fixtureSources, checks.fixture, fixtureProblems);
      return (file, found) => compileFile(file, fixtures, checks, found);
    })();
    const parse = await ready;
    problems.push(...fixtureProblems);
    fixtureProblems = [];
    return parse(source, problems);
  };
}

/** What every command needs of a case file. */
interface FileHead extends Omit<CompiledFile, 'bases' | 'cases'> {
  cases: CaseHead[];
}

/** What only running its cases needs, which is the most of it. */
interface FileBody {
  bases: DataMap[];
  cases: CompiledBody[];
}

function inParts({ bases, cases, ...rest }: CompiledFile): Kept<FileHead, FileBody> {
  const head = { ...rest, cases: cases.map(({ base: _, given: __, steps: ___, ...caseHead }) => caseHead) };
  const body = { bases, cases: cases.map(({ base, given, steps }) => ({ base, given, steps })) };
  return { head, body: () => body };
}

function addFile(suite: Suite, { head, body }: Kept<FileHead, FileBody>): void {
  suite.listings.push(...head.listings);
  head.cases.forEach((entry, index) => {
    suite.cases.push(new YamlCase(entry, body, index));
  });
  for (const entry of head.recorded) suite.cases.push(...recordedCases(entry, head, suite.problems));
}

class YamlCase implements Case {
  readonly recorded = false;
  readonly id;
  readonly behaviour;
  readonly class;
  readonly clauses;
  readonly profile;
  readonly title;
  readonly source;
  readonly withdrawn;
  readonly file;
  readonly line;

  /** @param index its place among the cases of its file */
  constructor(
    head: CaseHead,
    private readonly fileBody: () => FileBody,
    private readonly index: number,
  ) {
    this.id = head.id;
    this.behaviour = head.behaviour;
    this.class = head.class;
    this.clauses = head.clauses;
    this.profile = head.profile;
    this.title = head.title;
    this.source = head.source;
    this.withdrawn = head.withdrawn;
    this.file = head.file;
    this.line = head.line;
  }

  body(): CaseBody {
    const { bases, cases } = this.fileBody();
    const own = cases[this.index];
    if (own === undefined) throw new Error(`what is kept of ${this.file} is not whole`);
    const given = mergeGiven(bases[own.base] ?? {}, own.given, this.class === 'processor');
    return { given, steps: own.steps };
  }
}

function refuseDuplicates(suite: Suite): void {
  const first = new Map<string, Case>();
  for (const entry of suite.cases) {
    const other = first.get(entry.id);
    if (other === undefined) {
      first.set(entry.id, entry);
    } else {
      const message = `the id "${entry.id}" is used already at ${other.file}:${other.line}`;
      suite.problems.push({ file: entry.file, line: entry.line, column: 1, message });
    }
  }
}
