// SPDX-License-Identifier: GPL-2.0-or-later

import type { Expectation } from '../cases/case.js';
import { EXCEPTION_NAMES } from '../expand/exception.js';
import type { ExpectedProcessorState, ProcessorState } from '../expand/frame.js';
import { MemoryImage } from '../expand/image.js';
import {
  CONTROL_REGISTERS,
  GENERAL_REGISTERS,
  isProcessorRegisters,
  type PortAccess,
  type ProcessorRegisters,
  SEGMENT_REGISTERS,
  SYSENTER_REGISTERS,
} from '../protocol.js';
import { type Difference, difference, hex32 } from './difference.js';
import { flagBit, registerDifferences } from './flags.js';
import { byteMasks, maskOfWord, memoryDifferences } from './memory.js';

const WORDS = ['eip', ...GENERAL_REGISTERS, 'eflags', ...CONTROL_REGISTERS, ...SYSENTER_REGISTERS] as const;

/** The state in an answer, or undefined when it is not one. */
export function processorStateIn(state: Record<string, unknown>): ProcessorState | undefined {
  const { registers, memory = [], io = [] } = state;
  if (!isProcessorRegisters(registers) || !Array.isArray(memory) || !Array.isArray(io)) return undefined;
  return {
    registers,
    memory: MemoryImage.of(memory),
    io,
  };
}

/** All differences of a processor's state from the expected one. */
export function processorDifferences(
  before: ProcessorState,
  actual: ProcessorState,
  expectedState: ExpectedProcessorState,
  expected: Expectation,
): Difference[] {
  const undefinedFlags = flagsMask(expected.undefined_flags);
  const registerMask: Record<string, number> = { ...expected.register_mask };
  registerMask.eflags = ((registerMask.eflags ?? 0xffffffff) & undefinedFlags) >>> 0;
  return [
    ...wordDifferences(before, actual, expectedState, registerMask, expected.any_of ?? {}),
    ...segmentDifferences(actual.registers, expectedState.registers),
    ...allMemoryDifferences(before, actual, expectedState, expected, undefinedFlags),
    ...ioDifferences(actual.io, expectedState.io),
  ];
}

/** Memory, with the image of EFLAGS in an exception's frame told apart. */
function allMemoryDifferences(
  before: ProcessorState,
  actual: ProcessorState,
  expectedState: ExpectedProcessorState,
  expected: Expectation,
  undefinedFlags: number,
): Difference[] {
  // Mostly nothing differs, and then masks need not be made.
  if (MemoryImage.differences(actual.memory, expectedState.memory).length === 0) return [];
  const masks = byteMasks(expected.memory_mask ?? []);
  expectedState.flagsImage.forEach((address, index) => {
    masks.set(address, (masks.get(address) ?? 0xff) & (undefinedFlags >>> (8 * index)) & 0xff);
  });
  return [
    ...pushedFlagsDifferences(before, actual, expectedState, masks),
    ...memoryDifferences('memory', actual.memory, expectedState.memory, masks),
  ];
}

function flagsMask(undefinedFlags: readonly string[] | undefined): number {
  const bits = (undefinedFlags ?? []).reduce((mask, name) => mask | (flagBit(name) ?? 0), 0);
  return ~bits >>> 0;
}

function wordDifferences(
  before: ProcessorState,
  actual: ProcessorState,
  expected: ProcessorState,
  masks: Record<string, number>,
  anyOf: Record<string, number[]>,
): Difference[] {
  const found: Difference[] = [];
  for (const name of WORDS) {
    const path = `registers.${name}`;
    const is = actual.registers[name];
    const should = expected.registers[name];
    const allowed = anyOf[name];
    if (allowed !== undefined) {
      if (!allowed.includes(is)) {
        found.push(difference(path, name.toUpperCase(), hex32(is), allowed.map(hex32).join(' or ')));
      }
      continue;
    }
    const mask = masks[name] ?? 0xffffffff;
    if (((is ^ should) & mask) === 0 && typeof is === 'number') continue;
    if (name === 'eip') found.push(eipDifference(before, actual, expected));
    else
      found.push(
        ...registerDifferences(path, name.toUpperCase(), name, (is & mask) >>> 0, (should & mask) >>> 0),
      );
  }
  return found;
}

/** An EIP behind the HLT of a handler is told as the exception that led there. */
function eipDifference(before: ProcessorState, actual: ProcessorState, expected: ProcessorState): Difference {
  const is = endOf(before, actual) ?? hex32(actual.registers.eip);
  const should = endOf(before, expected) ?? hex32(expected.registers.eip);
  return difference('registers.eip', 'EIP', is, should);
}

/** Vectors that push an error code. */
const WITH_ERROR_CODE = new Set([8, 10, 11, 12, 13, 14, 17]);

/** Tells the image of EFLAGS in the frame of the exception that ends the run bit by bit, and masks its bytes. */
function pushedFlagsDifferences(
  before: ProcessorState,
  actual: ProcessorState,
  expected: ExpectedProcessorState,
  masks: Map<number, number>,
): Difference[] {
  const end = exceptionAtEnd(before, expected);
  if (end === undefined || !end.wideGate) return [];
  const at = end.frame + (end.hasCode ? 12 : 8);
  const mask = maskOfWord(at, masks);
  for (let i = 0; i < 4; i++) masks.set(at + i, 0);
  const is = (actual.memory.read32(at) & mask) >>> 0;
  const should = (expected.memory.read32(at) & mask) >>> 0;
  if (is === should) return [];
  return registerDifferences('memory.pushed_eflags', 'pushed EFLAGS', 'eflags', is, should);
}

/** `#GP(0) at c0100000` when the run ended in the handler of a vector of the IDT before the step. */
function endOf(before: ProcessorState, state: ProcessorState): string | undefined {
  const end = exceptionAtEnd(before, state);
  if (end === undefined) return undefined;
  const { vector, frame, hasCode } = end;
  const name = EXCEPTION_NAMES[vector] ?? `vector ${vector}`;
  const code = hasCode ? `(${state.memory.read32(frame).toString(16)})` : '';
  return `${hex32(state.registers.eip)} [${name}${code} at ${hex32(state.memory.read32(frame + (hasCode ? 4 : 0)))}]`;
}

const PE = 1;

interface ExceptionAtEnd {
  vector: number;
  /** Where its frame begins. */
  frame: number;
  hasCode: boolean;
  /** It came through a 32-bit gate. */
  wideGate: boolean;
}

function exceptionAtEnd(before: ProcessorState, state: ProcessorState): ExceptionAtEnd | undefined {
  const { idtr, cr0 } = before.registers;
  if ((cr0 & PE) === 0) return undefined;
  for (let vector = 0; 8 * vector + 7 <= idtr.limit && vector < 256; vector++) {
    const gate = idtr.base + 8 * vector;
    const low = before.memory.read32(gate);
    const high = before.memory.read32(gate + 4);
    if ((high & 0x8000) === 0) continue;
    const offset = ((high & 0xffff0000) | (low & 0xffff)) >>> 0;
    if (state.registers.eip !== offset + 1) continue;
    return {
      vector,
      frame: state.registers.ss.base + state.registers.esp,
      hasCode: WITH_ERROR_CODE.has(vector),
      wideGate: (high & 0x800) !== 0,
    };
  }
  return undefined;
}

function segmentDifferences(actual: ProcessorRegisters, expected: ProcessorRegisters): Difference[] {
  const found: Difference[] = [];
  for (const name of SEGMENT_REGISTERS) {
    for (const part of ['selector', 'base', 'limit', 'attributes'] as const) {
      const is = actual[name]?.[part];
      const should = expected[name][part];
      if (is !== should) {
        found.push(
          difference(`registers.${name}.${part}`, `${name.toUpperCase()}.${part}`, hex32(is), hex32(should)),
        );
      }
    }
  }
  for (const name of ['gdtr', 'idtr'] as const) {
    for (const part of ['base', 'limit'] as const) {
      const is = actual[name]?.[part];
      const should = expected[name][part];
      if (is !== should) {
        found.push(
          difference(`registers.${name}.${part}`, `${name.toUpperCase()}.${part}`, hex32(is), hex32(should)),
        );
      }
    }
  }
  return found;
}

function ioDifferences(actual: readonly PortAccess[], expected: readonly PortAccess[]): Difference[] {
  const found: Difference[] = [];
  for (let i = 0; i < Math.max(actual.length, expected.length); i++) {
    const is = accessText(actual[i]);
    const should = accessText(expected[i]);
    if (is !== should) found.push(difference('io', `port access ${i + 1}:`, is, should));
  }
  return found;
}

function accessText(access: PortAccess | undefined): string {
  if (access === undefined) return 'none';
  const { dir, port, size, value } = access;
  return `${dir} port ${port.toString(16)}h size ${size} value ${value.toString(16)}h`;
}
