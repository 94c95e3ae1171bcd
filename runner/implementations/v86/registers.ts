// SPDX-License-Identifier: GPL-2.0-or-later

import {
  GENERAL_REGISTERS,
  type ProcessorRegisters,
  type SegmentName,
  type SegmentRegister,
} from '../../protocol.js';
import { LAYOUT, SEGMENT_ORDER } from './layout.js';

const PE = 1;
const VM = 1 << 17;
/** In a segment's attributes: the descriptor's D/B bit. */
const WIDE = 0x4000;
/** In the type of a TSS: it is a 32-bit one. */
const TSS_32 = 8;
const CONTROL = { cr0: 0, cr2: 2, cr3: 3, cr4: 4 } as const;
const CONTROL_NAMES = ['cr0', 'cr2', 'cr3', 'cr4'] as const;

/** Stores all registers in v86's fields; what v86 derives from them is to be refreshed after that. */
export function storeRegisters(state: DataView, registers: ProcessorRegisters): void {
  const put = (at: number, value: number): void => state.setUint32(at, value >>> 0, true);
  GENERAL_REGISTERS.forEach((name, index) => {
    put(LAYOUT.general + 4 * index, registers[name]);
  });
  for (const name of CONTROL_NAMES) put(LAYOUT.control + 4 * CONTROL[name], registers[name]);
  for (const name of SEGMENT_ORDER) storeSegment(state, name, registers[name]);
  put(LAYOUT.flagsPending, 0);
  put(LAYOUT.eflags, registers.eflags);
  put(LAYOUT.linearEip, registers.cs.base + registers.eip);
  put(LAYOUT.previousLinearEip, registers.cs.base + registers.eip);
  put(LAYOUT.gdtrBase, registers.gdtr.base);
  put(LAYOUT.gdtrLimit, registers.gdtr.limit);
  put(LAYOUT.idtrBase, registers.idtr.base);
  put(LAYOUT.idtrLimit, registers.idtr.limit);
  put(LAYOUT.sysenterCs, registers.sysenter_cs);
  put(LAYOUT.sysenterEsp, registers.sysenter_esp);
  put(LAYOUT.sysenterEip, registers.sysenter_eip);
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
  const general = (index: number): number => get(LAYOUT.general + 4 * index);
  const control = (index: number): number => get(LAYOUT.control + 4 * index);
  const segment = (name: SegmentName): SegmentRegister => {
    const index = SEGMENT_ORDER.indexOf(name);
    return {
      selector: state.getUint16(LAYOUT.selectors + 2 * index, true),
      base: get(LAYOUT.bases + 4 * index),
      limit: get(LAYOUT.limits + 4 * index),
      attributes: state.getUint8(LAYOUT.accessBytes + index),
    };
  };
  const cs = segment('cs');
  return {
    eax: general(0),
    ecx: general(1),
    edx: general(2),
    ebx: general(3),
    esp: general(4),
    ebp: general(5),
    esi: general(6),
    edi: general(7),
    eip: (get(LAYOUT.linearEip) - cs.base) >>> 0,
    eflags,
    cr0: control(CONTROL.cr0),
    cr2: control(CONTROL.cr2),
    cr3: control(CONTROL.cr3),
    cr4: control(CONTROL.cr4),
    es: segment('es'),
    cs,
    ss: segment('ss'),
    ds: segment('ds'),
    fs: segment('fs'),
    gs: segment('gs'),
    tr: segment('tr'),
    ldtr: segment('ldtr'),
    gdtr: { base: get(LAYOUT.gdtrBase), limit: get(LAYOUT.gdtrLimit) },
    idtr: { base: get(LAYOUT.idtrBase), limit: get(LAYOUT.idtrLimit) },
    sysenter_cs: get(LAYOUT.sysenterCs),
    sysenter_esp: get(LAYOUT.sysenterEsp),
    sysenter_eip: get(LAYOUT.sysenterEip),
  };
}
