// SPDX-License-Identifier: GPL-2.0-or-later

/** Errata of the tables that the processor uses while a guest runs. */

import { isMap } from '../../cases/case.js';
import type { Explanation, Scene } from './scene.js';

/** Entries of one of the tables that the processor uses in which the profiles differ. */
function tableDifferences(
  { linux, hardened }: Scene,
  name: string,
): { index: number; one: number; two: number }[] {
  const tables = [linux, hardened].map(({ state }) => pagesOf(state).map((page) => page[name]));
  const [ones = [], twos = []] = tables;
  return ones.flatMap((table, cpu) => {
    const other = twos[cpu];
    const [was, is] = [isMap(table) ? table : {}, isMap(other) ? other : {}];
    return [...new Set([...Object.keys(was), ...Object.keys(is)])]
      .map((index) => ({ index: Number(index), one: highOf(was[index]), two: highOf(is[index]) }))
      .filter(({ one, two }) => one !== two);
  });
}

const pagesOf = ({ pages }: Record<string, unknown>) =>
  (Array.isArray(pages) ? pages : [pages]).filter(isMap);
const highOf = (pair: unknown): number => (Array.isArray(pair) ? Number(pair[1]) : 0);

const DPL = 0x6000;
const GDT_PRESENT = 0x8000;
const CODE_OR_DATA = 0x1000;
const FIRST_EXTERNAL = 32;

const IDT = 'guest_idt';
const GDT = 'guest_gdt';

/** The default gates of some vectors are closed. */
function closesGates(scene: Scene, isExternal: boolean): boolean {
  const found = tableDifferences(scene, IDT);
  const closed = found.every(({ one, two }) => ((one ^ two) & ~DPL) === 0 && (two & DPL) === 0);
  return closed && found.some(({ index }) => index >= FIRST_EXTERNAL === isExternal);
}

/** Some system descriptors are not present. */
function hidesSystemDescriptors(scene: Scene): boolean {
  const found = tableDifferences(scene, GDT);
  return (
    found.length > 0 &&
    found.every(({ one, two }) => (one ^ two) === GDT_PRESENT && (two & (GDT_PRESENT | CODE_OR_DATA)) === 0)
  );
}

/** Errata that show in the tables alone: other differences may come beside them, and need errata of their own. */
export const TABLE_ERRATA: readonly (Explanation & { table: string })[] = [
  { erratum: 'E-56', table: IDT, holds: (scene) => closesGates(scene, false) },
  { erratum: 'E-59', table: IDT, holds: (scene) => closesGates(scene, true) },
  { erratum: 'E-120', table: GDT, holds: hidesSystemDescriptors },
];
