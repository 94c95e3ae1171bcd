// SPDX-License-Identifier: GPL-2.0-or-later

import type { MemoryRun } from '../../protocol.js';
import type { Place } from '../program.js';
import type { Outcome } from '../witness.js';

/** The image of FNSAVE with 32-bit operand size. */
export const IMAGE = {
  status: 4,
  tags: 8,
  pointers: 12,
  pointerBytes: 16,
  registers: 28,
  registerBytes: 10,
} as const;

/** Bytes that do not count. */
export const zeros = (at: number, count: number): MemoryRun => ({ at, hex: '00'.repeat(count) });

/** Upper halves of the control, status and tag words in the image: some emulators store zeros there. */
const RESERVED_HALVES = [2, 6, 10];

/**
 * What does not count of the image of a probe: the pointers, the registers that are empty, and the condition codes that a
 * processor may choose freely.
 */
export function imageMasks(title: string, place: Place, outcome: Outcome): MemoryRun[] {
  const { output } = place;
  const { memory } = outcome;
  const status = memory.read32(output + IMAGE.status);
  const top = (status >>> 11) & 7;
  const tags = memory.read32(output + IMAGE.tags);
  const masks = [
    zeros(output + IMAGE.pointers, IMAGE.pointerBytes),
    ...RESERVED_HALVES.map((offset) => zeros(output + offset, 2)),
    { at: output + IMAGE.status + 1, hex: hexByte(definedCodes(title, place, outcome)) },
  ];
  if (leavesPartialRemainder(title, status)) masks.push(zeros(output + IMAGE.registers, IMAGE.registerBytes));
  for (let i = 0; i < 8; i++) {
    const isEmpty = ((tags >>> (2 * ((top + i) & 7))) & 3) === 3;
    if (isEmpty) masks.push(zeros(output + IMAGE.registers + IMAGE.registerBytes * i, IMAGE.registerBytes));
  }
  return masks;
}

const hexByte = (byte: number): string => byte.toString(16).padStart(2, '0');

/** C1, and all condition codes, in the upper byte of the status word. */
export const [C1, CONDITION_CODES] = [0x02, 0x47];

/**
 * A mask for the upper byte of the status word. FCOMI and its kin clear C1 or leave it; a remainder that is a NaN leaves open what the codes say of the
 * quotient.
 */
function definedCodes(title: string, { output }: Place, { memory }: Outcome): number {
  if (/^fu?comip?\b/.test(title)) return 0xff & ~C1;
  const isNan = (memory.read32(output + IMAGE.registers + 8) & 0x7fff) === 0x7fff;
  return title.startsWith('fprem') && isNan ? 0xff & ~CONDITION_CODES : 0xff;
}

const C2 = 0x400;

/** How far one step of FPREM goes is open. */
const leavesPartialRemainder = (title: string, status: number): boolean =>
  title.startsWith('fprem') && (status & C2) !== 0;
