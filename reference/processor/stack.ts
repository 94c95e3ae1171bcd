// SPDX-License-Identifier: GPL-2.0-or-later

/** The stack: PUSH and POP, and frames that are written before the stack pointer moves. */

import { type Cpu, ESP, type Segment } from './cpu.js';
import { checkAccess } from './debugging.js';
import { type Fault, stackFault } from './exceptions.js';
import { prepareWrite, writeSystem } from './paging.js';
import { insideLimit, readSegment, writeSegment } from './segmentation.js';
import type { OperandSize } from './sizes.js';

/** The bits of ESP that a stack segment uses: SEG-7. */
export const stackMask = (segment: Segment) => (segment.big ? 0xffffffff : 0xffff);

/** Sets ESP, or with a 16-bit stack only SP. */
export function setStackPointer(cpu: Cpu, value: number): void {
  const mask = stackMask(cpu.ss);
  cpu.general[ESP] = (cpu.general[ESP] & ~mask) | (value & mask);
}

/** The offset `distance` bytes above the stack pointer. */
export function stackOffset(cpu: Cpu, distance: number): number {
  return ((cpu.general[ESP] + distance) & stackMask(cpu.ss)) >>> 0;
}

export function push(cpu: Cpu, value: number, size: OperandSize): void {
  const offset = stackOffset(cpu, -size);
  writeSegment(cpu, cpu.ss, offset, value, size);
  setStackPointer(cpu, offset);
}

export function pop(cpu: Cpu, size: OperandSize): number {
  const value = peek(cpu, 0, size);
  setStackPointer(cpu, stackOffset(cpu, size));
  return value;
}

/** Reads `distance` bytes above the stack pointer and moves nothing. */
export function peek(cpu: Cpu, distance: number, size: OperandSize): number {
  return readSegment(cpu, cpu.ss, stackOffset(cpu, distance), size);
}

/**
 * A frame that a gate or far call builds. The values go to memory one by one; the stack pointer of the processor
 * moves only when the whole transfer has been found good.
 */
export class StackFrame {
  private offset: number;
  private readonly mask: number;

  /**
   * @param level privilege level of the stack, which decides about pages
   * @param size of each value
   */
  constructor(
    private readonly cpu: Cpu,
    private readonly segment: Segment,
    pointer: number,
    private readonly level: number,
    private readonly size: 2 | 4,
  ) {
    this.offset = pointer >>> 0;
    this.mask = stackMask(segment);
  }

  /** Faults unless `count` values fit into the segment. Looks at the limit only. */
  require(count: number, fault: Fault = stackFault(0)): void {
    for (let i = 1; i <= count; i++) {
      const offset = ((this.offset - i * this.size) & this.mask) >>> 0;
      if (!this.segment.writable || !insideLimit(this.segment, offset, this.size)) throw fault;
    }
  }

  /** Faults unless `count` values can be written to their pages; after this `push` cannot fault. */
  requirePages(count: number): void {
    for (let i = 1; i <= count; i++) {
      const offset = ((this.offset - i * this.size) & this.mask) >>> 0;
      const linear = (this.segment.base + offset) >>> 0;
      if (this.level === this.cpu.cpl) checkAccess(this.cpu, linear, this.size, true);
      prepareWrite(this.cpu, linear, this.size, this.level === 3);
    }
  }

  push(value: number): void {
    const offset = ((this.offset - this.size) & this.mask) >>> 0;
    writeSystem(this.cpu, this.segment.base + offset, value, this.size); // the level's rights have been checked
    this.offset = ((this.offset & ~this.mask) | offset) >>> 0;
  }

  /** What the stack pointer becomes. */
  get pointer(): number {
    return this.offset;
  }
}

/** Reads call gate parameters from the outer stack; all must lie inside it. */
export function readParameters(cpu: Cpu, count: number, size: 2 | 4): number[] {
  const parameters: number[] = [];
  for (let i = 0; i < count; i++) parameters.push(peek(cpu, i * size, size));
  return parameters;
}
