// SPDX-License-Identifier: GPL-2.0-or-later

import { type Data, type DataMap, isMap } from '../cases/case.js';
import { CaseError } from '../cases/problem.js';
import type { ProcessorRegisters, SegmentName, SegmentRegister } from '../protocol.js';
import type { MemoryImage, ReadableMemory } from './image.js';

/** The part of the registers that finding a descriptor needs. */
export type Tables = Pick<ProcessorRegisters, 'gdtr' | 'ldtr' | 'cr0' | 'cr3' | 'cr4' | 'eflags'>;

export const NULL_SEGMENT: SegmentRegister = { selector: 0, base: 0, limit: 0, attributes: 0 };

/** Accessed bit of a code or data descriptor, and S and type bits, in `attributes`. */
export const ACCESSED = 0x01;
const S_BIT = 0x10;
const TSS_AVAILABLE_OR_BUSY = 0x0d;
const BUSY = 0x02;

/** Linear address of the descriptor that a selector names. */
export function descriptorAddress(selector: number, tables: Tables): number {
  return tableOf(selector, tables).base + (selector & ~7);
}

export function isBeyondTable(selector: number, tables: Tables): boolean {
  return (selector & ~7) + 7 > tableOf(selector, tables).limit;
}

function tableOf(selector: number, tables: Tables) {
  return (selector & 4) !== 0 ? tables.ldtr : tables.gdtr;
}

/**
 * What a processor caches when it loads this selector, read from the tables in memory. Their limits do not matter: a
 * register may have been loaded before its table was cut short.
 */
export function segmentOf(selector: number, tables: Tables, memory: ReadableMemory): SegmentRegister {
  if ((selector & ~3) === 0) return { ...NULL_SEGMENT, selector };
  const address = descriptorAddress(selector, tables);
  const low = readLinear32(address, tables, memory);
  const high = readLinear32(address + 4, tables, memory);
  const base = ((low >>> 16) | ((high & 0xff) << 16) | (high & 0xff000000)) >>> 0;
  const units = (low & 0xffff) | (high & 0x000f0000);
  const granular = (high & 0x00800000) !== 0;
  const limit = granular ? (units * 4096 + 4095) >>> 0 : units;
  return { selector, base, limit, attributes: (high >>> 8) & 0xf0ff };
}

const PE = 0x01;
const VM = 0x20000;

export const isRealMode = (tables: Tables) => (tables.cr0 & PE) === 0;
export const isVirtual8086Mode = (tables: Tables) => (tables.eflags & VM) !== 0;

/** Writable data of the level of the mode. */
const REAL_MODE_ATTRIBUTES = 0x93;
const VIRTUAL_8086_ATTRIBUTES = 0xf3;

/** A segment register as real-address and virtual-8086 mode load it. */
export function segmentOf8086(selector: number, tables: Tables): SegmentRegister {
  const attributes = isRealMode(tables) ? REAL_MODE_ATTRIBUTES : VIRTUAL_8086_ATTRIBUTES;
  return { selector, base: selector << 4, limit: 0xffff, attributes };
}

/** Expands the short forms of a segment register: a selector alone, or a map without the parts to be looked up. */
export function expandSegment(
  name: SegmentName,
  value: Data | undefined,
  tables: Tables,
  memory: ReadableMemory,
): SegmentRegister {
  if (value === undefined) return { ...NULL_SEGMENT };
  const given = isMap(value) ? value : { selector: value };
  const { selector, base, limit, attributes } = given;
  if (typeof base === 'number' && typeof limit === 'number' && typeof attributes === 'number') {
    return { selector: Number(selector ?? 0), base, limit, attributes };
  }
  if (typeof selector !== 'number')
    throw new CaseError(`registers.${name} needs a selector`, ['given', 'registers', name]);
  const isSystem = name === 'tr' || name === 'ldtr';
  const has8086 = !isSystem && (isRealMode(tables) || isVirtual8086Mode(tables));
  const found = has8086 ? segmentOf8086(selector, tables) : segmentOf(selector, tables, memory);
  if (name === 'tr' && found.selector !== 0) found.attributes = loadedTask(found.attributes);
  return { ...found, ...(given as DataMap & Partial<SegmentRegister>) };
}

/** TR never holds an available TSS: loading it made it busy. */
function loadedTask(attributes: number): number {
  const isTask = (attributes & S_BIT) === 0 && (attributes & TSS_AVAILABLE_OR_BUSY & 0x05) === 0x01;
  return isTask ? attributes | BUSY : attributes;
}

// ------------------------------------------------------------------------------------------- linear memory

const PG = 0x80000000;
const PSE = 0x10;
const PAGE_SIZE_BIT = 0x80;
const PRESENT = 0x01;

/** Physical address of a linear one, by the page tables in memory when paging is on; undefined when not present. */
export function translate(linear: number, tables: Tables, memory: ReadableMemory): number | undefined {
  if ((tables.cr0 & PG) === 0) return linear;
  const directoryEntry = memory.read32((tables.cr3 & 0xfffff000) + 4 * (linear >>> 22));
  if ((directoryEntry & PRESENT) === 0) return undefined;
  if ((directoryEntry & PAGE_SIZE_BIT) !== 0 && (tables.cr4 & PSE) !== 0) {
    return ((directoryEntry & 0xffc00000) | (linear & 0x003fffff)) >>> 0;
  }
  const tableEntry = memory.read32((directoryEntry & 0xfffff000) + 4 * ((linear >>> 12) & 0x3ff));
  if ((tableEntry & PRESENT) === 0) return undefined;
  return ((tableEntry & 0xfffff000) | (linear & 0xfff)) >>> 0;
}

export function readLinear32(linear: number, tables: Tables, memory: ReadableMemory): number {
  const crosses = (linear & 0xfff) > 0xffc;
  if (!crosses) return memory.read32(physical(linear, tables, memory));
  let value = 0;
  for (let i = 3; i >= 0; i--) value = value * 256 + memory.read8(physical(linear + i, tables, memory));
  return value;
}

/** Writes a byte; the answer is its physical address. */
export function writeLinear8(linear: number, value: number, tables: Tables, memory: MemoryImage): number {
  const address = physical(linear, tables, memory);
  memory.write8(address, value);
  return address;
}

function physical(linear: number, tables: Tables, memory: ReadableMemory): number {
  const address = translate(linear >>> 0, tables, memory);
  if (address === undefined)
    throw new CaseError(`linear address ${hex(linear)} is not mapped by the given page tables`);
  return address;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
