// SPDX-License-Identifier: GPL-2.0-or-later

import { type Data, type DataMap, isMap } from './case.js';

/** Lists that add up instead of replacing one another. */
const APPENDED = new Set(['memory', 'io']);

/**
 * Puts `over` on top of `base`: maps merge key by key, `memory` and `io` lists are appended, any other list and every
 * scalar replaces. Neither argument is changed; what one side alone holds is shared, not copied.
 */
export function merge(base: DataMap, over: DataMap): DataMap {
  const result: DataMap = { ...base };
  for (const [key, value] of Object.entries(over)) {
    result[key] = key in base ? mergeValue(key, base[key] ?? null, value) : value;
  }
  return result;
}

function mergeValue(key: string, base: Data, over: Data): Data {
  if (isMap(base) && isMap(over)) return merge(base, over);
  if (APPENDED.has(key) && Array.isArray(base) && Array.isArray(over)) return [...base, ...over];
  return over;
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
