// SPDX-License-Identifier: GPL-2.0-or-later

import type { ProcessorRegisters, SegmentName, SegmentRegister } from '../../protocol.js';
import { isOutsideSaveArea, type OutsideSaveArea, readRegisters } from '../registers.js';

/**
 * The state save area of system management mode: what an SMI stores and RSM loads. The visible registers are where
 * the Intel SDM puts them (volume 3, "SMRAM State Save Map"); the cached descriptors are in the part that it calls
 * reserved, where P6 processors have them.
 *
 * Offsets are those of the manual (from SMBASE + 8000h); the buffers begin at 7E00h.
 */
const FIRST = 0x7e00;
export const SAVE_AREA_BYTES = 0x200;

/**
 * A TSS in the task register is always a busy one. TCG keeps its cached type without that bit and aborts when it
 * meets it; so the bit is taken out on the way in and put back on the way out.
 */
const TSS_BUSY = 0x02;

export function withBusyTaskRegister(tr: SegmentRegister): SegmentRegister {
  return { ...tr, attributes: tr.attributes | TSS_BUSY };
}

const WORDS = {
  cr0: 0x7ffc,
  cr3: 0x7ff8,
  eflags: 0x7ff4,
  eip: 0x7ff0,
  edi: 0x7fec,
  esi: 0x7fe8,
  ebp: 0x7fe4,
  esp: 0x7fe0,
  ebx: 0x7fdc,
  edx: 0x7fd8,
  ecx: 0x7fd4,
  eax: 0x7fd0,
  cr4: 0x7f14,
} as const;
type SavedWord = keyof typeof WORDS;
const WORD_NAMES = Object.keys(WORDS) as SavedWord[];

const DR6 = 0x7fcc;
const DR7 = 0x7fc8;
const DR6_AT_RESET = 0xffff_0ff0;
const DR7_AT_RESET = 0x400;

/** The selector, and the three words attributes, limit, base. */
const SEGMENTS: Record<SegmentName, { selector: number; cached: number }> = {
  es: { selector: 0x7fa8, cached: 0x7f84 },
  cs: { selector: 0x7fac, cached: 0x7f90 },
  ss: { selector: 0x7fb0, cached: 0x7f9c },
  ds: { selector: 0x7fb4, cached: 0x7f2c },
  fs: { selector: 0x7fb8, cached: 0x7f38 },
  gs: { selector: 0x7fbc, cached: 0x7f44 },
  ldtr: { selector: 0x7fc0, cached: 0x7f78 },
  tr: { selector: 0x7fc4, cached: 0x7f5c },
};
const SEGMENT_NAMES = Object.keys(SEGMENTS) as SegmentName[];

/** The limit, then the base. */
const TABLES = { gdtr: 0x7f70, idtr: 0x7f54 } as const;

/** Writes `registers` over a state save area; whatever else it holds (revision, SMBASE) stays. */
export function writeSaveArea(area: Buffer, registers: ProcessorRegisters): void {
  const put = (offset: number, value: number): void => {
    area.writeUInt32LE(value, offset - FIRST);
  };
  for (const name of WORD_NAMES) put(WORDS[name], registers[name]);
  for (const name of SEGMENT_NAMES) {
    const { selector, cached } = SEGMENTS[name];
    const segment = registers[name];
    put(selector, segment.selector);
    put(cached, name === 'tr' ? segment.attributes & ~TSS_BUSY : segment.attributes);
    put(cached + 4, segment.limit);
    put(cached + 8, segment.base);
  }
  for (const name of ['gdtr', 'idtr'] as const) {
    put(TABLES[name], registers[name].limit);
    put(TABLES[name] + 4, registers[name].base);
  }
  put(DR6, DR6_AT_RESET);
  put(DR7, DR7_AT_RESET);
}

/** @param outside what the area does not hold */
export function readSaveArea(area: Buffer, outside: OutsideSaveArea): ProcessorRegisters {
  const get = (offset: number): number => area.readUInt32LE(offset - FIRST);
  return readRegisters({
    word: (name) => (isOutsideSaveArea(name) ? outside[name] : get(WORDS[name])),
    segment: (name) => {
      const { selector, cached } = SEGMENTS[name];
      const segment = {
        selector: get(selector),
        base: get(cached + 8),
        limit: get(cached + 4),
        attributes: get(cached),
      };
      return name === 'tr' ? withBusyTaskRegister(segment) : segment;
    },
    table: (name) => ({ base: get(TABLES[name] + 4), limit: get(TABLES[name]) }),
  });
}
