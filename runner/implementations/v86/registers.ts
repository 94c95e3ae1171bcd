// SPDX-License-Identifier: GPL-2.0-or-later

import {
  CONTROL_REGISTERS,
  GENERAL_REGISTERS,
  type ProcessorRegisters,
  type SegmentName,
  type SegmentRegister,
  SYSENTER_REGISTERS,
  type WordRegister,
} from '../../protocol.js';
import { readRegisters } from '../registers.js';
import { LAYOUT, SEGMENT_ORDER } from './layout.js';

const PE = 1;
const VM = 1 << 17;
/** In a segment's attributes: the descriptor's D/B bit. */
const WIDE = 0x4000;
/** In the type of a TSS: it is a 32-bit one. */
const TSS_32 = 8;

/** Where the double words are that v86 keeps as they are. */
const WORDS: Record<Exclude<WordRegister, 'eip' | 'eflags'>, number> = {
  eax: LAYOUT.general,
  ecx: LAYOUT.general + 4,
  edx: LAYOUT.general + 8,
  ebx: LAYOUT.general + 12,
  esp: LAYOUT.general + 16,
  ebp: LAYOUT.general + 20,
  esi: LAYOUT.general + 24,
  edi: LAYOUT.general + 28,
  cr0: LAYOUT.control,
  cr2: LAYOUT.control + 8,
  cr3: LAYOUT.control + 12,
  cr4: LAYOUT.control + 16,
  sysenter_cs: LAYOUT.sysenterCs,
  sysenter_esp: LAYOUT.sysenterEsp,
  sysenter_eip: LAYOUT.sysenterEip,
};
const WORD_NAMES = [...GENERAL_REGISTERS, ...CONTROL_REGISTERS, ...SYSENTER_REGISTERS] as const;

const TABLES = {
  gdtr: { base: LAYOUT.gdtrBase, limit: LAYOUT.gdtrLimit },
  idtr: { base: LAYOUT.idtrBase, limit: LAYOUT.idtrLimit },
} as const;

/** Stores all registers in v86's fields; what v86 derives from them is to be refreshed after that. */
export function storeRegisters(state: DataView, registers: ProcessorRegisters): void {
  const put = (at: number, value: number): void => state.setUint32(at, value >>> 0, true);
  for (const name of WORD_NAMES) put(WORDS[name], registers[name]);
  for (const name of SEGMENT_ORDER) storeSegment(state, name, registers[name]);
  put(LAYOUT.flagsPending, 0);
  put(LAYOUT.eflags, registers.eflags);
  put(LAYOUT.linearEip, registers.cs.base + registers.eip);
  put(LAYOUT.previousLinearEip, registers.cs.base + registers.eip);
  for (const name of ['gdtr', 'idtr'] as const) {
    put(TABLES[name].base, registers[name].base);
    put(TABLES[name].limit, registers[name].limit);
  }
  const isProtected = (registers.cr0 & PE) !== 0;
  state.setUint8(LAYOUT.protectedMode, Number(isProtected));
  state.setUint8(LAYOUT.level, levelOf(registers, isProtected));
  state.setUint8(LAYOUT.wideCode, Number((registers.cs.attributes & WIDE) !== 0));
  state.setUint8(LAYOUT.wideStack, Number((registers.ss.attributes & WIDE) !== 0));
  state.setUint8(LAYOUT.wideTss, Number((registers.tr.attributes & TSS_32) !== 0));
  state.setUint8(LAYOUT.halted, 0);
}

function levelOf({ eflags, ss }: ProcessorRegisters, isProtected: boolean): number {
  if (!isProtected) return 0;
  return (eflags & VM) !== 0 ? 3 : (ss.attributes >>> 5) & 3;
}

function storeSegment(state: DataView, name: SegmentName, segment: SegmentRegister): void {
  const index = SEGMENT_ORDER.indexOf(name);
  const isNull = (segment.attributes & 0x80) === 0;
  state.setUint16(LAYOUT.selectors + 2 * index, segment.selector, true);
  state.setUint8(LAYOUT.isNull + index, Number(isNull));
  state.setUint8(LAYOUT.accessBytes + index, segment.attributes & 0xff);
  state.setUint32(LAYOUT.bases + 4 * index, segment.base, true);
  state.setUint32(LAYOUT.limits + 4 * index, segment.limit, true);
}

/**
 * The registers as v86 has them. Of a segment's attributes it keeps the access byte, and D/B of CS and SS: they are
 * reported as far as they are known, and not compared.
 */
export function loadRegisters(state: DataView, eflags: number): ProcessorRegisters {
  const get = (at: number): number => state.getUint32(at, true);
  const segment = (name: SegmentName): SegmentRegister => {
    const index = SEGMENT_ORDER.indexOf(name);
    return {
      selector: state.getUint16(LAYOUT.selectors + 2 * index, true),
      base: get(LAYOUT.bases + 4 * index),
      limit: get(LAYOUT.limits + 4 * index),
      attributes: state.getUint8(LAYOUT.accessBytes + index),
    };
  };
  return readRegisters({
    word: (name) => {
      if (name === 'eflags') return eflags;
      if (name === 'eip') return (get(LAYOUT.linearEip) - segment('cs').base) >>> 0;
      return get(WORDS[name]);
    },
    segment,
    table: (name) => ({ base: get(TABLES[name].base), limit: get(TABLES[name].limit) }),
  });
}
