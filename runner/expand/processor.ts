// SPDX-License-Identifier: GPL-2.0-or-later

import { type Data, type DataMap, isMap } from '../cases/case.js';
import { memoryRun } from '../cases/memory.js';
import {
  CONTROL_REGISTERS,
  GENERAL_REGISTERS,
  type MemoryRun,
  type PortValue,
  type ProcessorGiven,
  type ProcessorRegisters,
  SEGMENT_REGISTERS,
  type SegmentRegister,
  SYSENTER_REGISTERS,
  type TableRegister,
} from '../protocol.js';
import { expandSegment, NULL_SEGMENT, type Tables } from './descriptors.js';
import { MemoryImage, type ReadableMemory } from './image.js';

export const DEFAULT_MEMORY_SIZE = 0x20000;

/** Protected mode, numeric extension as after reset. */
const DEFAULT_CR0 = 0x11;
/** Bit 1 of EFLAGS is always set. */
const DEFAULT_EFLAGS = 0x2;

const WORDS = [...GENERAL_REGISTERS, 'eip', 'eflags', ...CONTROL_REGISTERS, ...SYSENTER_REGISTERS] as const;
const WORD_NAMES: ReadonlySet<string> = new Set(WORDS);

function isWord(name: string): name is (typeof WORDS)[number] {
  return WORD_NAMES.has(name);
}

/** The machine of a case as it is sent: every register, memory in runs. */
export function processorGiven(given: DataMap): ProcessorGiven {
  const memory = runsOf(given.memory).slice();
  if (given.code !== undefined) memory.push(memoryRun(given.code));
  const registers = isMap(given.registers) ? given.registers : {};
  return {
    ...(typeof given.model === 'string' ? { model: given.model } : {}),
    memory_size: typeof given.memory_size === 'number' ? given.memory_size : DEFAULT_MEMORY_SIZE,
    memory,
    registers: expandRegisters(RESET, registers, MemoryImage.of(memory)),
    io: Array.isArray(given.io) ? given.io.filter(isMap).map(portValue) : [],
  };
}

const NO_TABLE: TableRegister = { base: 0, limit: 0 };

/** What a register that no level of a case names holds. */
const RESET: ProcessorRegisters = {
  ...{ eax: 0, ecx: 0, edx: 0, ebx: 0, esp: 0, ebp: 0, esi: 0, edi: 0, eip: 0, eflags: DEFAULT_EFLAGS },
  ...{ cr0: DEFAULT_CR0, cr2: 0, cr3: 0, cr4: 0, sysenter_cs: 0, sysenter_esp: 0, sysenter_eip: 0 },
  ...{ es: NULL_SEGMENT, cs: NULL_SEGMENT, ss: NULL_SEGMENT, ds: NULL_SEGMENT },
  ...{ fs: NULL_SEGMENT, gs: NULL_SEGMENT, tr: NULL_SEGMENT, ldtr: NULL_SEGMENT },
  gdtr: NO_TABLE,
  idtr: NO_TABLE,
};

function portValue(item: DataMap): PortValue {
  return { port: Number(item.port), size: Number(item.size) as PortValue['size'], value: Number(item.value) };
}

/**
 * Puts the registers that a case names over others. Segment registers in short form are looked up in the descriptor
 * tables that the resulting GDTR, LDTR and page tables lead to.
 */
export function expandRegisters(
  base: ProcessorRegisters,
  over: DataMap,
  memory: ReadableMemory,
): ProcessorRegisters {
  const result = { ...base };
  for (const name in over) if (isWord(name)) result[name] = wordOr(over[name], base[name]);
  if (over.gdtr !== undefined) result.gdtr = tableRegister(over.gdtr, base.gdtr);
  if (over.idtr !== undefined) result.idtr = tableRegister(over.idtr, base.idtr);
  const tables: Tables = result;
  const known = new Map<Data, SegmentRegister>();
  for (const name of LDTR_FIRST) {
    const value = over[name];
    if (value === undefined) continue;
    // Most segment registers hold the same selector, and TR alone is not like the others.
    const segment = known.get(value) ?? expandSegment(name, value, tables, memory);
    if (name !== 'tr' && typeof value === 'number') known.set(value, segment);
    result[name] = segment;
  }
  return result;
}

/** Selectors of the LDT need LDTR. */
const LDTR_FIRST = ['ldtr', ...SEGMENT_REGISTERS.filter((segment) => segment !== 'ldtr')] as const;

/** The runs of a `memory` key: the loader has brought all item forms into this one. */
export function runsOf(value: Data | undefined): readonly MemoryRun[] {
  return (Array.isArray(value) ? value : []) as unknown as MemoryRun[];
}

function wordOr(value: Data | undefined, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

function tableRegister(value: Data | undefined, otherwise: TableRegister): TableRegister {
  if (!isMap(value)) return { ...otherwise };
  return { base: wordOr(value.base, otherwise.base), limit: wordOr(value.limit, otherwise.limit) };
}
