// SPDX-License-Identifier: GPL-2.0-or-later

/** Delivery of exceptions and interrupts through the IDT: chapter 03, GATE-1 to GATE-16. */

import { type Cpu, ESP, SystemType } from './cpu.js';
import { clearGeneralDetect } from './debugging.js';
import { type Descriptor, isNull, markAccessed, parseDescriptor, readDescriptor } from './descriptors.js';
import {
  ErrorCode,
  escalate,
  Fault,
  gateNotPresent,
  gateProtection,
  generalProtection,
  segmentNotPresent,
  stackFault,
  Vector,
} from './exceptions.js';
import { IF, NT, RF, TF, VM } from './flags.js';
import type { InterruptionSource } from './interface.js';
import { inRealMode, inVirtual8086Mode } from './modes.js';
import { readSystem } from './paging.js';
import { enterRealModeHandler } from './real-mode.js';
import { StackFrame, setStackPointer } from './stack.js';
import { innerStack } from './task-state.js';
import { readGateTss, switchTask } from './task-switching.js';
import { dropVirtual8086Segments, pushedSegments } from './virtual-8086.js';

/** An exception or interrupt on its way to its handler. */
interface Interruption {
  vector: number;
  source: InterruptionSource;
  errorCode: number | undefined;
  /** Where the handler will return to. */
  eip: number;
  /** The flags that are pushed. */
  flags: number;
}

/**
 * Delivers a fault of the instruction at `cpu.eip`. The pushed flags have RF, so that it is not debugged twice (GATE-8);
 * but for a debug exception they have what was there (DBG-10).
 */
export function deliverFault(cpu: Cpu, fault: Fault): void {
  if (fault.linear !== undefined) cpu.cr2 = fault.linear;
  deliver(cpu, {
    vector: fault.vector,
    source: 'exception',
    errorCode: fault.errorCode,
    eip: cpu.eip,
    flags: fault.vector === Vector.debug ? cpu.eflags : cpu.eflags | RF,
  });
}

/** Delivers a trap: an exception that is reported after the instruction; the handler returns to `eip`. */
export function deliverTrap(cpu: Cpu, vector: number, eip: number): void {
  deliver(cpu, { vector, source: 'exception', errorCode: undefined, eip, flags: cpu.eflags });
}

/** Delivers an external interrupt or NMI between two instructions. */
export function deliverExternal(cpu: Cpu, vector: number): void {
  deliver(cpu, { vector, source: 'external', errorCode: undefined, eip: cpu.eip, flags: cpu.eflags });
}

/** INT n, INT3 and INTO. A fault on the way belongs to the instruction, so it is thrown. */
export function softwareInterrupt(cpu: Cpu, vector: number): void {
  const interruption: Interruption = {
    vector,
    source: 'software',
    errorCode: undefined,
    eip: cpu.nextEip,
    flags: cpu.eflags,
  };
  observe(cpu, interruption);
  enterHandler(cpu, interruption);
}

/** Delivers, and what goes wrong on the way too, up to a double fault and shutdown: GATE-14 to GATE-16. */
function deliver(cpu: Cpu, first: Interruption): void {
  let interruption = first;
  for (;;) {
    observe(cpu, interruption);
    if (interruption.vector === Vector.debug && interruption.source === 'exception') clearGeneralDetect(cpu);
    const problem = tryEnterHandler(cpu, interruption);
    if (problem === undefined) return;
    if (problem.linear !== undefined) cpu.cr2 = problem.linear;
    const inDelivery = interruption.source === 'exception' ? interruption.vector : undefined;
    const escalation = escalate(inDelivery, problem.vector);
    if (escalation === 'shutdown') {
      cpu.stopped = 'shutdown';
      return;
    }
    const double = escalation === 'double fault';
    interruption = {
      vector: double ? Vector.doubleFault : problem.vector,
      source: 'exception',
      errorCode: double ? 0 : withExternalBit(problem),
      eip: problem.inNewTask ? cpu.eip : interruption.eip,
      flags: (problem.inNewTask ? cpu.eflags : first.flags) | RF,
    };
  }
}

/** A fault met while an event is delivered says so in the error codes that name a selector: GATE-13. */
function withExternalBit(fault: Fault): number | undefined {
  if (fault.errorCode === undefined || fault.vector === Vector.pageFault) return fault.errorCode;
  return fault.errorCode | ErrorCode.external;
}

function tryEnterHandler(cpu: Cpu, interruption: Interruption): Fault | undefined {
  try {
    enterHandler(cpu, interruption);
    return undefined;
  } catch (problem) {
    if (problem instanceof Fault) return problem;
    throw problem;
  }
}

function enterHandler(cpu: Cpu, interruption: Interruption): void {
  if (inRealMode(cpu)) {
    enterRealModeHandler(cpu, interruption.vector, interruption.flags, interruption.eip);
    return;
  }
  const gate = readGate(cpu, interruption);
  if (gate.type === SystemType.taskGate) {
    switchTask(cpu, readGateTss(cpu, gate.gateSelector), 'call', interruption, interruption.errorCode); // TASK-3
    return;
  }
  const target = readHandlerSegment(cpu, gate.gateSelector);
  if (inVirtual8086Mode(cpu)) enterFromVirtual8086(cpu, interruption, gate, target);
  else if (!target.isConforming && target.dpl < cpu.cpl) enterInnerHandler(cpu, interruption, gate, target);
  else enterSameLevelHandler(cpu, interruption, gate, target);

  const isInterruptGate = (gate.type & 1) === 0;
  cpu.handlerEntered = true;
  // GATE-9
  cpu.systemFlags &= ~(TF | NT | RF | VM | (isInterruptGate ? IF : 0));
}

/** Reads and checks the gate of a vector. */
function readGate(cpu: Cpu, interruption: Interruption): Descriptor {
  const { vector, source } = interruption;
  if (vector * 8 + 7 > cpu.idtr.limit) throw gateProtection(vector); // GATE-1
  const address = (cpu.idtr.base + vector * 8) >>> 0;
  const gate = parseDescriptor(0, address, readSystem(cpu, address, 4), readSystem(cpu, address + 4, 4));

  const isIdtGate =
    gate.isSystem &&
    (gate.type === SystemType.taskGate ||
      gate.type === SystemType.interruptGate16 ||
      gate.type === SystemType.trapGate16 ||
      gate.type === SystemType.interruptGate32 ||
      gate.type === SystemType.trapGate32);
  if (!isIdtGate) throw gateProtection(vector);
  if (source === 'software' && gate.dpl < cpu.cpl) throw gateProtection(vector); // GATE-2
  if (!gate.present) throw gateNotPresent(vector); // GATE-3
  return gate;
}

/** Reads and checks the code segment that a gate leads to: GATE-4. */
function readHandlerSegment(cpu: Cpu, selector: number): Descriptor {
  if (isNull(selector)) throw generalProtection(0);
  const target = readDescriptor(cpu, selector);
  if (!target.isCode || target.dpl > cpu.cpl) throw generalProtection(selector);
  if (!target.present) throw segmentNotPresent(selector);
  return target;
}

/** Out of virtual-8086 mode: always to level 0, with the segments of the 8086 in the frame (MODE-13). */
function enterFromVirtual8086(
  cpu: Cpu,
  interruption: Interruption,
  gate: Descriptor,
  target: Descriptor,
): void {
  if (target.isConforming || target.dpl !== 0) throw generalProtection(target.selector);
  enterInnerHandler(cpu, interruption, gate, target, pushedSegments(cpu));
  dropVirtual8086Segments(cpu);
}

/**
 * To a more privileged level: the stack comes from the TSS, and the outer stack's address is pushed on it (GATE-5, GATE-6),
 * after what `above` lists.
 */
function enterInnerHandler(
  cpu: Cpu,
  interruption: Interruption,
  gate: Descriptor,
  target: Descriptor,
  above: readonly number[] = [],
): void {
  const level = target.dpl;
  const { segment, pointer } = innerStack(cpu, level);
  const size = gate.gateIs32 ? 4 : 2;
  const outer = [cpu.ss.selector, cpu.general[ESP]];
  const values = [...above, ...outer, interruption.flags, cpu.cs.selector, interruption.eip];
  if (interruption.errorCode !== undefined) values.push(interruption.errorCode);

  const frame = new StackFrame(cpu, segment, pointer, level, size);
  frame.require(values.length, stackFault(segment.selector)); // GATE-11
  if (gate.gateOffset > target.limit) throw generalProtection(0);
  frame.requirePages(values.length);
  markAccessed(cpu, segment);
  markAccessed(cpu, target);
  for (const value of values) frame.push(value);

  cpu.cpl = level;
  cpu.ss.copyFrom(segment);
  setStackPointer(cpu, frame.pointer);
  enterCode(cpu, target, gate.gateOffset);
}

/** To the same level, or to a conforming segment, which runs at the present level. */
function enterSameLevelHandler(
  cpu: Cpu,
  interruption: Interruption,
  gate: Descriptor,
  target: Descriptor,
): void {
  const values = [interruption.flags, cpu.cs.selector, interruption.eip];
  if (interruption.errorCode !== undefined) values.push(interruption.errorCode);

  const frame = new StackFrame(cpu, cpu.ss, cpu.general[ESP], cpu.cpl, gate.gateIs32 ? 4 : 2);
  frame.require(values.length); // GATE-12
  if (gate.gateOffset > target.limit) throw generalProtection(0);
  frame.requirePages(values.length);
  markAccessed(cpu, target);
  for (const value of values) frame.push(value);

  setStackPointer(cpu, frame.pointer);
  enterCode(cpu, target, gate.gateOffset);
}

/** Loads CS with the present level as RPL and goes to `eip` (GATE-10). All checks have been made. */
export function enterCode(cpu: Cpu, target: Descriptor, eip: number): void {
  const selector = (target.selector & 0xfffc) | cpu.cpl;
  cpu.cs.set(selector, target.base, target.limit, target.attributes);
  cpu.nextEip = eip;
}

function observe(cpu: Cpu, { vector, source, errorCode, eip }: Interruption): void {
  if (cpu.observer === undefined) return;
  cpu.observer.interruption?.({
    vector,
    source,
    ...(errorCode === undefined ? {} : { error_code: errorCode }),
    ...(vector === Vector.pageFault && source === 'exception' ? { cr2: cpu.cr2 } : {}),
    cs: cpu.cs.selector,
    eip,
    cpl: cpu.cpl,
  });
}
