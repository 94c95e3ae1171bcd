// SPDX-License-Identifier: GPL-2.0-or-later

import type { MemoryRun, ProcessorGiven, SegmentRegister } from '../protocol.js';

/**
 * The machine of the recorded processor vectors, which cases/recorded/README.md describes: descriptor tables, a TSS, a
 * handler that halts for each of 64 vectors. Code runs at 8000h at privilege level 3, data lie from A000h on.
 */

export const CODE = 0x8000;
/** A page of data that is given, and two that a program stores its results in. */
export const INPUT = 0xa000;
export const OUTPUT = 0xb000;
/** HLT, which raises #GP(0) at privilege level 3 and so ends every program. */
export const HLT = 0xf4;

const MEMORY_SIZE = 0x20000;
const GDT = 0x1000;
const LDT = 0x1400;
const IDT = 0x1800;
const TSS = 0x2000;
const HANDLERS = 0x3000;
const HANDLER_BYTES = 4;
const VECTORS = 64;
const STACK_0 = 0x5000;
const STACK_3 = 0xe000;

const SELECTOR = { code0: 0x08, data0: 0x10, tss: 0x18, code3: 0x23, data3: 0x2b, ldt: 0x40 };
/** Vectors whose gates a program may use: INT3 and INTO. */
const OPEN_GATES = [3, 4];

/** Little-endian double words as hex digits. */
export function dwords(...values: number[]): string {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => {
    bytes.writeUInt32LE(value >>> 0, 4 * i);
  });
  return bytes.toString('hex');
}

const flat = (access: number): [number, number] => [0x0000ffff, 0x00cf0000 | (access << 8)];

function tables(): MemoryRun[] {
  const gates = Array.from({ length: VECTORS }, (_, vector) => [
    (SELECTOR.code0 << 16) | (HANDLERS + HANDLER_BYTES * vector),
    OPEN_GATES.includes(vector) ? 0xee00 : 0x8e00,
  ]).flat();
  const descriptors = [
    [0, 0],
    flat(0x9b),
    flat(0x93),
    [(TSS << 16) | 0x67, 0x8b00],
    flat(0xfb),
    flat(0xf3),
    flat(0xbb),
    flat(0xb3),
    [(LDT << 16) | 0x3f, 0x8200],
  ].flat();
  return [
    { at: GDT, hex: dwords(...descriptors) },
    { at: IDT, hex: dwords(...gates) },
    { at: TSS + 4, hex: dwords(STACK_0, SELECTOR.data0) },
    { at: TSS + 0x64, hex: dwords(0x00680000) },
    { at: HANDLERS, hex: 'f4'.repeat(HANDLER_BYTES * VECTORS) },
  ];
}

const segment = (selector: number, access: number): SegmentRegister => ({
  selector,
  base: 0,
  limit: 0xffffffff,
  attributes: 0xc000 | access,
});

const NO_SEGMENT: SegmentRegister = { selector: 0, base: 0, limit: 0, attributes: 0 };

/** CR0 with PE, ET and NE: x87 errors raise #MF. */
const CR0 = 0x31;

/** The machine before a program runs: its code, and the data it finds. */
export function machine(code: readonly number[], data: readonly MemoryRun[]): ProcessorGiven {
  const data3 = segment(SELECTOR.data3, 0xf3);
  return {
    memory_size: MEMORY_SIZE,
    memory: [...tables(), { at: CODE, hex: Buffer.from(code).toString('hex') }, ...data],
    registers: {
      ...{ eax: 0, ecx: 0, edx: 0, ebx: 0, esp: STACK_3, ebp: 0, esi: 0, edi: 0, eip: CODE, eflags: 0x202 },
      ...{ cr0: CR0, cr2: 0, cr3: 0, cr4: 0, sysenter_cs: 0, sysenter_esp: 0, sysenter_eip: 0 },
      ...{ cs: segment(SELECTOR.code3, 0xfb), ss: data3, ds: data3, es: data3 },
      ...{ fs: NO_SEGMENT, gs: NO_SEGMENT },
      tr: { selector: SELECTOR.tss, base: TSS, limit: 0x67, attributes: 0x8b },
      ldtr: { selector: SELECTOR.ldt, base: LDT, limit: 0x3f, attributes: 0x82 },
      gdtr: { base: GDT, limit: 0xff },
      idtr: { base: IDT, limit: 8 * VECTORS - 1 },
    },
    io: [],
  };
}

/** The vector whose handler has halted with this EIP. */
export const vectorAtEnd = (eip: number): number => (eip - 1 - HANDLERS) / HANDLER_BYTES;
