// SPDX-License-Identifier: GPL-2.0-or-later

/** PUSH, POP and stack frames. */

import { EBP, ESP, readGeneral, SS, writeGeneral } from '../cpu.js';
import { loadSegmentRegister } from '../descriptors.js';
import type { Execute } from '../instruction.js';
import { readOperand, writeOperand } from '../operands.js';
import { prepareSegmentWrite, readSegment } from '../segmentation.js';
import { truncate } from '../sizes.js';
import { peek, pop, push, StackFrame, setStackPointer, stackMask, stackOffset } from '../stack.js';
import { loadFlags } from '../transfers.js';
import { flagsImage } from '../virtual-8086.js';

/**
 * PUSH ESP pushes the value before the push: EX-14. Above the selector of a segment register a doubleword has zeros:
 * SEG-15, choice `pushed_selector`.
 */
export const pushValue: Execute = (cpu, instruction) => {
  push(cpu, readOperand(cpu, instruction, instruction.first), instruction.operandSize);
};

/** POP to memory: an address that uses ESP is computed with the value after the pop: EX-14. */
export const popValue: Execute = (cpu, instruction) => {
  const value = pop(cpu, instruction.operandSize);
  writeOperand(cpu, instruction, instruction.first, value);
};

export const popSegment: Execute = (cpu, instruction) => {
  const size = instruction.operandSize;
  const index = instruction.first.index;
  const selector = peek(cpu, 0, size) & 0xffff;
  const pointer = stackOffset(cpu, size);
  loadSegmentRegister(cpu, index, selector);
  setStackPointer(cpu, pointer);
  if (index === SS) cpu.stackShadow = true;
};

/** PUSHA (EX-15): EAX, ECX, EDX, EBX, the old ESP, EBP, ESI, EDI. Choice `pusha_fault`: `unchanged`. */
export const pusha: Execute = (cpu, instruction) => {
  const size = instruction.operandSize;
  const frame = new StackFrame(cpu, cpu.ss, cpu.general[ESP], cpu.cpl, size);
  frame.require(8);
  frame.requirePages(8);
  for (let index = 0; index < 8; index++) frame.push(readGeneral(cpu, index, size));
  setStackPointer(cpu, frame.pointer);
};

/** POPA (EX-15): the image of ESP is skipped. All values are read before any register changes: choice `popa_fault`. */
export const popa: Execute = (cpu, instruction) => {
  const size = instruction.operandSize;
  const values: number[] = [];
  for (let i = 0; i < 8; i++) values.push(peek(cpu, i * size, size));
  const pointer = stackOffset(cpu, 8 * size);
  values.forEach((value, i) => {
    const index = 7 - i;
    if (index !== ESP) writeGeneral(cpu, index, value, size);
  });
  setStackPointer(cpu, pointer);
};

/** PUSHF (SYS-19): the image shows neither RF nor VM. */
export const pushf: Execute = (cpu, instruction) => {
  const size = instruction.operandSize;
  push(cpu, truncate(flagsImage(cpu, size), size), size);
};

export const popf: Execute = (cpu, instruction) => {
  const size = instruction.operandSize;
  loadFlags(cpu, pop(cpu, size), size);
};

/** ENTER: a new frame, with copies of the frame pointers of `level` outer procedures. */
export const enter: Execute = (cpu, instruction) => {
  const size = instruction.operandSize;
  const level = instruction.immediate2 & 31;
  const mask = stackMask(cpu.ss);
  const stackPointer = cpu.general[ESP];
  const framePointer = ((stackPointer & ~mask) | stackOffset(cpu, -size)) >>> 0;
  const values = [readGeneral(cpu, EBP, size)];
  const frame = new StackFrame(cpu, cpu.ss, stackPointer, cpu.cpl, size);
  // Each value has its place before the next link is read.
  const placeLast = (): void => {
    frame.require(values.length);
    frame.requirePages(values.length);
  };
  placeLast();
  for (let i = 1; i < level; i++) {
    const link = ((cpu.general[EBP] - i * size) & mask) >>> 0;
    values.push(readSegment(cpu, cpu.ss, link, size));
    placeLast();
  }
  if (level > 0) values.push(truncate(framePointer, size));
  placeLast();

  const pointer = stackOffset(cpu, -size * values.length - instruction.immediate);
  prepareSegmentWrite(cpu, cpu.ss, pointer, size);
  for (const value of values) frame.push(value);
  setStackPointer(cpu, pointer);
  writeGeneral(cpu, EBP, framePointer, size);
};

export const leave: Execute = (cpu, instruction) => {
  setStackPointer(cpu, cpu.general[EBP]);
  const value = pop(cpu, instruction.operandSize);
  writeGeneral(cpu, EBP, value, instruction.operandSize);
};
