// SPDX-License-Identifier: GPL-2.0-or-later

/** What the processor reads from the current task state segment. */

import { type Cpu, SystemType } from './cpu.js';
import { checkStackSegment, type Descriptor } from './descriptors.js';
import { generalProtection, invalidTss } from './exceptions.js';
import { ioPrivilegeLevel } from './flags.js';
import { inVirtual8086Mode } from './modes.js';
import { readSystem } from './paging.js';

/** Offset of the I/O map's own offset in a 32-bit TSS. */
const IO_MAP_BASE = 102;

const isTss32 = (cpu: Cpu) => (cpu.tr.type & ~2) === SystemType.tss32;

/** The stack for an inner level (GATE-5), checked as GATE-11 says up to "present"; its limit is checked with the frame. */
export function innerStack(cpu: Cpu, level: number): { segment: Descriptor; pointer: number } {
  const { tr } = cpu;
  const size = isTss32(cpu) ? 4 : 2;
  const pointerAt = size + level * 2 * size;
  const selectorAt = pointerAt + size;
  if (selectorAt + size - 1 > tr.limit) throw invalidTss(tr.selector);
  const pointer = readSystem(cpu, tr.base + pointerAt, size);
  const selector = readSystem(cpu, tr.base + selectorAt, 2);
  return { segment: checkStackSegment(cpu, selector, level, invalidTss), pointer };
}

/** Offset of the I/O map in the TSS, which must have one: IO-2. */
export function ioMapBase(cpu: Cpu): number {
  const { tr } = cpu;
  if (!isTss32(cpu) || tr.limit < IO_MAP_BASE + 1) throw generalProtection(0);
  return readSystem(cpu, tr.base + IO_MAP_BASE, 2);
}

/** Faults unless IOPL, or else the I/O map of a 32-bit TSS, permits access to these ports (IO-4). Virtual-8086 mode asks the map only: MODE-15. */
export function checkPortAccess(cpu: Cpu, port: number, size: number): void {
  if (cpu.cpl <= ioPrivilegeLevel(cpu) && !inVirtual8086Mode(cpu)) return; // IO-1
  const { tr } = cpu;
  const map = ioMapBase(cpu) + (port >>> 3);
  if (map + 1 > tr.limit) throw generalProtection(0); // IO-3
  const bits = readSystem(cpu, tr.base + map, 2) >>> (port & 7);
  if ((bits & ((1 << size) - 1)) !== 0) throw generalProtection(0);
}
