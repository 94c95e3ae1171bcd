// SPDX-License-Identifier: GPL-2.0-or-later

import type { ProcessorRegisters, SegmentName, WordRegister } from '../../protocol.js';
import { readRegisters } from '../registers.js';
import { withBusyTaskRegister } from './state-save.js';

/**
 * Reads the text of the monitor's command `info registers`: `EAX=00000000 ...`, segment registers as `CS =0008 base limit
 * flags`, tables as `GDT= base limit`; all numbers in hexadecimal.
 *
 * @param given has the SYSENTER registers, which are not shown
 */
export function parseRegisterDump(text: string, given: ProcessorRegisters): ProcessorRegisters {
  const numbersAfter = (label: string, count: number): number[] => {
    const match = new RegExp(`(?:^|\\s)${label} *=((?: *[0-9a-f]+){${count}})`).exec(text)?.[1];
    if (match === undefined) throw new Error(`QEMU's register dump has no ${label}: ${text}`);
    return match
      .trim()
      .split(/ +/)
      .map((digits) => Number.parseInt(digits, 16));
  };
  return readRegisters({
    word: (name) => (isShown(name) ? (numbersAfter(wordLabel(name), 1)[0] ?? 0) : given[name]),
    segment: (name) => {
      const [selector = 0, base = 0, limit = 0, flags = 0] = numbersAfter(segmentLabel(name), 4);
      const segment = { selector, base, limit, attributes: (flags >>> 8) & 0xf0ff };
      return name === 'tr' ? withBusyTaskRegister(segment) : segment;
    },
    table: (name) => {
      const [base = 0, limit = 0] = numbersAfter(name === 'gdtr' ? 'GDT' : 'IDT', 2);
      return { base, limit };
    },
  });
}

const isShown = (name: WordRegister): boolean => !name.startsWith('sysenter_');
const wordLabel = (name: WordRegister): string => (name === 'eflags' ? 'EFL' : name.toUpperCase());
const segmentLabel = (name: SegmentName): string => (name === 'ldtr' ? 'LDT' : name.toUpperCase());
