// SPDX-License-Identifier: GPL-2.0-or-later

import { type Data, type DataMap, isMap } from '../../cases/case.js';
import { MemoryImage } from '../../expand/image.js';
import type { MemoryRun } from '../../protocol.js';
import { hexByte, littleEndian } from '../values.js';
import { runsIn } from './guest.js';

const TABLES = new Set(['gdt', 'idt', 'guest_gdt', 'guest_idt', 'host_gdt']);
const ELEMENTWISE = new Set(['guests', 'vcpus', 'pages']);
/** Lists that an expectation gives whole. */
const SHADOW = ['pde', 'pte'];

/** What of a state is not as before, as an expectation says it. What was not told before is left out. */
export function changesOf(before: DataMap, after: DataMap): DataMap {
  const changes: DataMap = {};
  for (const [key, value] of Object.entries(after)) {
    if (!(key in before)) continue;
    const change = changeOf(key, before[key], value);
    if (change !== undefined) changes[key] = change;
  }
  return changes;
}

function changeOf(key: string, before: Data | undefined, after: Data): Data | undefined {
  if (isSame(before, after)) return undefined;
  if (key === 'memory') return changedMemory(before, after);
  if (key === 'shadow') return isSameShadow(before, after) ? undefined : after;
  if (TABLES.has(key)) return changedEntries(before, after);
  if (ELEMENTWISE.has(key) && Array.isArray(before) && Array.isArray(after)) {
    return after.map((element, index) => changeOf('', before[index], element) ?? null);
  }
  if (!isMap(before) || !isMap(after)) return after;
  const changes = changesOf(before, after);
  return Object.keys(changes).length === 0 ? undefined : changes;
}

const isSame = (one: Data | undefined, two: Data): boolean => JSON.stringify(one) === JSON.stringify(two);

function isSameShadow(before: Data | undefined, after: Data): boolean {
  const sorted = (tree: Data | undefined, level: string): string => {
    const list = isMap(tree) && Array.isArray(tree[level]) ? tree[level] : [];
    return list
      .filter(isMap)
      .map(({ pgdir, vaddr, flags, guest_pfn }) => JSON.stringify([pgdir, vaddr, flags, guest_pfn]))
      .sort()
      .join();
  };
  return SHADOW.every((level) => sorted(before, level) === sorted(after, level));
}

/** Entries of a descriptor table that have changed; those that are gone are zeros. */
function changedEntries(before: Data | undefined, after: Data): Data | undefined {
  const [was, is] = [isMap(before) ? before : {}, isMap(after) ? after : {}];
  const indexes = [...new Set([...Object.keys(was), ...Object.keys(is)])];
  const changed = indexes.filter((index) => !isSame(was[index] ?? [0, 0], is[index] ?? [0, 0]));
  if (changed.length === 0) return undefined;
  return Object.fromEntries(changed.map((index) => [index, is[index] ?? [0, 0]]));
}

/** Double words of memory that have changed, in runs. */
function changedMemory(before: Data | undefined, after: Data): Data | undefined {
  const [was, is] = [runsIn({ memory: before ?? [] }), runsIn({ memory: after })].map((runs) =>
    MemoryImage.of(runs),
  );
  if (was === undefined || is === undefined) return undefined;
  const changed: MemoryRun[] = [];
  for (const at of MemoryImage.differences(was, is)) {
    const hex = littleEndian(is.read32(at), 4).map(hexByte).join('');
    const last = changed.at(-1);
    if (last !== undefined && last.at + last.hex.length / 2 === at) last.hex += hex;
    else changed.push({ at, hex });
  }
  return changed.length === 0 ? undefined : changed.map((run) => ({ ...run }));
}
