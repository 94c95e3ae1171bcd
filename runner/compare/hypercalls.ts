// SPDX-License-Identifier: GPL-2.0-or-later

import { isMap } from '../cases/case.js';
import { HYPERCALL_NAMES } from '../hypercall-names.js';
import { type Difference, difference, hex32 } from './difference.js';

/** The first difference between two lists of hypercalls, with the calls before it. */
export function hypercallDifferences(path: string, is: unknown[], should: unknown[]): Difference[] {
  const length = Math.max(is.length, should.length);
  for (let index = 0; index < length; index++) {
    if (matches(is[index], should[index])) continue;
    const label = `hypercall ${index + 1} of ${is.length} is`;
    return [difference(path, label, callText(is[index]), callText(should[index]))];
  }
  return [];
}

/** Whether a call is the expected one, as far as its arguments are named. */
function matches(is: unknown, should: unknown): boolean {
  if (!isMap(is) || !isMap(should)) return false;
  if (is.number !== should.number || is.ring !== should.ring) return false;
  const args = is.args;
  if (!Array.isArray(args) || !Array.isArray(should.args)) return false;
  return should.args.every((value, index) => value === null || value === args[index]);
}

/** A call as `then.hypercalls` writes it. */
export function callText(call: unknown): string {
  if (!isMap(call)) return 'none';
  const name = HYPERCALL_NAMES.get(Number(call.number)) ?? String(call.number);
  const args = Array.isArray(call.args)
    ? call.args.map((value) => (value === null ? '_' : hex32(value)))
    : [];
  return [...(call.ring === true ? ['ring'] : []), name, ...args].join(' ');
}
