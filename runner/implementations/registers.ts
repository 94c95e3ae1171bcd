// SPDX-License-Identifier: GPL-2.0-or-later

import {
  type ProcessorRegisters,
  type SegmentName,
  type SegmentRegister,
  SYSENTER_REGISTERS,
  type TableRegister,
  type WordRegister,
} from '../protocol.js';

/** Where an implementation keeps its registers: each part is asked for by its name. */
export interface RegisterSource {
  word(name: WordRegister): number;
  segment(name: SegmentName): SegmentRegister;
  table(name: 'gdtr' | 'idtr'): TableRegister;
}

export function readRegisters({ word, segment, table }: RegisterSource): ProcessorRegisters {
  return {
    eax: word('eax'),
    ecx: word('ecx'),
    edx: word('edx'),
    ebx: word('ebx'),
    esp: word('esp'),
    ebp: word('ebp'),
    esi: word('esi'),
    edi: word('edi'),
    eip: word('eip'),
    eflags: word('eflags'),
    cr0: word('cr0'),
    cr2: word('cr2'),
    cr3: word('cr3'),
    cr4: word('cr4'),
    sysenter_cs: word('sysenter_cs'),
    sysenter_esp: word('sysenter_esp'),
    sysenter_eip: word('sysenter_eip'),
    es: segment('es'),
    cs: segment('cs'),
    ss: segment('ss'),
    ds: segment('ds'),
    fs: segment('fs'),
    gs: segment('gs'),
    tr: segment('tr'),
    ldtr: segment('ldtr'),
    gdtr: table('gdtr'),
    idtr: table('idtr'),
  };
}

/** What no state save area of system management mode holds, in the order in which both monitors report it. */
export const OUTSIDE_SAVE_AREA = ['cr2', ...SYSENTER_REGISTERS] as const;
export type OutsideSaveArea = Record<(typeof OUTSIDE_SAVE_AREA)[number], number>;

export function isOutsideSaveArea(name: WordRegister): name is keyof OutsideSaveArea {
  return OUTSIDE_SAVE_AREA.some((outside) => outside === name);
}

/** @param value gives the value at each place of `OUTSIDE_SAVE_AREA` */
export function outsideSaveArea(value: (place: number) => number): OutsideSaveArea {
  return { cr2: value(0), sysenter_cs: value(1), sysenter_esp: value(2), sysenter_eip: value(3) };
}
