// SPDX-License-Identifier: GPL-2.0-or-later

import type { ConformanceClass, HostEvent, Profile } from '../protocol.js';
import {
  type CaseHead,
  type Data,
  type DataMap,
  type ExceptionSpec,
  type Expectation,
  isMap,
  type Step,
  type Variant,
} from './case.js';
import { type Row, rowsOf, substitute } from './examples.js';
import type { Fixtures, SourceFile } from './fixtures.js';
import { expectedHypercalls } from './hypercalls.js';
import { type Listing, listingOf, memoryRuns, plainHex } from './memory.js';
import { mergeGiven } from './merge.js';
import { CaseError, type Problem } from './problem.js';
import type { CaseChecks } from './schema.js';
import { parseYaml, type YamlFile } from './yaml.js';

/** A case as it is kept: its own part of `given` only; `base` names the machine below it. */
export interface CompiledCase extends CaseHead, CompiledBody {}

export interface CompiledBody {
  base: number;
  given: DataMap;
  steps: Step[];
}

/** An entry of a `recorded` list. */
export interface RecordedEntry {
  id: string;
  file: string;
  clauses: string[];
  title: string;
  source?: string;
  withdrawn?: string;
  errata: Record<string, string>;
  only?: string[];
  line: number;
}

/** All that is kept of a case file. */
export interface CompiledFile {
  file: string;
  behaviour: string;
  class: ConformanceClass;
  /** Machines that cases start from: fixture and the file's `given`, one for each fixture in use. */
  bases: DataMap[];
  cases: CompiledCase[];
  recorded: RecordedEntry[];
  listings: Listing[];
}

/** Parses, checks and expands one case file. What is wrong with it goes to `problems`. */
export function compileFile(
  source: SourceFile,
  fixtures: Fixtures,
  checks: CaseChecks,
  problems: Problem[],
): CompiledFile | undefined {
  const yaml = parseYaml(source.file, source.text, problems);
  if (yaml === undefined) return undefined;
  const found = checks.file(yaml.data);
  for (const { path, message } of found) problems.push({ file: source.file, ...yaml.place(path), message });
  if (found.length > 0 || !isMap(yaml.data)) return undefined;
  return new FileCompiler(source.file, yaml, yaml.data, fixtures, checks, problems).compile();
}

class FileCompiler {
  private readonly result: CompiledFile;
  private readonly bases = new Map<string, number>();
  /** The `code` of each base as written, for the listings. */
  private readonly baseCode: Data[] = [];
  private readonly fileGiven: DataMap;

  constructor(
    private readonly file: string,
    private readonly yaml: YamlFile,
    private readonly root: DataMap,
    private readonly fixtures: Fixtures,
    private readonly checks: CaseChecks,
    private readonly problems: Problem[],
  ) {
    this.result = {
      file,
      behaviour: String(root.behaviour),
      class: root.class as ConformanceClass,
      bases: [],
      cases: [],
      recorded: [],
      listings: [],
    };
    this.fileGiven = isMap(root.given) ? root.given : {};
  }

  compile(): CompiledFile {
    const folder = this.file.split('/').at(-2);
    if (this.result.behaviour !== folder) {
      this.complain(['behaviour'], `behaviour "${this.result.behaviour}" in folder "${folder}"`);
    }
    if (this.root.cases === undefined && this.root.recorded === undefined) {
      this.complain([], 'the file has neither cases nor recorded answers');
    }
    const seen = new Set<string>();
    for (const key of ['cases', 'recorded'] as const) {
      const list = Array.isArray(this.root[key]) ? this.root[key] : [];
      list.forEach((entry, index) => {
        if (!isMap(entry)) return;
        const id = String(entry.id);
        if (seen.has(id)) this.complain([key, index, 'id'], `two cases have the id "${id}"`);
        seen.add(id);
        if (key === 'cases') this.compileCase(entry, index);
        else this.result.recorded.push(this.recordedEntry(entry, index));
      });
    }
    return this.result;
  }

  private complain(path: (string | number)[], message: string): void {
    this.problems.push({ file: this.file, ...this.yaml.place(path), message });
  }

  private recordedEntry(entry: DataMap, index: number): RecordedEntry {
    const folder = this.file.split('/').slice(0, -1);
    const file = new URL(String(entry.file), `file:///${folder.join('/')}/`).pathname.slice(1);
    return {
      id: String(entry.id),
      file,
      clauses: strings(entry.clauses),
      title: String(entry.title),
      source: text(entry.source),
      withdrawn: text(entry.withdrawn),
      errata: isMap(entry.errata) ? mapStrings(entry.errata) : {},
      only: entry.only === undefined ? undefined : strings(entry.only),
      line: this.yaml.place(['recorded', index]).line,
    };
  }

  private compileCase(entry: DataMap, index: number): void {
    const { examples, ...template } = entry;
    const path = ['cases', index];
    this.attempt(path, () => {
      if (examples === undefined) {
        this.compileRow(template, undefined, path);
        return;
      }
      for (const row of rowsOf(examples)) {
        const rowPath = row.index === undefined ? path : [...path, 'examples', row.index];
        this.attempt(rowPath, () => this.compileRow(template, row, rowPath, path));
      }
    });
  }

  /** Does it, and turns a complaint of the expansion into a problem with its place. */
  private attempt(path: (string | number)[], action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof CaseError)) throw error;
      const inCase = path.slice(0, 2);
      this.complain(error.path.length > 0 ? [...inCase, ...error.path] : path, error.message);
    }
  }

  private compileRow(
    template: DataMap,
    row: Row | undefined,
    path: (string | number)[],
    casePath: (string | number)[] = path,
  ): void {
    const id = String(template.id);
    let entry = template;
    if (row !== undefined) {
      const substituted = substitute({ ...template, id: '' }, row.columns);
      entry = { ...(isMap(substituted) ? substituted : {}), id };
    }
    const checked = this.result.class === 'processor' ? 'processor' : 'host';
    const found = this.checks.expanded[checked](entry);
    for (const complaint of found) {
      const where = row === undefined ? '' : ` (row ${row.id})`;
      const place = row?.index === undefined ? [...casePath, ...complaint.path] : path;
      this.complain(place, `${complaint.path.join('.')}: ${complaint.message}${where}`);
    }
    if (found.length > 0) return;

    const given = isMap(entry.given) ? entry.given : {};
    const { fixture, ...own } = given;
    const compiled: CompiledCase = {
      id: [this.result.behaviour, id, ...(row === undefined ? [] : [row.id])].join('/'),
      behaviour: this.result.behaviour,
      class: this.result.class,
      clauses: strings(entry.clauses),
      profile: entry.profile === undefined ? undefined : (entry.profile as Profile),
      // A column with a listing of several lines becomes one line.
      title: String(entry.title).replace(/\s+/g, ' ').trim(),
      source: text(entry.source),
      withdrawn: text(entry.withdrawn),
      file: this.file,
      line: this.yaml.place(path).line,
      base: this.base(text(fixture) ?? text(this.fileGiven.fixture)),
      given: plainMachine(own),
      steps: stepsOf(entry, this.root.when, this.result.class),
    };
    this.collectListings(own, compiled.base);
    this.result.cases.push(compiled);
  }

  /** Index of the machine made of this fixture and the file's own `given`. */
  private base(fixture: string | undefined): number {
    const key = fixture ?? '';
    const known = this.bases.get(key);
    if (known !== undefined) return known;
    const { fixture: _, ...own } = this.fileGiven;
    const machine =
      fixture === undefined
        ? own
        : mergeGiven(
            this.fixtures.machine(fixture, this.result.class),
            own,
            this.result.class === 'processor',
          );
    this.bases.set(key, this.result.bases.length);
    this.result.bases.push(plainMachine(machine));
    this.baseCode.push(machine.code ?? null);
    this.result.listings.push(...listingsIn(machine));
    return this.result.bases.length - 1;
  }

  private collectListings(own: DataMap, base: number): void {
    if (own.code === undefined && own.memory === undefined) return;
    const baseCode = this.baseCode[base];
    const code = isMap(baseCode) && isMap(own.code) ? { ...baseCode, ...own.code } : (own.code ?? null);
    this.result.listings.push(...listingsIn({ code, memory: own.memory ?? [] }));
  }
}

/** A machine with its memory in runs; of `code` only what the machine needs. */
function plainMachine(machine: DataMap): DataMap {
  const plain = withRuns(machine);
  if (!isMap(machine.code)) return plain;
  const code: DataMap = {};
  if (machine.code.at !== undefined) code.at = machine.code.at;
  if (typeof machine.code.hex === 'string') code.hex = plainHex(machine.code.hex);
  return { ...plain, code };
}

function listingsIn(machine: DataMap): Listing[] {
  const items = [machine.code ?? null, ...(Array.isArray(machine.memory) ? machine.memory : [])];
  return items.map(listingOf).filter((listing) => listing !== undefined);
}

// ------------------------------------------------------------------------------------------------- steps

function stepsOf(entry: DataMap, fileWhen: Data | undefined, conformanceClass: ConformanceClass): Step[] {
  const when = entry.when ?? fileWhen;
  if (Array.isArray(when)) {
    if (entry.then !== undefined) {
      throw new CaseError('with a list of steps each step has its own then', ['then']);
    }
    return when.map((step) => stepOf(isMap(step) ? step : {}, isMap(step) ? step : {}));
  }
  if (when === undefined && conformanceClass !== 'processor') throw new CaseError('the case has no "when"');
  if (entry.then === undefined && !(isMap(when) && when.then !== undefined)) {
    throw new CaseError('the case has no "then"');
  }
  const step: DataMap = isMap(when) ? when : { op: typeof when === 'string' ? when : 'run' };
  return [stepOf(step, step.then === undefined ? entry : step)];
}

function stepOf(step: DataMap, expectation: DataMap): Step {
  const { op, then: _then, variants: _variants, ...parameters } = step;
  const result: Step = {
    op: String(op),
    parameters: withRuns(parameters),
    expected: expectationOf(expectation.then),
  };
  if (Array.isArray(expectation.variants)) result.variants = expectation.variants.map(variantOf);
  return result;
}

function variantOf(variant: Data): Variant {
  if (!isMap(variant)) throw new CaseError('a variant is a map');
  const result: Variant = { expected: expectationOf(variant.then) };
  if (variant.profile !== undefined) result.profile = variant.profile as Profile;
  if (isMap(variant.choice)) result.choice = mapStrings(variant.choice);
  return result;
}

const NOT_STATE = new Set([
  'outcome',
  'return',
  'bytes',
  'events',
  'events_exactly',
  'pool_and_clock',
  'no_events',
  'unspecified',
  'undefined_flags',
  'exception',
]);

function expectationOf(then: Data | undefined): Expectation {
  const source = isMap(then) ? then : {};
  const result: Expectation = { state: {} };
  for (const [key, value] of Object.entries(source)) if (!NOT_STATE.has(key)) result.state[key] = value;
  result.state = withRuns(result.state);
  if (source.hypercalls !== undefined) result.state.hypercalls = expectedHypercalls(source.hypercalls);
  if (source.outcome !== undefined) result.outcome = String(source.outcome);
  if (typeof source.return === 'number') result.return = source.return;
  if (typeof source.bytes === 'string') result.bytes = plainHex(source.bytes);
  for (const key of ['events', 'events_exactly', 'no_events'] as const) {
    const list = source[key];
    if (Array.isArray(list)) result[key] = list.map(eventOf);
  }
  if (source.pool_and_clock === true) result.pool_and_clock = true;
  if (source.unspecified !== undefined) result.unspecified = strings(source.unspecified);
  if (source.undefined_flags !== undefined) result.undefined_flags = strings(source.undefined_flags);
  if (isMap(source.exception)) result.exception = exceptionOf(source.exception);
  return result;
}

function exceptionOf(source: DataMap): ExceptionSpec {
  const { vector } = source;
  const result: ExceptionSpec = { vector: typeof vector === 'number' ? vector : String(vector) };
  for (const key of ['error_code', 'eip', 'eflags', 'cr2'] as const) {
    const value = source[key];
    if (typeof value === 'number') result[key] = value;
  }
  return result;
}

function eventOf(event: Data): HostEvent {
  if (isMap(event)) return { ...event, e: String(event.e) };
  return { e: String(event) };
}

/** Replaces every `memory` list in a tree by plain runs. */
export function withRuns(tree: DataMap): DataMap {
  const result: DataMap = {};
  for (const [key, value] of Object.entries(tree)) {
    if (key === 'memory') result[key] = memoryRuns(value).map((run) => ({ ...run }));
    else if (isMap(value)) result[key] = withRuns(value);
    else if (Array.isArray(value)) result[key] = value.map((item) => (isMap(item) ? withRuns(item) : item));
    else result[key] = value;
  }
  return result;
}

function strings(list: Data | undefined): string[] {
  return Array.isArray(list) ? list.map(String) : [];
}

function mapStrings(map: DataMap): Record<string, string> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, String(value)]));
}

function text(value: Data | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
