// SPDX-License-Identifier: GPL-2.0-or-later

import type { GeneralRegister, ProcessorRegisters, SegmentName } from '../../protocol.js';
import { isOutsideSaveArea, type OutsideSaveArea, readRegisters } from '../registers.js';

/**
 * The state save area of system management mode as Bochs has it: that of processors with 64-bit extensions (AMD64
 * manual volume 2, "SMM State-Save Area"), of which the monitor exchanges two parts. Offsets are those of the manual.
 */
const PARTS = [
  { from: 0x7e00, bytes: 0xa0 },
  { from: 0x7f48, bytes: 0xb8 },
] as const;

/** Both parts, one after the other. */
export const SAVED_BYTES = PARTS[0].bytes + PARTS[1].bytes;

const GENERAL: Record<GeneralRegister, number> = {
  eax: 0x7ff8,
  ecx: 0x7ff0,
  edx: 0x7fe8,
  ebx: 0x7fe0,
  esp: 0x7fd8,
  ebp: 0x7fd0,
  esi: 0x7fc8,
  edi: 0x7fc0,
};
const WORDS = { ...GENERAL, eip: 0x7f78, eflags: 0x7f70, cr0: 0x7f58, cr3: 0x7f50, cr4: 0x7f48 } as const;
type SavedWord = keyof typeof WORDS;
const WORD_NAMES = Object.keys(WORDS) as SavedWord[];

const DR6 = 0x7f68;
const DR7 = 0x7f60;
const DR6_AT_RESET = 0xffff_0ff0;
const DR7_AT_RESET = 0x400;

/** Selector and attributes in one double word, the limit, the base. */
const SEGMENTS: Record<SegmentName, number> = {
  es: 0x7e00,
  cs: 0x7e10,
  ss: 0x7e20,
  ds: 0x7e30,
  fs: 0x7e40,
  gs: 0x7e50,
  ldtr: 0x7e70,
  tr: 0x7e90,
};
const SEGMENT_NAMES = Object.keys(SEGMENTS) as SegmentName[];
/** The limit is 4 bytes on, the base 8. */
const TABLES = { gdtr: 0x7e60, idtr: 0x7e80 } as const;

/** Bochs' own mark in the attributes: the cached descriptor may be used. */
const VALID = 0x100;
const PRESENT = 0x80;

function placeOf(offset: number): number {
  const second = PARTS[1];
  return offset >= second.from ? PARTS[0].bytes + offset - second.from : offset - PARTS[0].from;
}

export function saveArea(registers: ProcessorRegisters): Buffer {
  const area = Buffer.alloc(SAVED_BYTES);
  const put = (offset: number, value: number): void => {
    area.writeUInt32LE(value, placeOf(offset));
  };
  for (const name of WORD_NAMES) put(WORDS[name], registers[name]);
  for (const name of SEGMENT_NAMES) {
    const { selector, base, limit, attributes } = registers[name];
    const isValid = (attributes & PRESENT) !== 0;
    put(SEGMENTS[name], (selector | ((attributes | (isValid ? VALID : 0)) << 16)) >>> 0);
    put(SEGMENTS[name] + 4, limit);
    put(SEGMENTS[name] + 8, base);
  }
  for (const name of ['gdtr', 'idtr'] as const) {
    put(TABLES[name] + 4, registers[name].limit);
    put(TABLES[name] + 8, registers[name].base);
  }
  put(DR6, DR6_AT_RESET);
  put(DR7, DR7_AT_RESET);
  return area;
}

/** @param outside what the area does not hold */
export function readSaveArea(area: Buffer, outside: OutsideSaveArea): ProcessorRegisters {
  const get = (offset: number): number => area.readUInt32LE(placeOf(offset));
  return readRegisters({
    word: (name) => (isOutsideSaveArea(name) ? outside[name] : get(WORDS[name])),
    segment: (name) => {
      const first = get(SEGMENTS[name]);
      return {
        selector: first & 0xffff,
        base: get(SEGMENTS[name] + 8),
        limit: get(SEGMENTS[name] + 4),
        attributes: (first >>> 16) & ~VALID,
      };
    },
    table: (name) => ({ base: get(TABLES[name] + 8), limit: get(TABLES[name] + 4) }),
  });
}
