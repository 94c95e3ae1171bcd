// SPDX-License-Identifier: GPL-2.0-or-later

/** Numbers below this are as easily read in decimal. */
const SMALL = 10;
const WIDTH = 100;

/** JSON-like text for people: numbers in hex, keys without quotes, what fits on a line stays on it. */
export function readable(value: unknown, indent = ''): string {
  const short = oneLine(value);
  if (indent.length + short.length <= WIDTH) return short;
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    return `[\n${value.map((item) => `${inner}${readable(item, inner)},\n`).join('')}${indent}]`;
  }
  if (typeof value === 'object' && value !== null) {
    return `{\n${fields(value)
      .map(([key, item]) => `${inner}${key}: ${readable(item, inner)},\n`)
      .join('')}${indent}}`;
  }
  return short;
}

function oneLine(value: unknown): string {
  if (typeof value === 'number') {
    return Number.isInteger(value) && value >= SMALL ? `0x${value.toString(16)}` : String(value);
  }
  if (Array.isArray(value)) return `[${value.map(oneLine).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const parts = fields(value).map(([key, item]) => `${key}: ${oneLine(item)}`);
    return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`;
  }
  return JSON.stringify(value) ?? 'nothing';
}

function fields(value: object): [string, unknown][] {
  return Object.entries(value).filter(([, item]) => item !== undefined);
}
