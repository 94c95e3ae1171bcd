// SPDX-License-Identifier: GPL-2.0-or-later

/** Memory operands of more than four bytes: those of the x87 and of MMX. They are read and written whole or not at all. */

import type { Cpu } from './cpu.js';
import { checkAccess } from './debugging.js';
import { effectiveAddress, type Instruction } from './instruction.js';
import { PAGE_SIZE } from './memory.js';
import { readLinear, translateWrite, writeLinear } from './paging.js';
import { linearForRead, linearForWrite } from './segmentation.js';

/** Numbers of up to 64 bits are aligned as such, longer ones to 8 bytes, images of the state to the operand size: DBG-16. */
function alignmentOf(size: number, { operandSize }: Instruction): number {
  if (size <= 8) return size;
  return size === EXTENDED_BYTES ? 8 : operandSize;
}

const EXTENDED_BYTES = 10;

/** Linear address of the memory operand, once its segment permits that all its bytes are read: DBG-7, PG-5. */
export function longRead(cpu: Cpu, instruction: Instruction, size: number): number {
  const segment = cpu.segments[instruction.segment];
  const linear = linearForRead(cpu, segment, effectiveAddress(cpu, instruction), size);
  if (cpu.accessChecks !== 0) checkAccess(cpu, linear, size, false, alignmentOf(size, instruction));
  return linear;
}

/** Linear address of the memory operand, once all its bytes may be written, after which no write can fault: PG-9, DBG-7. */
export function longWrite(cpu: Cpu, instruction: Instruction, size: number): number {
  const segment = cpu.segments[instruction.segment];
  const linear = linearForWrite(cpu, segment, effectiveAddress(cpu, instruction), size);
  if (cpu.accessChecks !== 0) checkAccess(cpu, linear, size, true, alignmentOf(size, instruction));
  const user = cpu.cpl === 3;
  translateWrite(cpu, linear, user);
  const last = (linear + size - 1) >>> 0;
  if (linear >>> 12 !== last >>> 12) translateWrite(cpu, (last & -PAGE_SIZE) >>> 0, user);
  return linear;
}

export const readLong32 = (cpu: Cpu, linear: number, offset = 0): number =>
  readLinear(cpu, (linear + offset) >>> 0, 4, cpu.cpl === 3);

export const readLong16 = (cpu: Cpu, linear: number, offset = 0): number =>
  readLinear(cpu, (linear + offset) >>> 0, 2, cpu.cpl === 3);

export const writeLong32 = (cpu: Cpu, linear: number, offset: number, value: number): void =>
  writeLinear(cpu, (linear + offset) >>> 0, value >>> 0, 4, cpu.cpl === 3);

export const writeLong16 = (cpu: Cpu, linear: number, offset: number, value: number): void =>
  writeLinear(cpu, (linear + offset) >>> 0, value & 0xffff, 2, cpu.cpl === 3);
