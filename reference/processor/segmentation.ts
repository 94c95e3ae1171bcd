// SPDX-License-Identifier: GPL-2.0-or-later

/** Access to memory through a segment: type and limit first, then the page (SEG-8). */

import type { Cpu, Segment } from './cpu.js';
import { checkAccess } from './debugging.js';
import { type Fault, generalProtection, stackFault } from './exceptions.js';
import { prepareWrite, readLinear, writePrepared } from './paging.js';
import type { OperandSize } from './sizes.js';

/** The fault of an access that the segment does not permit: SEG-2, SEG-5. */
const segmentFault = (cpu: Cpu, segment: Segment): Fault =>
  segment === cpu.ss ? stackFault(0) : generalProtection(0);

/** Whether all bytes lie inside the segment (SEG-2, SEG-3); an access that runs past FFFFFFFFh does not. */
export function insideLimit(segment: Segment, offset: number, size: number): boolean {
  return offset >= segment.first && offset + size - 1 <= segment.last;
}

/** Linear address of a read of `size` bytes: SEG-1, SEG-4. */
export function linearForRead(cpu: Cpu, segment: Segment, offset: number, size: number): number {
  if (!segment.readable || !insideLimit(segment, offset, size)) throw segmentFault(cpu, segment);
  return (segment.base + offset) >>> 0;
}

/** Linear address of a write of `size` bytes: SEG-1, SEG-4. */
export function linearForWrite(cpu: Cpu, segment: Segment, offset: number, size: number): number {
  if (!segment.writable || !insideLimit(segment, offset, size)) throw segmentFault(cpu, segment);
  return (segment.base + offset) >>> 0;
}

export function readSegment(cpu: Cpu, segment: Segment, offset: number, size: OperandSize): number {
  const linear = linearForRead(cpu, segment, offset, size);
  if (cpu.accessChecks !== 0) checkAccess(cpu, linear, size, false);
  return readLinear(cpu, linear, size, cpu.cpl === 3);
}

/** The first half of a write: all its checks. `writePrepared` is the second and cannot fail. */
export function prepareSegmentWrite(cpu: Cpu, segment: Segment, offset: number, size: OperandSize): void {
  const linear = linearForWrite(cpu, segment, offset, size);
  if (cpu.accessChecks !== 0) checkAccess(cpu, linear, size, true);
  prepareWrite(cpu, linear, size, cpu.cpl === 3);
}

export function writeSegment(
  cpu: Cpu,
  segment: Segment,
  offset: number,
  value: number,
  size: OperandSize,
): void {
  prepareSegmentWrite(cpu, segment, offset, size);
  writePrepared(cpu, value, size);
}
