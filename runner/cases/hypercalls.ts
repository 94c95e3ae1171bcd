// SPDX-License-Identifier: GPL-2.0-or-later

import { HYPERCALL_NAMES } from '../hypercall-names.js';
import type { Data, DataMap } from './case.js';
import { CaseError } from './problem.js';

const NUMBERS = new Map([...HYPERCALL_NAMES].map(([number, name]) => [name, number]));
const MOST_ARGUMENTS = 3;

/** `<count> * ring NAME argument argument argument`, of which the name alone must be there. */
const LINE = /^(?:(\d+) \* )?(ring )?([A-Z_]+)((?: \S+)*)$/;

/**
 * The lines of `then.hypercalls` as the list that an answer is compared with: `number`, `ring`, and as many `args` as are
 * written; null stands for an argument that is not compared.
 */
export function expectedHypercalls(lines: Data): DataMap[] {
  if (!Array.isArray(lines)) throw new CaseError('hypercalls is a list of lines');
  return lines.flatMap((line) => callsOf(String(line)));
}

function callsOf(line: string): DataMap[] {
  const [matched, count = '1', ring, name = '', rest = ''] = LINE.exec(line) ?? [];
  const number = NUMBERS.get(name);
  if (matched === undefined || number === undefined) {
    throw new CaseError(`"${line}" is not a hypercall, such as "ring SET_STACK 0x69 0xC0020000 1"`);
  }
  const words = rest.split(' ').filter((word) => word !== '');
  if (words.length > MOST_ARGUMENTS) throw new CaseError(`"${line}" has more than three arguments`);
  const args = words.map((word) => argument(word, line));
  return Array.from({ length: Number(count) }, () => ({ number, ring: ring !== undefined, args }));
}

function argument(word: string, line: string): number | null {
  if (word === '_') return null;
  const value = Number(word);
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
    throw new CaseError(`"${word}" in "${line}" is not a number of 32 bits`);
  }
  return value;
}
