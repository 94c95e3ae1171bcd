// SPDX-License-Identifier: GPL-2.0-or-later

import { type Data, type DataMap, isMap } from '../cases/case.js';
import { memoryRun, memoryRuns } from '../cases/memory.js';
import {
  CONTROL_REGISTERS,
  GENERAL_REGISTERS,
  type PortValue,
  type ProcessorGiven,
  type ProcessorRegisters,
  SEGMENT_REGISTERS,
  SYSENTER_REGISTERS,
  type TableRegister,
} from '../protocol.js';
import { expandSegment, NULL_SEGMENT, type Tables } from './descriptors.js';
import { MemoryImage } from './image.js';

export const DEFAULT_MEMORY_SIZE = 0x20000;

/** Protected mode, numeric extension as after reset. */
const DEFAULT_CR0 = 0x11;
/** Bit 1 of EFLAGS is always set. */
const DEFAULT_EFLAGS = 0x2;

const WORDS = [...GENERAL_REGISTERS, 'eip', 'eflags', ...CONTROL_REGISTERS, ...SYSENTER_REGISTERS] as const;

/** The machine of a case as it is sent: every register, memory in runs. */
export function processorGiven(given: DataMap): ProcessorGiven {
  const memory = memoryRuns(given.memory);
  if (given.code !== undefined) memory.push(memoryRun(given.code));
  const registers = isMap(given.registers) ? given.registers : {};
  return {
    memory_size: typeof given.memory_size === 'number' ? given.memory_size : DEFAULT_MEMORY_SIZE,
    memory,
    registers: expandRegisters(resetRegisters(), registers, () => MemoryImage.of(memory)),
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
  memory: () => MemoryImage,
): ProcessorRegisters {
  const result = { ...base };
  for (const name of WORDS) result[name] = wordOr(over[name], base[name]);
  result.gdtr = tableRegister(over.gdtr, base.gdtr);
  result.idtr = tableRegister(over.idtr, base.idtr);
  const tables: Tables = result;
  let image: MemoryImage | undefined;
  for (const name of ['ldtr', ...SEGMENT_REGISTERS.filter((segment) => segment !== 'ldtr')] as const) {
    const value = over[name];
    if (value === undefined) continue;
    image ??= isWhole(value) ? undefined : memory();
    result[name] = expandSegment(name, value, tables, image ?? NO_MEMORY);
  }
  return result;
}

const NO_MEMORY = new MemoryImage();

/** A segment register that needs no look-up. */
function isWhole(value: Data): boolean {
  return (
    isMap(value) && value.base !== undefined && value.limit !== undefined && value.attributes !== undefined
  );
}

function wordOr(value: Data | undefined, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

function tableRegister(value: Data | undefined, otherwise: TableRegister): TableRegister {
  if (!isMap(value)) return { ...otherwise };
  return { base: wordOr(value.base, otherwise.base), limit: wordOr(value.limit, otherwise.limit) };
}
