// SPDX-License-Identifier: GPL-2.0-or-later

/** Transfers of control: near ones, far JMP, CALL and RET with call gates, IRET, SYSENTER and SYSEXIT. */

import { type Cpu, ECX, EDX, ESP, SystemType } from './cpu.js';
import {
  checkStackSegment,
  type Descriptor,
  dropInnerDataSegments,
  isNull,
  markAccessed,
  readDescriptor,
  rplOf,
} from './descriptors.js';
import { generalProtection, segmentNotPresent, stackFault } from './exceptions.js';
import {
  AC,
  AF,
  CF,
  DF,
  ID,
  IF,
  IOPL,
  ioPrivilegeLevel,
  NT,
  OF,
  PF,
  RF,
  SF,
  setFlags,
  TF,
  VIF,
  VIP,
  VM,
  ZF,
} from './flags.js';
import { enterCode } from './interrupts.js';
import { has8086Segments, inRealMode, inVirtual8086Mode } from './modes.js';
import { callFar8086, jumpFar8086, returnFar8086, returnFromInterrupt8086 } from './real-mode.js';
import { insideLimit } from './segmentation.js';
import { peek, readParameters, StackFrame, setStackPointer, stackOffset } from './stack.js';
import { innerStack } from './task-state.js';
import { readGateTss, readLinkedTss, requireAvailable, switchTask } from './task-switching.js';
import { loadVirtualInterruptFlag, returnToVirtual8086, returnWithinVirtual8086 } from './virtual-8086.js';

/** Goes to an offset in the present code segment: EX-16, SEG-6. */
export function jumpNear(cpu: Cpu, target: number): void {
  if (target > cpu.cs.limit) throw generalProtection(0);
  cpu.nextEip = target;
}

/** JMP to another segment (GATE-22) or through a call gate (GATE-25). */
export function jumpFar(cpu: Cpu, selector: number, offset: number): void {
  if (has8086Segments(cpu)) {
    jumpFar8086(cpu, selector, offset);
    return;
  }
  const descriptor = readTransferTarget(cpu, selector);
  if (isTask(descriptor)) {
    transferToTask(cpu, descriptor, 'jump');
    return;
  }
  if (descriptor.isCode) {
    checkDirectTarget(cpu, descriptor);
    commitJump(cpu, descriptor, offset);
    return;
  }
  const target = readGateTarget(cpu, descriptor);
  const permitted = target.isConforming ? target.dpl <= cpu.cpl : target.dpl === cpu.cpl;
  if (!permitted) throw generalProtection(target.selector);
  if (!target.present) throw segmentNotPresent(target.selector);
  commitJump(cpu, target, descriptor.gateOffset);
}

function commitJump(cpu: Cpu, target: Descriptor, offset: number): void {
  if (offset > target.limit) throw generalProtection(0);
  markAccessed(cpu, target);
  enterCode(cpu, target, offset);
}

/** CALL to another segment (GATE-22, GATE-23) or through a call gate (GATE-25, GATE-26). */
export function callFar(cpu: Cpu, selector: number, offset: number, size: 2 | 4): void {
  if (has8086Segments(cpu)) {
    callFar8086(cpu, selector, offset, size);
    return;
  }
  const descriptor = readTransferTarget(cpu, selector);
  if (isTask(descriptor)) {
    transferToTask(cpu, descriptor, 'call');
    return;
  }
  if (descriptor.isCode) {
    checkDirectTarget(cpu, descriptor);
    callSameLevel(cpu, descriptor, offset, size);
    return;
  }
  const target = readGateTarget(cpu, descriptor);
  if (target.dpl > cpu.cpl) throw generalProtection(target.selector);
  if (!target.present) throw segmentNotPresent(target.selector);
  const gateSize = descriptor.gateIs32 ? 4 : 2;
  if (target.isConforming || target.dpl === cpu.cpl) {
    callSameLevel(cpu, target, descriptor.gateOffset, gateSize);
  } else {
    callInnerLevel(cpu, target, descriptor, gateSize);
  }
}

function callSameLevel(cpu: Cpu, target: Descriptor, offset: number, size: 2 | 4): void {
  const frame = new StackFrame(cpu, cpu.ss, cpu.general[ESP], cpu.cpl, size);
  frame.require(2);
  if (offset > target.limit) throw generalProtection(0);
  frame.requirePages(2);
  markAccessed(cpu, target);
  frame.push(cpu.cs.selector);
  frame.push(cpu.nextEip);
  setStackPointer(cpu, frame.pointer);
  enterCode(cpu, target, offset);
}

function callInnerLevel(cpu: Cpu, target: Descriptor, gate: Descriptor, size: 2 | 4): void {
  const level = target.dpl;
  const { segment, pointer } = innerStack(cpu, level);
  const frame = new StackFrame(cpu, segment, pointer, level, size);
  frame.require(4 + gate.gateParameters, stackFault(segment.selector));
  if (gate.gateOffset > target.limit) throw generalProtection(0);
  const parameters = readParameters(cpu, gate.gateParameters, size);

  frame.requirePages(4 + parameters.length);
  markAccessed(cpu, segment);
  markAccessed(cpu, target);
  frame.push(cpu.ss.selector);
  frame.push(cpu.general[ESP]);
  for (const parameter of parameters.reverse()) frame.push(parameter);
  frame.push(cpu.cs.selector);
  frame.push(cpu.nextEip);

  cpu.cpl = level;
  cpu.ss.copyFrom(segment);
  setStackPointer(cpu, frame.pointer);
  enterCode(cpu, target, gate.gateOffset);
}

/** Reads what a far JMP or CALL names: a code segment, or a gate or TSS that this level may use (GATE-25, TASK-1). */
function readTransferTarget(cpu: Cpu, selector: number): Descriptor {
  if (isNull(selector)) throw generalProtection(0);
  const descriptor = readDescriptor(cpu, selector);
  if (descriptor.isCode) return descriptor;
  if (!descriptor.isSystem) throw generalProtection(selector);
  const { callGate16, callGate32 } = SystemType;
  const type = descriptor.type;
  if (type !== callGate16 && type !== callGate32 && !isTask(descriptor)) throw generalProtection(selector);
  if (descriptor.dpl < Math.max(cpu.cpl, rplOf(selector))) throw generalProtection(selector);
  if (isTask(descriptor) && descriptor.type !== SystemType.taskGate) requireAvailable(descriptor); // TASK-2
  if (!descriptor.present) throw segmentNotPresent(selector);
  return descriptor;
}

const TASK_TYPES: ReadonlySet<number> = new Set([
  SystemType.taskGate,
  SystemType.tss16,
  SystemType.tss32,
  SystemType.busyTss16,
  SystemType.busyTss32,
]);

/** A task gate or TSS. */
const isTask = (descriptor: Descriptor) => descriptor.isSystem && TASK_TYPES.has(descriptor.type);

/** JMP or CALL to a TSS or task gate that this level may use: TASK-1 to TASK-3. */
function transferToTask(cpu: Cpu, target: Descriptor, reason: 'jump' | 'call'): void {
  const isGate = target.type === SystemType.taskGate;
  const tss = isGate ? readGateTss(cpu, target.gateSelector) : target;
  switchTask(cpu, tss, reason, { eip: cpu.nextEip, flags: cpu.eflags });
}

function checkDirectTarget(cpu: Cpu, target: Descriptor): void {
  const permitted = target.isConforming
    ? target.dpl <= cpu.cpl
    : target.dpl === cpu.cpl && rplOf(target.selector) <= cpu.cpl;
  if (!permitted) throw generalProtection(target.selector);
  if (!target.present) throw segmentNotPresent(target.selector);
}

/** Reads the code segment that a call gate leads to. */
function readGateTarget(cpu: Cpu, gate: Descriptor): Descriptor {
  if (isNull(gate.gateSelector)) throw generalProtection(0);
  const target = readDescriptor(cpu, gate.gateSelector);
  if (!target.isCode) throw generalProtection(gate.gateSelector);
  return target;
}

/** RET to another segment (GATE-24). `release`: bytes of parameters that are dropped, on both stacks. */
export function returnFar(cpu: Cpu, size: 2 | 4, release: number): void {
  if (has8086Segments(cpu)) {
    returnFar8086(cpu, size, release);
    return;
  }
  requireStack(cpu, 2 * size);
  const eip = peek(cpu, 0, size);
  const selector = peek(cpu, size, size) & 0xffff;
  const target = readReturnTarget(cpu, selector);
  if (rplOf(selector) === cpu.cpl) {
    if (eip > target.limit) throw generalProtection(0);
    markAccessed(cpu, target);
    setStackPointer(cpu, stackOffset(cpu, 2 * size + release));
    enterCode(cpu, target, eip);
  } else {
    returnToOuter(cpu, target, eip, 2 * size + release, size, release);
  }
}

/** Reads the code segment that a far RET or IRET goes back to, at the same or an outer level: GATE-18. */
function readReturnTarget(cpu: Cpu, selector: number): Descriptor {
  if (isNull(selector)) throw generalProtection(0);
  const target = readDescriptor(cpu, selector);
  const level = rplOf(selector);
  const fits = target.isConforming ? target.dpl <= level : target.dpl === level;
  if (!target.isCode || level < cpu.cpl || !fits) throw generalProtection(selector);
  if (!target.present) throw segmentNotPresent(selector);
  return target;
}

/**
 * The part of a return to an outer level that RET and IRET share: GATE-19, GATE-20.
 * @param distance from the stack pointer to the outer stack's pointer and selector
 * @param release bytes dropped from the outer stack
 */
function returnToOuter(
  cpu: Cpu,
  target: Descriptor,
  eip: number,
  distance: number,
  size: 2 | 4,
  release: number,
): void {
  requireStack(cpu, distance + 2 * size);
  const pointer = peek(cpu, distance, size);
  const selector = peek(cpu, distance + size, size) & 0xffff;
  const level = rplOf(target.selector);
  const stack = checkStackSegment(cpu, selector, level, generalProtection);
  if (eip > target.limit) throw generalProtection(0);
  markAccessed(cpu, target);
  markAccessed(cpu, stack);

  cpu.cpl = level;
  cpu.ss.copyFrom(stack);
  setStackPointer(cpu, pointer + release);
  enterCode(cpu, target, eip);
  dropInnerDataSegments(cpu);
}

/** Faults unless `bytes` from the stack pointer on lie inside the stack. */
function requireStack(cpu: Cpu, bytes: number): void {
  for (let distance = 0; distance < bytes; distance += 2) {
    if (!cpu.ss.readable || !insideLimit(cpu.ss, stackOffset(cpu, distance), 2)) throw stackFault(0);
  }
}

/** Flags that IRET and POPF load at any privilege level. */
const ORDINARY_FLAGS = CF | PF | AF | ZF | SF | TF | DF | OF | NT;

/** Flags that IRET loads in real mode: all but VM, VIF and VIP. */
const REAL_MODE_FLAGS = ORDINARY_FLAGS | IF | IOPL | RF | AC | ID;

/** IRET. */
export function returnFromInterrupt(cpu: Cpu, size: 2 | 4): void {
  cpu.nmiBlocked = false; // GATE-29
  if (inRealMode(cpu)) {
    const image = returnFromInterrupt8086(cpu, size);
    setFlags(cpu, size === 4 ? REAL_MODE_FLAGS : REAL_MODE_FLAGS & 0xffff, image);
  } else if (inVirtual8086Mode(cpu)) {
    const image = returnWithinVirtual8086(cpu, size);
    const wide = size === 4 ? RF | AC | ID : 0;
    const privileged = loadVirtualInterruptFlag(cpu, image, size) ? 0 : IF;
    setFlags(cpu, ORDINARY_FLAGS | wide | privileged, image);
  } else if ((cpu.systemFlags & NT) !== 0) {
    switchTask(cpu, readLinkedTss(cpu), 'return', { eip: cpu.nextEip, flags: cpu.eflags }); // TASK-4
  } else {
    returnInProtectedMode(cpu, size);
  }
}

/** GATE-17 to GATE-21. */
function returnInProtectedMode(cpu: Cpu, size: 2 | 4): void {
  requireStack(cpu, 3 * size);
  const eip = peek(cpu, 0, size);
  const selector = peek(cpu, size, size) & 0xffff;
  const image = peek(cpu, 2 * size, size);
  if ((image & VM) !== 0 && cpu.cpl === 0) {
    returnToVirtual8086(cpu, eip, selector, image);
    return;
  }

  const target = readReturnTarget(cpu, selector);
  const wide = size === 4 ? RF | AC | ID : 0;
  const which = ORDINARY_FLAGS | wide | privilegedFlags(cpu) | (size === 4 && cpu.cpl === 0 ? VIF | VIP : 0);
  if (rplOf(selector) === cpu.cpl) {
    if (eip > target.limit) throw generalProtection(0);
    markAccessed(cpu, target);
    setStackPointer(cpu, stackOffset(cpu, 3 * size));
    enterCode(cpu, target, eip);
  } else {
    returnToOuter(cpu, target, eip, 3 * size, size, 0);
  }
  setFlags(cpu, which, image);
}

/** POPF (SYS-18): what the level does not permit stays as it is, silently. */
export function loadFlags(cpu: Cpu, image: number, size: 2 | 4): void {
  loadVirtualInterruptFlag(cpu, image, size);
  const wide = size === 4 ? RF | AC | ID : 0;
  setFlags(cpu, ORDINARY_FLAGS | wide | privilegedFlags(cpu), image & ~RF);
}

/** IF may be changed up to the I/O privilege level, IOPL only at level 0. */
function privilegedFlags(cpu: Cpu): number {
  return (cpu.cpl <= ioPrivilegeLevel(cpu) ? IF : 0) | (cpu.cpl === 0 ? IOPL : 0);
}

/** Attributes of the flat segments that SYSENTER and SYSEXIT load without reading a descriptor. */
const FLAT_CODE = 0xc09b;
const FLAT_DATA = 0xc093;
const DPL_SHIFT = 5;

/** SYSENTER (SYS-12, SYS-13): to level 0 at the place in the three model-specific registers. */
export function enterSystem(cpu: Cpu): void {
  if (inRealMode(cpu) || isNull(cpu.sysenter_cs)) throw generalProtection(0); // SYS-12, MODE-5
  cpu.systemFlags &= ~(VM | IF | RF);
  loadFlatSegments(cpu, cpu.sysenter_cs & 0xfffc, 0, 8);
  cpu.general[ESP] = cpu.sysenter_esp;
  cpu.nextEip = cpu.sysenter_eip;
}

/** SYSEXIT (SYS-14): back to level 3 at EDX with the stack at ECX. */
export function exitSystem(cpu: Cpu): void {
  if (inRealMode(cpu) || isNull(cpu.sysenter_cs) || cpu.cpl !== 0) throw generalProtection(0);
  loadFlatSegments(cpu, (cpu.sysenter_cs + 16) & 0xfffc, 3, 8);
  cpu.general[ESP] = cpu.general[ECX];
  cpu.nextEip = cpu.general[EDX];
}

function loadFlatSegments(cpu: Cpu, code: number, level: number, stackDistance: number): void {
  const dpl = level << DPL_SHIFT;
  cpu.cpl = level;
  cpu.cs.set(code | level, 0, 0xffffffff, FLAT_CODE | dpl);
  cpu.ss.set(((code + stackDistance) & 0xffff) | level, 0, 0xffffffff, FLAT_DATA | dpl);
}
