// SPDX-License-Identifier: GPL-2.0-or-later

import { type Data, type DataMap, isMap } from '../../cases/case.js';
import type { HostFuzzCase } from './case.js';

/** Makes a case simpler; the same object when it has nothing to do. */
type Simplification = (entry: HostFuzzCase) => HostFuzzCase;

/** Where a value is in a case: keys and indexes from the top. */
type Path = readonly (string | number)[];

/** What a value may become, from the simplest on; undefined: nothing is left of it. */
type Simpler = Data | undefined;

/** All that may make a case simpler: parts that are left out first, values made simple last. */
export function simplifications(entry: HostFuzzCase): Simplification[] {
  const steps = entry.steps.length > 1 ? entry.steps.map((_, index) => at(['steps', index], undefined)) : [];
  const whole = Object.keys(entry.given).map((key) => at(['given', key], undefined));
  const parts = [
    ...insideMap(entry.given, ['given']),
    ...entry.steps.flatMap((step, index) => insideMap(parametersOf(step), ['steps', index])),
  ];
  return [...steps, ...whole, ...parts];
}

const parametersOf = ({ op: _, ...parameters }: DataMap): DataMap => parameters;

function insideMap(map: DataMap, path: Path): Simplification[] {
  return Object.entries(map).flatMap(([key, value]) => inside(value, [...path, key]));
}

/** Simpler forms of what is in a value, and of a value itself where it has a form. */
function inside(value: Data, path: Path): Simplification[] {
  if (isMap(value)) {
    if (isRun(value)) return runs(value, path);
    const without = isRecord(path) ? [] : Object.keys(value).map((key) => at([...path, key], undefined));
    return [...without, ...insideMap(value, path)];
  }
  if (Array.isArray(value)) {
    const shorter =
      value.length > 3
        ? [at(path, value.slice(value.length >> 1)), at(path, value.slice(0, value.length >> 1))]
        : [];
    const without = value.map((_, index) => at([...path, index], undefined));
    return [...shorter, ...without, ...value.flatMap((item, index) => inside(item, [...path, index]))];
  }
  return simplerScalars(value).map((simpler) => at(path, simpler));
}

/** Lists whose items have all their keys. */
const LISTS_OF_RECORDS = new Set(['pgdirs', 'pde', 'pte', 'page_access', 'interrupts']);

const isRecord = (path: Path): boolean => LISTS_OF_RECORDS.has(String(path.at(-2)));

/** A word with fewer bits: none, one byte of it, its page. */
function simplerScalars(value: Data): Data[] {
  if (value === true) return [false];
  if (typeof value !== 'number') return [];
  const simpler = [0, 1, (value & 0xff) >>> 0, (value & 0xfffff000) >>> 0, (value & 0xffc00000) >>> 0];
  return simpler.filter((one, index) => one < value && simpler.indexOf(one) === index);
}

const isRun = (value: DataMap): boolean => typeof value.at === 'number' && typeof value.hex === 'string';

const WORD_DIGITS = 8;

/** Half of a run of bytes; the run without one of its words; a word of zeros. */
function runs(run: DataMap, path: Path): Simplification[] {
  const hex = String(run.hex);
  const start = Number(run.at);
  const piece = (from: number, to: number): DataMap => ({ at: start + from / 2, hex: hex.slice(from, to) });
  if (hex.length <= WORD_DIGITS) {
    return /^0*$/.test(hex) ? [] : [at(path, { at: start, hex: '0'.repeat(hex.length) })];
  }
  const middle = (hex.length >> 4) * WORD_DIGITS;
  const halves = [piece(0, middle), piece(middle, hex.length)];
  const ends = [piece(WORD_DIGITS, hex.length), piece(0, hex.length - WORD_DIGITS)];
  return [...halves, ...ends].map((simpler) => at(path, simpler));
}

/** The simplification that puts another value at a place, as long as the value there is what it was. */
function at(path: Path, simpler: Simpler): Simplification {
  return (entry) => {
    const tree: DataMap = { given: entry.given, steps: entry.steps };
    const changed = replaced(tree, path, simpler);
    if (changed === tree) return entry;
    const { given, steps } = changed;
    return isMap(given) && Array.isArray(steps) ? { ...entry, given, steps: steps.filter(isMap) } : entry;
  };
}

/** A copy of a tree with another value at a path; the tree itself when there is nothing at that path. */
function replaced(tree: DataMap, path: Path, simpler: Simpler): DataMap {
  const [key, ...rest] = path;
  const name = String(key);
  const value = tree[name];
  if (value === undefined) return tree;
  if (rest.length > 0) {
    const below = replacedIn(value, rest, simpler);
    return below === value ? tree : { ...tree, [name]: below };
  }
  if (simpler === undefined) {
    const { [name]: _, ...left } = tree;
    return left;
  }
  return { ...tree, [name]: simpler };
}

function replacedIn(value: Data, path: Path, simpler: Simpler): Data {
  if (isMap(value)) return replaced(value, path, simpler);
  const [index, ...rest] = path;
  if (!Array.isArray(value) || typeof index !== 'number') return value;
  const item = value[index];
  if (item === undefined) return value;
  if (rest.length === 0) return value.toSpliced(index, 1, ...(simpler === undefined ? [] : [simpler]));
  const below = replacedIn(item, rest, simpler);
  return below === item ? value : value.with(index, below);
}
