// SPDX-License-Identifier: GPL-2.0-or-later

/** Hardware task switches: chapter 26. */

import { type Cpu, CR0, CS, DS, ES, FS, GS, SS, SystemType } from './cpu.js';
import { clearLocalBreakpoints, requestTaskTrap } from './debugging.js';
import {
  checkStackSegment,
  type Descriptor,
  findDescriptor,
  isNull,
  loadDataSegment,
  markAccessed,
  readDescriptor,
  rplOf,
  type SelectorFault,
} from './descriptors.js';
import { Fault, generalProtection, invalidTss, segmentNotPresent } from './exceptions.js';
import { ALL_FLAGS, FIXED_ONE, NT } from './flags.js';
import { inVirtual8086Mode, levelOf, load8086Segment } from './modes.js';
import { prepareWrite, readSystem, translateWrite, writeSystem } from './paging.js';
import { push } from './stack.js';

/** Why tasks are switched: it decides about the busy bits, the back link and NT (TASK-7). */
export type SwitchReason = 'jump' | 'call' | 'return';

/** What the task that is left goes on with when it is resumed. */
export interface Departure {
  eip: number;
  flags: number;
}

/** Where the fields of a TSS are; `size` bytes each, selectors always 2. The general registers are in their order. */
interface Layout {
  size: 2 | 4;
  smallestLimit: number;
  eip: number;
  eflags: number;
  general: number;
  /** ES, CS, SS, DS and in a 32-bit TSS FS and GS. */
  segments: number;
  segmentCount: number;
  /** The upper byte of the last of these selectors. */
  lastSaved: number;
  ldtr: number;
}

const LAYOUT_16: Layout = {
  ...{ size: 2, smallestLimit: 0x2b, eip: 0x0e, eflags: 0x10, general: 0x12 },
  ...{ segments: 0x22, segmentCount: 4, lastSaved: 0x29, ldtr: 0x2a },
};
const LAYOUT_32: Layout = {
  ...{ size: 4, smallestLimit: 0x67, eip: 0x20, eflags: 0x24, general: 0x28 },
  ...{ segments: 0x48, segmentCount: 6, lastSaved: 0x5d, ldtr: 0x60 },
};

/** Fields that only a 32-bit TSS has. */
const CR3_FIELD = 0x1c;
const DEBUG_TRAP_FIELD = 0x64;

const TYPE_32 = 8;
const BUSY = 2;

const layoutOf = (type: number) => ((type & TYPE_32) === 0 ? LAYOUT_16 : LAYOUT_32);

/** What a TSS says of its task. */
interface TaskState {
  /** Absent in a 16-bit TSS. */
  cr3: number | undefined;
  eip: number;
  eflags: number;
  general: number[];
  /** ES, CS, SS, DS, FS, GS. */
  segments: number[];
  ldtr: number;
  debugTrap: boolean;
}

const isAvailableTss = (descriptor: Descriptor) =>
  descriptor.isSystem && (descriptor.type === SystemType.tss16 || descriptor.type === SystemType.tss32);
const isBusyTss = (descriptor: Descriptor) =>
  descriptor.isSystem &&
  (descriptor.type === SystemType.busyTss16 || descriptor.type === SystemType.busyTss32);

/** A TSS must be in the GDT; a null selector is that of its entry 0. */
function readTss(cpu: Cpu, selector: number, fault: SelectorFault): Descriptor {
  const inLdt = (selector & 4) !== 0;
  const descriptor = inLdt ? undefined : findDescriptor(cpu, selector);
  if (descriptor === undefined) throw fault(selector);
  return descriptor;
}

/** The TSS that a task gate names: TASK-3. */
export function readGateTss(cpu: Cpu, selector: number): Descriptor {
  const tss = readTss(cpu, selector, generalProtection);
  requireAvailable(tss);
  return tss;
}

/** A JMP or CALL goes only to a task that is not running or waiting: TASK-2. */
export function requireAvailable(tss: Descriptor): void {
  if ((tss.selector & 4) !== 0 || !isAvailableTss(tss)) throw generalProtection(tss.selector);
  if (!tss.present) throw segmentNotPresent(tss.selector);
}

/** The task that the back link of the present one names: TASK-4. */
export function readLinkedTss(cpu: Cpu): Descriptor {
  const link = readSystem(cpu, cpu.tr.base, 2);
  const tss = readTss(cpu, link, invalidTss);
  if (!isBusyTss(tss)) throw invalidTss(link);
  if (!tss.present) throw segmentNotPresent(link);
  return tss;
}

/**
 * Leaves the present task and enters another.
 * @param tss found good for this reason
 * @param errorCode of the exception that led here; it is pushed on the new task's stack
 */
export function switchTask(
  cpu: Cpu,
  tss: Descriptor,
  reason: SwitchReason,
  departure: Departure,
  errorCode?: number,
): void {
  const layout = layoutOf(tss.type);
  if (tss.limit < layout.smallestLimit) throw invalidTss(tss.selector); // TASK-5
  const state = readTaskState(cpu, tss.base, layout);
  requireWritable(cpu, tss, reason);

  leaveTask(cpu, reason, departure);
  becomeTask(cpu, tss, reason);
  try {
    enterTask(cpu, state, reason === 'call' ? NT : 0);
    if (errorCode !== undefined) push(cpu, errorCode, layout.size); // TASK-12
    if (cpu.eip > cpu.cs.limit) throw generalProtection(0);
  } catch (problem) {
    if (problem instanceof Fault) problem.inNewTask = true; // TASK-13
    throw problem;
  }
  if (state.debugTrap) requestTaskTrap(cpu);
  cpu.handlerEntered = true;
}

function readTaskState(cpu: Cpu, base: number, layout: Layout): TaskState {
  const { size, segmentCount } = layout;
  const wide = size === 4;
  const field = (at: number) => readSystem(cpu, base + at, size);
  const selector = (at: number) => readSystem(cpu, base + at, 2);
  const segments = Array.from({ length: segmentCount }, (_, i) => selector(layout.segments + i * size));
  return {
    cr3: wide ? field(CR3_FIELD) : undefined,
    eip: field(layout.eip),
    eflags: field(layout.eflags),
    general: Array.from({ length: 8 }, (_, i) => field(layout.general + i * size)),
    segments: wide ? segments : [...segments, 0, 0],
    ldtr: selector(layout.ldtr),
    debugTrap: wide && (selector(DEBUG_TRAP_FIELD) & 1) !== 0,
  };
}

/** Linear address of the byte of a TSS descriptor that has the busy bit. */
const accessByteOf = (cpu: Cpu, selector: number) => (cpu.gdtr.base + (selector & 0xfff8) + 5) >>> 0;

/**
 * A page fault comes before anything has changed (TASK-6), so that what the switch will write must be mapped; but for its first
 * write, which may fault itself.
 */
function requireWritable(cpu: Cpu, tss: Descriptor, reason: SwitchReason): void {
  const { eip, lastSaved } = layoutOf(cpu.tr.type);
  translateWrite(cpu, (cpu.tr.base + eip) >>> 0, false);
  translateWrite(cpu, (cpu.tr.base + lastSaved) >>> 0, false);
  if (reason !== 'return') translateWrite(cpu, accessByteOf(cpu, tss.selector), false);
  if (reason === 'call') prepareWrite(cpu, tss.base, 2, false);
}

/** Saves the state in the present TSS: TASK-6, TASK-7. */
function leaveTask(cpu: Cpu, reason: SwitchReason, { eip, flags }: Departure): void {
  const { base } = cpu.tr;
  const layout = layoutOf(cpu.tr.type);
  const { size } = layout;
  if (reason !== 'call') setBusy(cpu, cpu.tr.selector, false); // the first write
  writeSystem(cpu, base + layout.eip, eip, size);
  writeSystem(cpu, base + layout.eflags, reason === 'return' ? flags & ~NT : flags, size);
  for (let i = 0; i < 8; i++) writeSystem(cpu, base + layout.general + i * size, cpu.general[i], size);
  for (let i = 0; i < layout.segmentCount; i++) {
    writeSystem(cpu, base + layout.segments + i * size, cpu.segments[i].selector, 2);
  }
}

function setBusy(cpu: Cpu, selector: number, busy: boolean): void {
  const address = accessByteOf(cpu, selector);
  const access = readSystem(cpu, address, 1);
  writeSystem(cpu, address, busy ? access | BUSY : access & ~BUSY, 1);
}

/** Links and marks the new task and loads TR: TASK-7, TASK-8. */
function becomeTask(cpu: Cpu, tss: Descriptor, reason: SwitchReason): void {
  if (reason === 'call') writeSystem(cpu, tss.base, cpu.tr.selector, 2);
  if (reason !== 'return') setBusy(cpu, tss.selector, true);
  cpu.tr.set(tss.selector, tss.base, tss.limit, tss.attributes | BUSY);
  cpu.cr0 = (cpu.cr0 | CR0.TS) >>> 0;
  clearLocalBreakpoints(cpu);
}

/** Loads the state of the new task. From here on a fault is one of the new task: TASK-9 to TASK-13. */
function enterTask(cpu: Cpu, state: TaskState, nested: number): void {
  loadCr3(cpu, state.cr3);
  cpu.eip = state.eip;
  cpu.nextEip = state.eip;
  cpu.eflags = (state.eflags & ALL_FLAGS) | FIXED_ONE | nested;
  cpu.general.set(state.general); // TASK-10: of a 16-bit TSS the upper halves are 0
  // All selectors first, so that the frame of a fault shows them.
  state.segments.forEach((selector, index) => {
    cpu.segments[index].setNull(selector);
  });
  cpu.cpl = levelOf(cpu);
  loadTaskLdt(cpu, state.ldtr);
  if (inVirtual8086Mode(cpu)) {
    state.segments.forEach((selector, index) => {
      load8086Segment(cpu, index, selector);
    });
    return;
  }
  loadTaskCode(cpu, state.segments[CS]);
  const stack = checkStackSegment(cpu, state.segments[SS], cpu.cpl, invalidTss);
  markAccessed(cpu, stack);
  cpu.ss.copyFrom(stack);
  for (const index of [DS, ES, FS, GS]) loadDataSegment(cpu, index, state.segments[index], invalidTss);
}

/** With paging on; the address space changes before the descriptors of the new task are read: TASK-9. */
function loadCr3(cpu: Cpu, cr3: number | undefined): void {
  if (cr3 === undefined || (cpu.cr0 & CR0.PG) === 0 || cr3 === cpu.cr3) return;
  cpu.cr3 = cr3;
  cpu.tlb.clearNonGlobal();
}

function loadTaskLdt(cpu: Cpu, selector: number): void {
  cpu.ldtr.setNull(selector);
  if (isNull(selector)) return;
  const descriptor = readTss(cpu, selector, invalidTss);
  const isLdt = descriptor.isSystem && descriptor.type === SystemType.ldt;
  if (!isLdt || !descriptor.present) throw invalidTss(selector);
  cpu.ldtr.copyFrom(descriptor);
}

function loadTaskCode(cpu: Cpu, selector: number): void {
  if (isNull(selector)) throw invalidTss(selector);
  const code = readDescriptor(cpu, selector, invalidTss);
  const level = rplOf(selector);
  const fits = code.isConforming ? code.dpl <= level : code.dpl === level;
  if (!code.isCode || !fits) throw invalidTss(selector);
  if (!code.present) throw segmentNotPresent(selector);
  markAccessed(cpu, code);
  cpu.cs.copyFrom(code);
}
