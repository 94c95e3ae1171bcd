// SPDX-License-Identifier: GPL-2.0-or-later

/** YAML as the case files write it: short maps and lists on one line, words in hex. */

import { type Data, type DataMap, isMap } from '../cases/case.js';
import { hex32 } from './values.js';

const SMALL = 256;
const LONGEST = 120;

/** A map on one line. */
export function flow(map: DataMap): string {
  const entries = Object.entries(map);
  return entries.length === 0
    ? '{}'
    : `{ ${entries.map(([key, value]) => `${key}: ${scalar(value)}`).join(', ')} }`;
}

/** Any value on one line. */
export function scalar(value: Data): string {
  if (typeof value === 'number') return value < SMALL ? `${value}` : hex32(value);
  if (Array.isArray(value)) return `[${value.map(scalar).join(', ')}]`;
  return isMap(value) ? flow(value) : JSON.stringify(value);
}

/** `key: value`, on one line if it is short enough, else on several. */
export function block(key: string, value: Data, indent: string): string[] {
  const line = `${indent}${key}: ${scalar(value)}`;
  if (line.length <= LONGEST || (!isMap(value) && !Array.isArray(value))) return [line];
  const below = `${indent}  `;
  const lines = isMap(value)
    ? Object.entries(value).flatMap(([name, part]) => block(name, part, below))
    : value.flatMap((item) => listItem(item, below));
  return [`${indent}${key}:`, ...lines];
}

/** An item of a list, the lines of a long map under one another. */
function listItem(item: Data, indent: string): string[] {
  const line = `${indent}- ${scalar(item)}`;
  if (line.length <= LONGEST || !isMap(item)) return [line];
  const lines = Object.entries(item).flatMap(([key, value]) => block(key, value, `${indent}  `));
  return lines.map((text, index) => (index === 0 ? `${indent}- ${text.trimStart()}` : text));
}
