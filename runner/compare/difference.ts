// SPDX-License-Identifier: GPL-2.0-or-later

/** One thing that is not as expected. */
export interface Difference {
  /** Where in the answer: `registers.eax`, `lg.dead`, `memory`, `events`, `outcome`, ... */
  path: string;
  /** The same in architectural terms: `CR0.TS`. */
  label: string;
  actual: string;
  expected: string;
}

export function difference(path: string, label: string, actual: string, expected: string): Difference {
  return { path, label, actual, expected };
}

/** `CR0.TS 1, expected 0`. */
export function differenceText({ label, actual, expected }: Difference): string {
  return `${label} ${actual}, expected ${expected}`;
}

/** Eight hex digits, as addresses and registers are written in the spec. */
export function hex32(value: unknown): string {
  return typeof value === 'number'
    ? (value >>> 0).toString(16).padStart(8, '0')
    : (JSON.stringify(value) ?? 'nothing');
}

/** Whether `path` is this one or lies within it. `[*]` stands for any index. */
export function isWithin(path: string, outer: string): boolean {
  const plain = outer.includes('[*]') ? path.replace(/\[\d+\]/g, '[*]') : path;
  if (!plain.startsWith(outer)) return false;
  const next = plain[outer.length];
  return next === undefined || next === '.' || next === '[' || next === '@';
}
