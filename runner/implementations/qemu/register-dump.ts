// SPDX-License-Identifier: GPL-2.0-or-later

import type { ProcessorRegisters, SegmentRegister, TableRegister } from '../../protocol.js';
import { withBusyTaskRegister } from './state-save.js';

/** What the monitor's command `info registers` shows. */
export type DumpedRegisters = Omit<ProcessorRegisters, 'sysenter_cs' | 'sysenter_esp' | 'sysenter_eip'>;

/**
 * Reads the text of `info registers`: `EAX=00000000 ...`, segment registers as `CS =0008 base limit flags`, tables
 * as `GDT= base limit`; all numbers in hexadecimal.
 */
export function parseRegisterDump(text: string): DumpedRegisters {
  const numbersAfter = (label: string, count: number): number[] => {
    const match = new RegExp(`(?:^|\\s)${label} *=((?: *[0-9a-f]+){${count}})`).exec(text)?.[1];
    if (match === undefined) throw new Error(`QEMU's register dump has no ${label}: ${text}`);
    return match
      .trim()
      .split(/ +/)
      .map((digits) => Number.parseInt(digits, 16));
  };
  const word = (label: string): number => numbersAfter(label, 1)[0] ?? 0;
  const segment = (label: string): SegmentRegister => {
    const [selector = 0, base = 0, limit = 0, flags = 0] = numbersAfter(label, 4);
    return { selector, base, limit, attributes: (flags >>> 8) & 0xf0ff };
  };
  const table = (label: string): TableRegister => {
    const [base = 0, limit = 0] = numbersAfter(label, 2);
    return { base, limit };
  };
  return {
    eax: word('EAX'),
    ecx: word('ECX'),
    edx: word('EDX'),
    ebx: word('EBX'),
    esp: word('ESP'),
    ebp: word('EBP'),
    esi: word('ESI'),
    edi: word('EDI'),
    eip: word('EIP'),
    eflags: word('EFL'),
    cr0: word('CR0'),
    cr2: word('CR2'),
    cr3: word('CR3'),
    cr4: word('CR4'),
    es: segment('ES'),
    cs: segment('CS'),
    ss: segment('SS'),
    ds: segment('DS'),
    fs: segment('FS'),
    gs: segment('GS'),
    tr: withBusyTaskRegister(segment('TR')),
    ldtr: segment('LDT'),
    gdtr: table('GDT'),
    idtr: table('IDT'),
  };
}
