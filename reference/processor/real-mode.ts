// SPDX-License-Identifier: GPL-2.0-or-later

/** Far transfers and interrupts with segments as the 8086 had them: chapter 27. */

import { type Cpu, CS, ESP } from './cpu.js';
import { generalProtection } from './exceptions.js';
import { AC, IF, RF, setFlag, TF } from './flags.js';
import { load8086Segment } from './modes.js';
import { readSystem } from './paging.js';
import { peek, StackFrame, setStackPointer, stackOffset } from './stack.js';

/** JMP to another segment: MODE-4. */
export function jumpFar8086(cpu: Cpu, selector: number, offset: number): void {
  if (offset > cpu.cs.limit) throw generalProtection(0);
  enterCode8086(cpu, selector, offset);
}

/** CALL to another segment: MODE-4. */
export function callFar8086(cpu: Cpu, selector: number, offset: number, size: 2 | 4): void {
  const frame = new StackFrame(cpu, cpu.ss, cpu.general[ESP], cpu.cpl, size);
  frame.require(2);
  if (offset > cpu.cs.limit) throw generalProtection(0);
  frame.requirePages(2);
  frame.push(cpu.cs.selector);
  frame.push(cpu.nextEip);
  setStackPointer(cpu, frame.pointer);
  enterCode8086(cpu, selector, offset);
}

/** RET to another segment: MODE-4. */
export function returnFar8086(cpu: Cpu, size: 2 | 4, release: number): void {
  popTarget(cpu, 2 * size, size, release);
}

/** IRET (MODE-4): the caller puts the image of the flags that this returns where its mode permits. */
export function returnFromInterrupt8086(cpu: Cpu, size: 2 | 4): number {
  const image = peek(cpu, 2 * size, size);
  popTarget(cpu, 3 * size, size, 0);
  return image;
}

/** Goes where the top of the stack says, and drops `bytes` and `release` from the stack. */
function popTarget(cpu: Cpu, bytes: number, size: 2 | 4, release: number): void {
  const offset = peek(cpu, 0, size);
  const selector = peek(cpu, size, size) & 0xffff;
  if (offset > cpu.cs.limit) throw generalProtection(0);
  setStackPointer(cpu, stackOffset(cpu, bytes + release));
  enterCode8086(cpu, selector, offset);
}

function enterCode8086(cpu: Cpu, selector: number, offset: number): void {
  load8086Segment(cpu, CS, selector);
  cpu.nextEip = offset;
}

/** Bytes of an entry of the interrupt vector table: the offset, then the segment. */
const VECTOR_BYTES = 4;

/** Delivers an event in real mode, where no error code is pushed: MODE-6, MODE-7. */
export function enterRealModeHandler(cpu: Cpu, vector: number, flags: number, eip: number): void {
  const entry = vector * VECTOR_BYTES;
  if (entry + VECTOR_BYTES - 1 > cpu.idtr.limit) throw generalProtection(0);
  pushAndEnter8086(cpu, (cpu.idtr.base + entry) >>> 0, flags, eip);
  setFlag(cpu, IF, false);
}

/**
 * Pushes FLAGS, CS and IP and goes where an entry of an interrupt vector table says.
 * @param entry linear address
 */
export function pushAndEnter8086(cpu: Cpu, entry: number, flags: number, eip: number): void {
  const offset = readSystem(cpu, entry, 2);
  const selector = readSystem(cpu, entry + 2, 2);
  const frame = new StackFrame(cpu, cpu.ss, cpu.general[ESP], cpu.cpl, 2);
  frame.require(3);
  if (offset > cpu.cs.limit) throw generalProtection(0);
  frame.requirePages(3);
  for (const value of [flags, cpu.cs.selector, eip]) frame.push(value);
  setStackPointer(cpu, frame.pointer);
  enterCode8086(cpu, selector, offset);
  cpu.handlerEntered = true;
  cpu.systemFlags &= ~(TF | AC | RF);
}
