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
  SYSENTER_REGISTERS,
  type TableRegister,
} from '../protocol.js';
import { expandSegment, NULL_SEGMENT, type Tables } from './descriptors.js';
import { type ReadableMemory, RunMemory } from './image.js';

export const DEFAULT_MEMORY_SIZE = 0x20000;

/** Protected mode, numeric extension as after reset. */
const DEFAULT_CR0 = 0x11;
/** Bit 1 of EFLAGS is always set. */
const DEFAULT_EFLAGS = 0x2;

const WORDS = [...GENERAL_REGISTERS, 'eip', 'eflags', ...CONTROL_REGISTERS, ...SYSENTER_REGISTERS] as const;

/** The machine of a case as it is sent: every register, memory in runs. */
export function processorGiven(given: DataMap): ProcessorGiven {
  const memory = runsOf(given.memory).slice();
  if (given.code !== undefined) memory.push(memoryRun(given.code));
  const registers = isMap(given.registers) ? given.registers : {};
  return {
    memory_size: typeof given.memory_size === 'number' ? given.memory_size : DEFAULT_MEMORY_SIZE,
    memory,
    registers: expandRegisters(resetRegisters(), registers, new RunMemory(memory)),
    io: Array.isArray(given.io) ? given.io.filter(isMap).map(portValue) : [],
  };
}

function resetRegisters(): ProcessorRegisters {
  const words = Object.fromEntries(WORDS.map((name) => [name, 0]));
  const segments = Object.fromEntries(SEGMENT_REGISTERS.map((name) => [name, { ...NULL_SEGMENT }]));
  return {
    ...words,
    ...segments,
    cr0: DEFAULT_CR0,
    eflags: DEFAULT_EFLAGS,
    gdtr: { base: 0, limit: 0 },
    idtr: { base: 0, limit: 0 },
  } as ProcessorRegisters;
}

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
  for (const name of WORDS) result[name] = wordOr(over[name], base[name]);
  result.gdtr = tableRegister(over.gdtr, base.gdtr);
  result.idtr = tableRegister(over.idtr, base.idtr);
  const tables: Tables = result;
  for (const name of ['ldtr', ...SEGMENT_REGISTERS.filter((segment) => segment !== 'ldtr')] as const) {
    const value = over[name];
    if (value === undefined) continue;
    result[name] = expandSegment(name, value, tables, memory);
  }
  return result;
}

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
