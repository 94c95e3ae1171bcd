// SPDX-License-Identifier: GPL-2.0-or-later

/** Errata of the tables that the processor uses while a guest runs, and of what a guest can do with them. */

import { isMap } from '../../cases/case.js';
import type { HostEvent } from '../../protocol.js';
import type { Explanation, Scene } from './scene.js';

const BAD_READ = /^(Bad address|bad read address)/;

/** Whether a guest dies of a walk of its page tables or of a read of its memory; without memory there is no text. */
export const isBadRead = (event: HostEvent | undefined): boolean =>
  event?.e === 'kasprintf' || BAD_READ.test(String(event?.message ?? ''));

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

const INTERRUPT_GATE = 0x0e00;
const GATE_TYPE = 0x0f00;
const ERROR_CODES = [8, 10, 11, 12, 13, 14, 17];

/** In class system, where the guest itself runs: it has a gate that only one of the profiles opens to its INT. */
function hasOpenGate(scene: Scene, isExternal: boolean): boolean {
  if (!hasEntered(scene)) return false;
  return scene.tables('idt').some(([vector, high]) => {
    const isOpen = (high & GATE_TYPE) === INTERRUPT_GATE && (high & DPL) !== 0;
    return isOpen && (isExternal ? vector >= FIRST_EXTERNAL : ERROR_CODES.includes(vector));
  });
}

/** In class system: it has a system descriptor that only one of the profiles shows to the processor. */
function hasSystemDescriptor(scene: Scene): boolean {
  const isSystem = (high: number): boolean => (high & GDT_PRESENT) !== 0 && (high & CODE_OR_DATA) === 0;
  return hasEntered(scene) && scene.tables('gdt').some(([, high]) => isSystem(high));
}

/** Where the guest's own code runs, what the profiles let it do is seen in what becomes of it. */
export function inSystem(): Explanation[] {
  return [
    {
      erratum: 'E-3',
      holds: (scene) => hasEntered(scene) && isBadRead(scene.parting.linux),
    },
    { erratum: 'E-56', holds: (scene) => hasOpenGate(scene, false) },
    { erratum: 'E-59', holds: (scene) => hasOpenGate(scene, true) },
    { erratum: 'E-120', holds: hasSystemDescriptor },
    { erratum: 'E-10', holds: hasFaultedInDirectory },
    { erratum: 'E-80', holds: writesCleanPage },
  ];
}

const WRITABLE = 2;
const USER = 4;
const DIRTY = 0x40;

/** The last fault was one that the guest's directory entry does not permit; the guest may have changed it meanwhile. */
function hasFaultedInDirectory(scene: Scene): boolean {
  const fault = scene.common.findLast(({ e }) => e === 'read_cr2');
  if (fault === undefined || !hasEntered(scene)) return false;
  const entries = scene.directoryEntries(Number(fault.value));
  return entries.some((entry) => (entry & WRITABLE) === 0 || (entry & USER) === 0);
}

/**
 * Only the hardened host sees a write to a page that the guest has announced as writable with its dirty bit clear: the guest's
 * own entry says so, or the original shows a page as writable that it has asked for to read.
 */
function writesCleanPage(scene: Scene): boolean {
  const fault = scene.hardened.events[scene.common.length + (scene.parting.hardened?.e === 'wrmsr' ? 1 : 0)];
  if (fault?.e !== 'read_cr2' || !hasEntered(scene)) return false;
  const address = Number(fault.value);
  const tables = scene.directoryEntries(address);
  const entries = tables.flatMap((table) => scene.words((table & ~0xfff) + ((address >>> 12) & 0x3ff) * 4));
  if (entries.some((entry) => (entry & (WRITABLE | DIRTY)) === WRITABLE)) return true;
  const wasAskedToRead = scene.common.some(({ e, write }) => e === 'get_user_pages_fast' && write === false);
  return wasAskedToRead && isShownWritable(scene, address);
}

function isShownWritable(scene: Scene, address: number): boolean {
  const { pte } = scene.after(scene.linux, 'shadow');
  const page = (address & ~0xfff) >>> 0;
  const entries = (Array.isArray(pte) ? pte : []).filter(isMap);
  return entries.some(({ vaddr, flags }) => vaddr === page && (Number(flags) & WRITABLE) !== 0);
}

const hasEntered = ({ isSystem, common }: Scene): boolean =>
  isSystem && common.some(({ e }) => e === 'switch_to_guest');
