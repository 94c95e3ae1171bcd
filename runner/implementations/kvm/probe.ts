// SPDX-License-Identifier: GPL-2.0-or-later

import { messageOf } from '../../message-of.js';
import type { MemoryRun, ProcessorRegisters, SegmentRegister } from '../../protocol.js';
import type { MachineCase } from '../bare-machine.js';
import { CannotStart } from '../implementation.js';
import type { MachineReply } from '../machine-wire.js';

const GDT = 0x1000;
const IDT = 0x1800;
const TSS = 0x2000;
const HANDLERS = 0x3000;
const CODE = 0x8000;
const PAGE_DIRECTORY = 0x1_0000;
const STACK_0 = 0x5000;
const STACK_3 = 0xd000;
const VECTORS = 64;
const MEMORY_BYTES = 0x2_0000;
const INSTRUCTIONS = 100;

const PE = 1;
const ET = 0x10;
const PG = 0x8000_0000;
const PSE = 0x10;
/** A page directory entry: 4 MiB from 0 on, for everybody. */
const LARGE_PAGE = 0xe7;
const INT_30 = 0x30;

/**
 * On some machines KVM is software that interprets guest code, and not well. What a processor is needed for tells it apart:
 * INT n from level 3 must reach its handler, and code must run with paging on. Throws `CannotStart` when it does not.
 */
export async function probe(
  ask: (given: MachineCase) => Promise<Pick<MachineReply, 'status' | 'registers'>>,
): Promise<void> {
  for (const [what, given, eip] of PROBES) {
    const found = await ask(given).then(
      ({ status, registers }) => endOf(status, registers.eip),
      (error: unknown) => messageOf(error),
    );
    const due = endOf('hlt', eip);
    if (found === due) continue;
    throw new CannotStart(
      `KVM does not run guest code on the processor here, it interprets it, and wrongly: ${what} ended in ${found}, not in ${due}`,
      'use a machine with hardware virtualization, or --impl bochs, which needs none',
    );
  }
}

const endOf = (stop: string, eip: number): string => `${stop} at ${eip.toString(16)}h`;

const handlerEnd = (vector: number): number => HANDLERS + 4 * vector + 1;

const dwords = (at: number, ...values: number[]): MemoryRun => {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value >>> 0, 4 * index);
  return { at, hex: bytes.toString('hex') };
};

const FLAT = { base: 0, limit: 0xffff_ffff };
const CODE_0 = { selector: 0x08, ...FLAT, attributes: 0xc09b };
const DATA_0 = { selector: 0x10, ...FLAT, attributes: 0xc093 };
const CODE_3 = { selector: 0x23, ...FLAT, attributes: 0xc0fb };
const DATA_3 = { selector: 0x2b, ...FLAT, attributes: 0xc0f3 };
const NONE: SegmentRegister = { selector: 0, base: 0, limit: 0, attributes: 0 };

const TABLES: MemoryRun[] = [
  dwords(GDT + 0x08, 0x0000ffff, 0x00cf9b00, 0x0000ffff, 0x00cf9300, 0x20000067, 0x00008b00),
  dwords(GDT + 0x20, 0x0000ffff, 0x00cffb00, 0x0000ffff, 0x00cff300),
  ...Array.from({ length: VECTORS }, (_, vector) =>
    dwords(IDT + 8 * vector, 0x80000 | (HANDLERS + 4 * vector), 0xee00),
  ),
  dwords(TSS + 4, STACK_0, 0x10),
  { at: HANDLERS, hex: 'f4'.repeat(4 * VECTORS) },
  dwords(PAGE_DIRECTORY, LARGE_PAGE),
];

function machine(hex: string, level: 0 | 3, control: { cr0: number; cr3: number; cr4: number }): MachineCase {
  const data = level === 0 ? DATA_0 : DATA_3;
  const registers: ProcessorRegisters = {
    ...{ eax: 0, ecx: 0, edx: 0, ebx: 0, ebp: 0, esi: 0, edi: 0 },
    ...{ esp: level === 0 ? STACK_0 : STACK_3, eip: CODE, eflags: 2, cr2: 0, ...control },
    ...{ sysenter_cs: 0, sysenter_esp: 0, sysenter_eip: 0 },
    ...{ es: data, cs: level === 0 ? CODE_0 : CODE_3, ss: data, ds: data, fs: NONE, gs: NONE },
    tr: { selector: 0x18, base: TSS, limit: 0x67, attributes: 0x8b },
    ldtr: NONE,
    gdtr: { base: GDT, limit: 0x2f },
    idtr: { base: IDT, limit: 8 * VECTORS - 1 },
  };
  return {
    registers,
    memorySize: MEMORY_BYTES,
    memory: [...TABLES, { at: CODE, hex }],
    io: [],
    steps: [INSTRUCTIONS],
    observed: [],
  };
}

const WITHOUT_PAGING = { cr0: PE | ET, cr3: 0, cr4: 0 };
const WITH_PAGING = { cr0: (PG | PE | ET) >>> 0, cr3: PAGE_DIRECTORY, cr4: PSE };

/** What is tried, the machine, and where it must halt. */
const PROBES: readonly (readonly [string, MachineCase, number])[] = [
  ['INT 30h from privilege level 3', machine('cd30', 3, WITHOUT_PAGING), handlerEnd(INT_30)],
  ['NOP and HLT with paging on', machine('90f4', 0, WITH_PAGING), CODE + 2],
];
