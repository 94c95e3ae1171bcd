// SPDX-License-Identifier: GPL-2.0-or-later

import { type Difference, difference, hex32 } from './difference.js';

/** Names of the bits of registers that are better read bit by bit. A multi-bit field has its width. */
type BitNames = readonly { name: string; bit: number; width?: number }[];

const EFLAGS: BitNames = [
  { name: 'CF', bit: 0 },
  { name: 'PF', bit: 2 },
  { name: 'AF', bit: 4 },
  { name: 'ZF', bit: 6 },
  { name: 'SF', bit: 7 },
  { name: 'TF', bit: 8 },
  { name: 'IF', bit: 9 },
  { name: 'DF', bit: 10 },
  { name: 'OF', bit: 11 },
  { name: 'IOPL', bit: 12, width: 2 },
  { name: 'NT', bit: 14 },
  { name: 'RF', bit: 16 },
  { name: 'VM', bit: 17 },
  { name: 'AC', bit: 18 },
  { name: 'VIF', bit: 19 },
  { name: 'VIP', bit: 20 },
  { name: 'ID', bit: 21 },
];

const CR0: BitNames = [
  { name: 'PE', bit: 0 },
  { name: 'MP', bit: 1 },
  { name: 'EM', bit: 2 },
  { name: 'TS', bit: 3 },
  { name: 'ET', bit: 4 },
  { name: 'NE', bit: 5 },
  { name: 'WP', bit: 16 },
  { name: 'AM', bit: 18 },
  { name: 'NW', bit: 29 },
  { name: 'CD', bit: 30 },
  { name: 'PG', bit: 31 },
];

const CR4: BitNames = [
  { name: 'VME', bit: 0 },
  { name: 'PVI', bit: 1 },
  { name: 'TSD', bit: 2 },
  { name: 'DE', bit: 3 },
  { name: 'PSE', bit: 4 },
  { name: 'PAE', bit: 5 },
  { name: 'MCE', bit: 6 },
  { name: 'PGE', bit: 7 },
  { name: 'PCE', bit: 8 },
  { name: 'OSFXSR', bit: 9 },
  { name: 'OSXMMEXCPT', bit: 10 },
];

const REGISTERS: Record<string, BitNames> = { eflags: EFLAGS, cr0: CR0, cr4: CR4 };

/** The bit of a flag by name, for masks; undefined when there is none. */
export function flagBit(name: string): number | undefined {
  const entry = EFLAGS.find((flag) => flag.name === name);
  return entry === undefined ? undefined : 2 ** entry.bit;
}

/**
 * Differences of a register whose bits have names, one for each named field (`path` and the field's name); one for
 * the whole register (`path`) when a bit without a name differs, or when the register is not such a one.
 */
export function registerDifferences(
  path: string,
  label: string,
  register: string,
  actual: number,
  expected: number,
): Difference[] {
  const whole = [difference(path, label, hex32(actual), hex32(expected))];
  const names = REGISTERS[register];
  if (names === undefined) return whole;
  const found: Difference[] = [];
  let unnamed = (actual ^ expected) >>> 0;
  for (const { name, bit, width = 1 } of names) {
    const mask = (2 ** width - 1) * 2 ** bit;
    unnamed = (unnamed & ~mask) >>> 0;
    const is = (actual & mask) >>> bit;
    const should = (expected & mask) >>> bit;
    if (is !== should) {
      found.push(difference(`${path}.${name}`, `${label}.${name}`, `${is >>> 0}`, `${should >>> 0}`));
    }
  }
  return unnamed === 0 ? found : whole;
}
