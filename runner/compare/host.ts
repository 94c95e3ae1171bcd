// SPDX-License-Identifier: GPL-2.0-or-later

import { isMap } from '../cases/case.js';
import { OTHER_ENTRIES } from '../expand/frame.js';
import { MemoryImage } from '../expand/image.js';
import type { MemoryRun } from '../protocol.js';
import { type Difference, difference, hex32 } from './difference.js';
import { registerDifferences } from './flags.js';
import { hypercallDifferences } from './hypercalls.js';
import { memoryDifferences } from './memory.js';

/** Says whether a state path is to be compared, or holds one that is. */
export type Wanted = (path: string) => boolean;

type Tree = Record<string, unknown>;

/** All differences of a host's state from the expected one, as far as `wanted`. */
export function hostDifferences(actual: Tree, expected: Tree, wanted: Wanted): Difference[] {
  const found: Difference[] = [];
  compareTrees(actual, expected, '', wanted, found);
  return found;
}

function compareTrees(
  actual: Tree,
  expected: Tree,
  prefix: string,
  wanted: Wanted,
  found: Difference[],
): void {
  for (const key in expected) {
    const should = expected[key];
    // Nearly everything is as it was, so that neither path nor filter is needed.
    if (actual[key] === should) continue;
    const path = prefix === '' ? key : `${prefix}.${key}`;
    if (wanted(path)) compareKey(path, key, actual[key], should, wanted, found);
  }
}

const TABLES = new Set(['gdt', 'idt', 'guest_gdt', 'guest_idt', 'host_gdt']);

function compareKey(
  path: string,
  key: string,
  is: unknown,
  should: unknown,
  wanted: Wanted,
  found: Difference[],
): void {
  if (key === 'memory') found.push(...imageDifferences(path, is, should).filter((word) => wanted(word.path)));
  else if (TABLES.has(key)) found.push(...tableDifferences(path, treeOf(is), treeOf(should)));
  else if (key === 'hypercalls') found.push(...hypercallDifferences(path, listOf(is), listOf(should)));
  else if (PAGE_FLAGS.has(key) && isMap(should)) found.push(...flagsDifferences(path, treeOf(is), should));
  else if (key === 'shadow') found.push(...shadowDifferences(path, treeOf(is), treeOf(should)));
  else if (key === 'pgdirs') compareLists(path, '', listOf(is), padded(listOf(should)), wanted, found);
  else if (Array.isArray(should)) compareLists(path, key, listOf(is), should, wanted, found);
  else if (key === 'pages' && isMap(should)) comparePages(path, treeOf(is), should, wanted, found);
  else if (isMap(should)) compareTrees(treeOf(is), should, path, wanted, found);
  else found.push(...scalarDifferences(path, key, is, should));
}

function comparePages(path: string, is: Tree, should: Tree, wanted: Wanted, found: Difference[]): void {
  if (knownEqual.get(should) === is) return;
  const differences: Difference[] = [];
  let all = true;
  const noting: Wanted = (part) => {
    const isWanted = wanted(part);
    all &&= isWanted;
    return isWanted;
  };
  compareTrees(is, should, path, noting, differences);
  found.push(...differences);
  if (all && differences.length === 0) knownEqual.set(should, is);
}

/** Page tables of which only the flags are told, by index. */
const PAGE_FLAGS = new Set(['window', 'guest_windows']);

/** An entry that is not there is zero. */
function flagsDifferences(path: string, is: Tree, should: Tree): Difference[] {
  const indexes = [...new Set([...Object.keys(is), ...Object.keys(should)])];
  return indexes
    .filter((index) => (is[index] ?? 0) !== (should[index] ?? 0))
    .map((index) => difference(path, `${path}[${index}]`, hex32(is[index] ?? 0), hex32(should[index] ?? 0)));
}

function treeOf(value: unknown): Tree {
  return isMap(value) ? value : {};
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

const NO_PGDIR = { gpgdir: 0, allocated: false };
const PGDIRS = 4;

function padded(list: unknown[]): unknown[] {
  return list.length === PGDIRS
    ? list
    : Array.from({ length: PGDIRS }, (_, index) => list[index] ?? NO_PGDIR);
}

/** The elements of a list have the key of the list, which says how they are told. */
function compareLists(
  path: string,
  key: string,
  is: unknown[],
  should: unknown[],
  wanted: Wanted,
  found: Difference[],
): void {
  for (let index = 0; index < should.length; index++) {
    const element = should[index];
    if (is[index] === element) continue;
    const elementPath = `${path}[${index}]`;
    if (wanted(elementPath)) compareKey(elementPath, key, is[index], element, wanted, found);
  }
}

function imageDifferences(path: string, is: unknown, should: unknown): Difference[] {
  const actual = MemoryImage.of(listOf(is) as MemoryRun[]);
  const expected = MemoryImage.of(listOf(should) as MemoryRun[]);
  return memoryDifferences(path, actual, expected);
}

/** Pairs that were found equal: tables of 256 entries and state pages are mostly the same objects from case to case. */
const knownEqual = new WeakMap<Tree, Tree>();

/** Descriptor tables: an entry that is not there is zero. */
function tableDifferences(path: string, is: Tree, should: Tree): Difference[] {
  if (knownEqual.get(should) === is) return [];
  const found: Difference[] = [];
  const compare = (index: string): void => {
    if (samePair(is[index], should[index])) return;
    found.push(
      difference(`${path}.${index}`, `${path}[${index}]`, pairText(is[index]), pairText(should[index])),
    );
  };
  for (const index in should) if (index !== OTHER_ENTRIES) compare(index);
  if (!(OTHER_ENTRIES in should)) for (const index in is) if (!(index in should)) compare(index);
  if (found.length === 0) knownEqual.set(should, is);
  return found;
}

function samePair(is: unknown, should: unknown): boolean {
  return wordOf(is, 0) === wordOf(should, 0) && wordOf(is, 1) === wordOf(should, 1);
}

function wordOf(entry: unknown, index: number): unknown {
  return Array.isArray(entry) ? entry[index] : 0;
}

function pairText(entry: unknown): string {
  const [low = 0, high = 0] = listOf(entry);
  return `${hex32(low)} ${hex32(high)}`;
}

function shadowDifferences(path: string, is: Tree, should: Tree): Difference[] {
  return ['pde', 'pte'].flatMap((level) => {
    if (sameEntries(listOf(is[level]), listOf(should[level]))) return [];
    const actual = shadowEntries(is[level]);
    const expected = shadowEntries(should[level]);
    const places = [...new Set([...actual.keys(), ...expected.keys()])].sort();
    return places
      .filter((place) => actual.get(place) !== expected.get(place))
      .map((place) =>
        difference(
          `${path}.${level}`,
          `${path}.${level} ${place}`,
          actual.get(place) ?? 'absent',
          expected.get(place) ?? 'absent',
        ),
      );
  });
}

/** Whether two lists hold equal entries in the same order, which is so in most cases. */
function sameEntries(is: unknown[], should: unknown[]): boolean {
  return is.length === should.length && is.every((entry, index) => sameEntry(entry, should[index]));
}

function sameEntry(is: unknown, should: unknown): boolean {
  if (!isMap(is) || !isMap(should)) return false;
  return (
    is.pgdir === should.pgdir &&
    is.vaddr === should.vaddr &&
    is.flags === should.flags &&
    is.guest_pfn === should.guest_pfn
  );
}

/** Shadow entries in words, by page directory and address. */
function shadowEntries(list: unknown): Map<string, string> {
  const entries = new Map<string, string>();
  for (const entry of listOf(list)) {
    if (!isMap(entry)) continue;
    const { pgdir, vaddr, flags, guest_pfn } = entry;
    const frame =
      guest_pfn === undefined ? '' : ` frame ${guest_pfn === null ? 'lookup failed' : hex32(guest_pfn)}`;
    entries.set(`pgdir ${pgdir} at ${hex32(vaddr)}:`, `flags ${hex32(flags)}${frame}`);
  }
  return entries;
}

function scalarDifferences(path: string, key: string, is: unknown, should: unknown): Difference[] {
  if (same(key, is, should)) return [];
  if (typeof is === 'number' && typeof should === 'number')
    return registerDifferences(path, path, key, is, should);
  return [difference(path, path, valueText(is), valueText(should))];
}

/** Truth values may be 0 and 1, and an errno that is not set may be null or 0. */
function same(key: string, is: unknown, should: unknown): boolean {
  if (is === should) return true;
  if (key === 'dead_errno') return (is ?? 0) === (should ?? 0);
  if (typeof should === 'boolean' || typeof is === 'boolean') {
    return is !== undefined && is !== null && Number(is) === Number(should ?? 0);
  }
  return false;
}

function valueText(value: unknown): string {
  if (value === undefined) return 'absent';
  return typeof value === 'number' ? hex32(value) : JSON.stringify(value);
}
