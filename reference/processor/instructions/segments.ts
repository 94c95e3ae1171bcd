// SPDX-License-Identifier: GPL-2.0-or-later

/** Segment registers and questions about selectors. */

import { type Cpu, CS, GS, SS, SystemType } from '../cpu.js';
import { type Descriptor, findDescriptor, isNull, loadSegmentRegister, rplOf } from '../descriptors.js';
import { invalidOpcode } from '../exceptions.js';
import { setFlag, ZF } from '../flags.js';
import type { Execute } from '../instruction.js';
import { requireProtectedMode } from '../modes.js';
import { readOperand, writeOperand } from '../operands.js';
import { readFarPointer } from './control.js';

/** 16 bits in memory, zero-extended in a register: SEG-15. */
export const movFromSegment: Execute = (cpu, instruction) => {
  if (instruction.reg > GS) throw invalidOpcode();
  const { selector } = cpu.segments[instruction.reg];
  writeOperand(cpu, instruction, instruction.first, selector);
};

/** CS cannot be loaded: SEG-18. */
export const movToSegment: Execute = (cpu, instruction) => {
  const index = instruction.reg;
  if (index > GS || index === CS) throw invalidOpcode();
  loadSegmentRegister(cpu, index, readOperand(cpu, instruction, instruction.second));
  if (index === SS) cpu.stackShadow = true;
};

/** LES, LDS, LSS, LFS, LGS: the second operand is a far pointer in memory. */
function loadFarPointer(index: number): Execute {
  return (cpu, instruction) => {
    const { offset, selector } = readFarPointer(cpu, instruction);
    loadSegmentRegister(cpu, index, selector);
    writeOperand(cpu, instruction, instruction.first, offset);
  };
}

export const les = loadFarPointer(0);
export const lss = loadFarPointer(2);
export const lds = loadFarPointer(3);
export const lfs = loadFarPointer(4);
export const lgs = loadFarPointer(5);

/** The descriptor that a selector names, if this level may know of it; conforming code is open to all. */
function visibleDescriptor(cpu: Cpu, selector: number): Descriptor | undefined {
  if (isNull(selector)) return undefined;
  const descriptor = findDescriptor(cpu, selector);
  if (descriptor === undefined) return undefined;
  const hidden = descriptor.dpl < Math.max(cpu.cpl, rplOf(selector)) && !descriptor.isConforming;
  return hidden ? undefined : descriptor;
}

const { tss16, ldt, busyTss16, callGate16, taskGate, tss32, busyTss32, callGate32 } = SystemType;
const TYPES_WITH_LIMIT: ReadonlySet<number> = new Set([tss16, ldt, busyTss16, tss32, busyTss32]);
const TYPES_WITH_RIGHTS: ReadonlySet<number> = new Set([
  ...TYPES_WITH_LIMIT,
  callGate16,
  taskGate,
  callGate32,
]);

/** The descriptor's second word without base and low limit. */
const RIGHTS_MASK = 0x00f0ff00;

/** LAR: the access rights. */
export const lar: Execute = (cpu, instruction) => {
  requireProtectedMode(cpu);
  const selector = readOperand(cpu, instruction, instruction.second);
  const descriptor = visibleDescriptor(cpu, selector);
  const known = descriptor !== undefined && (!descriptor.isSystem || TYPES_WITH_RIGHTS.has(descriptor.type));
  if (known) writeOperand(cpu, instruction, instruction.first, (descriptor.high & RIGHTS_MASK) >>> 0);
  setFlag(cpu, ZF, known);
};

/** LSL: the limit in bytes. */
export const lsl: Execute = (cpu, instruction) => {
  requireProtectedMode(cpu);
  const selector = readOperand(cpu, instruction, instruction.second);
  const descriptor = visibleDescriptor(cpu, selector);
  const known = descriptor !== undefined && (!descriptor.isSystem || TYPES_WITH_LIMIT.has(descriptor.type));
  if (known) writeOperand(cpu, instruction, instruction.first, descriptor.limit);
  setFlag(cpu, ZF, known);
};

export const verr: Execute = (cpu, instruction) => {
  requireProtectedMode(cpu);
  const selector = readOperand(cpu, instruction, instruction.first);
  setFlag(cpu, ZF, visibleDescriptor(cpu, selector)?.isDataOrReadableCode === true);
};

export const verw: Execute = (cpu, instruction) => {
  requireProtectedMode(cpu);
  const selector = readOperand(cpu, instruction, instruction.first);
  setFlag(cpu, ZF, visibleDescriptor(cpu, selector)?.isWritableData === true);
};

/** ARPL: raises the first selector's RPL to that of the second. */
export const arpl: Execute = (cpu, instruction) => {
  requireProtectedMode(cpu);
  const { first, second } = instruction;
  const wanted = rplOf(readOperand(cpu, instruction, second));
  const selector = readOperand(cpu, instruction, first);
  const raises = rplOf(selector) < wanted;
  if (raises) writeOperand(cpu, instruction, first, (selector & ~3) | wanted);
  setFlag(cpu, ZF, raises);
};
