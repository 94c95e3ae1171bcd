// SPDX-License-Identifier: GPL-2.0-or-later

import { type Data, type DataMap, isMap } from './case.js';

/** Lists that add up instead of replacing one another. */
const APPENDED = new Set(['memory', 'io']);
/** Lists of which each element stands for itself. */
const ELEMENT_BY_ELEMENT = new Set(['guests', 'vcpus']);

/**
 * Puts `over` on top of `base`: maps merge key by key, `memory` and `io` lists are appended, `guests` and `vcpus` merge
 * element by element, any other list and every scalar replaces. Neither argument is changed; what one side alone holds is shared, not copied.
 */
export function merge(base: DataMap, over: DataMap): DataMap {
  const result: DataMap = { ...base };
  for (const key in over) {
    const below = base[key];
    const value = over[key] ?? null;
    result[key] = below === undefined ? value : mergeValue(key, below, value);
  }
  return result;
}

function mergeValue(key: string, base: Data, over: Data): Data {
  if (isMap(base) && isMap(over)) return merge(base, over);
  if (!Array.isArray(base) || !Array.isArray(over)) return over;
  if (APPENDED.has(key)) return [...base, ...over];
  return ELEMENT_BY_ELEMENT.has(key) ? mergeElements(base, over) : over;
}

/** @param over null leaves an element as it is */
function mergeElements(base: Data[], over: Data[]): Data[] {
  const length = Math.max(base.length, over.length);
  return Array.from({ length }, (_, index) => {
    const [below, above] = [base[index] ?? null, over[index] ?? null];
    if (above === null) return below;
    return isMap(below) && isMap(above) ? merge(below, above) : above;
  });
}

/**
 * One more level of a given machine. As `merge`, and a level of class processor that brings `code` at an address but no
 * `registers.eip` of its own starts execution there.
 */
export function mergeGiven(base: DataMap, over: DataMap, codeSetsEip: boolean): DataMap {
  const merged = merge(base, over);
  const code = over.code;
  if (!codeSetsEip || !isMap(code) || code.at === undefined) return merged;
  if (isMap(over.registers) && over.registers.eip !== undefined) return merged;
  const registers = isMap(merged.registers) ? merged.registers : {};
  return { ...merged, registers: { ...registers, eip: code.at } };
}
