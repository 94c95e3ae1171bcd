// SPDX-License-Identifier: GPL-2.0-or-later

/** Descriptors in the GDT and LDT, and the loading of segment registers: chapter 02, from SEG-9 on. */

import { Attribute, type Cpu, LDTR, Segment, SS, SystemType } from './cpu.js';
import { type Fault, generalProtection, segmentNotPresent, stackFault } from './exceptions.js';
import { has8086Segments, load8086Segment } from './modes.js';
import { readSystem, writeSystem } from './paging.js';

/** Makes the fault for a selector; which one depends on who reads the descriptor. */
export type SelectorFault = (selector: number) => Fault;

export const rplOf = (selector: number) => selector & 3;
export const isNull = (selector: number) => (selector & 0xfffc) === 0;

/** A descriptor as read from a table: what a segment register would hold, and where it is. */
export class Descriptor extends Segment {
  /** Linear address of its first byte. */
  address = 0;
  /** Its two words, for gates. */
  low = 0;
  high = 0;

  /** Gates: where the transfer goes. */
  get gateSelector(): number {
    return this.low >>> 16;
  }

  /** Gates: 16-bit gates have no upper half. */
  get gateOffset(): number {
    const low = this.low & 0xffff;
    return this.gateIs32 ? ((this.high & 0xffff0000) | low) >>> 0 : low;
  }

  get gateIs32(): boolean {
    return (this.type & 8) !== 0;
  }

  /** Call gates: how many words (of the gate's size) are copied to the inner stack. */
  get gateParameters(): number {
    return this.high & 31;
  }

  get isSystem(): boolean {
    return (this.attributes & Attribute.codeOrData) === 0;
  }

  get isDataOrReadableCode(): boolean {
    if (this.isSystem) return false;
    return !this.isCode || (this.attributes & Attribute.writableOrReadable) !== 0;
  }
}

/** Linear address of a selector's descriptor, or undefined when it lies beyond its table: SEG-10. */
function descriptorAddress(cpu: Cpu, selector: number): number | undefined {
  const table = (selector & 4) !== 0 ? cpu.ldtr : cpu.gdtr; // of a null LDTR the limit is 0
  const offset = selector & 0xfff8;
  return offset + 7 <= table.limit ? (table.base + offset) >>> 0 : undefined;
}

/** Takes a descriptor's two words apart. */
export function parseDescriptor(selector: number, address: number, low: number, high: number): Descriptor {
  const descriptor = new Descriptor();
  const base = ((low >>> 16) | ((high & 0xff) << 16) | (high & 0xff000000)) >>> 0;
  const attributes = (high >>> 8) & 0xf0ff;
  const rawLimit = (low & 0xffff) | (high & 0x000f0000);
  const limit = (attributes & Attribute.granularity) !== 0 ? ((rawLimit << 12) | 0xfff) >>> 0 : rawLimit;
  descriptor.set(selector, base, limit, attributes);
  descriptor.address = address;
  descriptor.low = low;
  descriptor.high = high;
  return descriptor;
}

/** Reads a descriptor; undefined when it lies beyond its table. */
export function findDescriptor(cpu: Cpu, selector: number): Descriptor | undefined {
  const address = descriptorAddress(cpu, selector);
  if (address === undefined) return undefined;
  return parseDescriptor(selector, address, readSystem(cpu, address, 4), readSystem(cpu, address + 4, 4));
}

/** Reads a descriptor, or faults with its selector when it lies beyond its table. */
export function readDescriptor(
  cpu: Cpu,
  selector: number,
  fault: SelectorFault = generalProtection,
): Descriptor {
  const descriptor = findDescriptor(cpu, selector);
  if (descriptor === undefined) throw fault(selector);
  return descriptor;
}

/** Sets the accessed bit, in memory too when it was clear: SEG-16. */
export function markAccessed(cpu: Cpu, descriptor: Descriptor): void {
  if ((descriptor.attributes & Attribute.accessed) !== 0) return;
  descriptor.attributes |= Attribute.accessed;
  descriptor.high |= Attribute.accessed << 8;
  writeSystem(cpu, descriptor.address + 5, (descriptor.high >>> 8) & 0xff, 1);
}

/** Loads ES, SS, DS, FS or GS as MOV, POP and LxS do. */
export function loadSegmentRegister(cpu: Cpu, index: number, selector: number): void {
  if (has8086Segments(cpu)) load8086Segment(cpu, index, selector);
  else if (index === SS) loadStackSegment(cpu, selector);
  else loadDataSegment(cpu, index, selector);
}

/** @param fault for every flaw except "not present", which is always #NP */
export function loadDataSegment(
  cpu: Cpu,
  index: number,
  selector: number,
  fault: SelectorFault = generalProtection,
): void {
  if (isNull(selector)) {
    cpu.segments[index].setNull(selector); // SEG-9
    return;
  }
  const descriptor = readDescriptor(cpu, selector, fault);
  // SEG-11
  if (!descriptor.isDataOrReadableCode) throw fault(selector);
  const outranked = descriptor.dpl < Math.max(cpu.cpl, rplOf(selector));
  if (outranked && !descriptor.isConforming) throw fault(selector);
  if (!descriptor.present) throw segmentNotPresent(selector); // SEG-13
  markAccessed(cpu, descriptor);
  cpu.segments[index].copyFrom(descriptor);
}

function loadStackSegment(cpu: Cpu, selector: number): void {
  const descriptor = checkStackSegment(cpu, selector, cpu.cpl, generalProtection);
  markAccessed(cpu, descriptor);
  cpu.ss.copyFrom(descriptor);
}

/**
 * Reads a stack segment for privilege level `level` and checks all but its limit. `fault` is for every flaw except
 * "not present", which is always #SS.
 */
export function checkStackSegment(
  cpu: Cpu,
  selector: number,
  level: number,
  fault: SelectorFault,
): Descriptor {
  if (isNull(selector)) throw fault(0); // SEG-9, GATE-19
  const descriptor = readDescriptor(cpu, selector, fault);
  // SEG-12
  if (rplOf(selector) !== level || descriptor.dpl !== level || !descriptor.isWritableData) {
    throw fault(selector);
  }
  if (!descriptor.present) throw stackFault(selector); // SEG-13
  return descriptor;
}

/** After a return to an outer level: data segments that the new level could not have loaded become null: GATE-20. */
export function dropInnerDataSegments(cpu: Cpu): void {
  for (const segment of [cpu.es, cpu.ds, cpu.fs, cpu.gs]) {
    if (!segment.isConforming && segment.dpl < cpu.cpl) segment.setNull(0);
  }
}

/** LLDT (SYS-8). A null selector leaves the processor without an LDT. */
export function loadLocalDescriptorTable(cpu: Cpu, selector: number): void {
  if (isNull(selector)) {
    cpu.segments[LDTR].setNull(selector);
    return;
  }
  if ((selector & 4) !== 0) throw generalProtection(selector);
  const descriptor = readDescriptor(cpu, selector);
  if (!descriptor.isSystem || descriptor.type !== SystemType.ldt) throw generalProtection(selector);
  if (!descriptor.present) throw segmentNotPresent(selector);
  cpu.ldtr.copyFrom(descriptor);
}

/** LTR (SYS-9): the descriptor must be an available TSS and becomes a busy one. */
export function loadTaskRegister(cpu: Cpu, selector: number): void {
  if (isNull(selector)) throw generalProtection(0);
  if ((selector & 4) !== 0) throw generalProtection(selector);
  const descriptor = readDescriptor(cpu, selector);
  const available = descriptor.type === SystemType.tss16 || descriptor.type === SystemType.tss32;
  if (!descriptor.isSystem || !available) throw generalProtection(selector);
  if (!descriptor.present) throw segmentNotPresent(selector);
  const BUSY = 2;
  descriptor.high |= BUSY << 8;
  writeSystem(cpu, descriptor.address + 5, (descriptor.high >>> 8) & 0xff, 1);
  cpu.tr.set(selector, descriptor.base, descriptor.limit, descriptor.attributes | BUSY);
}
