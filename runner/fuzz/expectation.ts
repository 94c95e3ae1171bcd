// SPDX-License-Identifier: GPL-2.0-or-later

import type { DataMap, ExceptionSpec, Expectation } from '../cases/case.js';
import { CaseError } from '../cases/problem.js';
import { processorDifferences } from '../compare/processor.js';
import { expandSegment } from '../expand/descriptors.js';
import { expectedProcessorState, type ProcessorState, processorStateOf } from '../expand/frame.js';
import { MemoryImage } from '../expand/image.js';
import {
  CONTROL_REGISTERS,
  GENERAL_REGISTERS,
  type ProcessorGiven,
  type ProcessorRegisters,
  SYSENTER_REGISTERS,
} from '../protocol.js';
import { type Ending, type Exception, exceptionOf, frameWords } from './compare.js';
import { hexByte } from './values.js';

const WORDS = [...GENERAL_REGISTERS, 'eip', 'eflags', ...CONTROL_REGISTERS, ...SYSENTER_REGISTERS] as const;
const SEGMENTS = ['cs', 'ss', 'ds', 'es', 'fs', 'gs', 'ldtr', 'tr'] as const;
const FAULTS = new Set([0, 5, 6, 7, 10, 11, 12, 13, 14, 16, 17, 19]);
const RF = 0x10000;
const VM = 0x20000;

/**
 * What a case expects, so that it describes this ending: as the exception that ended the run where the derivation of
 * `exception` gives the same, else register by register.
 */
export function expectationOf(given: ProcessorGiven, ending: Ending, flags: string[]): Expectation {
  if (ending.stop !== 'hlt') return { outcome: ending.stop, state: {} };
  const before = processorStateOf(given);
  const exception = exceptionOf(given.registers, ending);
  const undefinedFlags = flags.length > 0 ? { undefined_flags: flags } : {};
  const short =
    exception === undefined ? undefined : withException(before, ending, exception, undefinedFlags);
  if (short !== undefined) return short;
  const registers = changedRegisters(before, ending.state.registers);
  return { state: { registers, ...memoryOf(before.memory, ending.state.memory) }, ...undefinedFlags };
}

function withException(
  before: ProcessorState,
  ending: Ending,
  exception: Exception,
  undefinedFlags: Partial<Expectation>,
): Expectation | undefined {
  const { vector, hasCode } = exception;
  const words = frameWords(exception, ending, 6);
  const errorCode = hasCode ? words.shift() : undefined;
  const [eip, cs, eflags, esp, ss] = words;
  if (eip === undefined || cs === undefined || eflags === undefined) return undefined;
  const after = ending.state.registers;
  // The derivation makes the data segments null.
  const was8086 = exception.slot === 4 && (eflags & VM) !== 0;
  const inner = exception.slot === 4 && ((eflags & VM) !== 0 || (cs & 3) !== (after.cs.selector & 3));
  const isFault = FAULTS.has(vector);
  const atFault: DataMap = {
    ...changedRegisters(before, after, ['esp', 'eip', 'eflags', 'cr2'], was8086 ? SEGMENTS : ['cs', 'ss']),
    ...changedWord(before, 'eflags', isFault ? eflags & ~RF : eflags),
    ...(inner
      ? changedWord(before, 'esp', esp ?? 0)
      : changedWord(before, 'esp', unpushed(exception, after))),
    ...changedSelector(before, 'cs', cs & 0xffff),
    ...changedSelector(before, 'ss', inner ? (ss ?? 0) & 0xffff : after.ss.selector),
  };
  const spec: ExceptionSpec = {
    vector,
    ...(errorCode === undefined ? {} : { error_code: errorCode }),
    ...(eip === before.registers.eip ? {} : { eip }),
    ...(isFault === ((eflags & RF) !== 0) ? {} : { eflags }),
    ...(after.cr2 === before.registers.cr2 ? {} : { cr2: after.cr2 }),
  };
  return completed(before, ending, { state: { registers: atFault }, exception: spec, ...undefinedFlags });
}

/** ESP before a frame was pushed on the same stack. */
function unpushed({ slot, hasCode }: Exception, { esp, ss }: ProcessorRegisters): number {
  const big = (ss.attributes & 0x4000) !== 0;
  const above = esp + slot * (hasCode ? 4 : 3);
  return big ? above >>> 0 : ((esp & 0xffff0000) | (above & 0xffff)) >>> 0;
}

/** With the memory that it leaves out; undefined when it says something else than the ending. */
function completed(
  before: ProcessorState,
  ending: Ending,
  expectation: Expectation,
): Expectation | undefined {
  try {
    const { memory } = expectedProcessorState(before, expectation, {});
    const state = { ...expectation.state, ...memoryOf(memory, ending.state.memory) };
    const complete = { ...expectation, state };
    const expected = expectedProcessorState(before, complete, {});
    return processorDifferences(before, ending.state, expected, { state: {} }).length === 0
      ? complete
      : undefined;
  } catch (error) {
    if (error instanceof CaseError) return undefined;
    throw error;
  }
}

function changedRegisters(
  before: ProcessorState,
  after: ProcessorRegisters,
  exceptWords: readonly string[] = [],
  exceptSegments: readonly string[] = [],
): DataMap {
  const changed: DataMap = {};
  for (const name of WORDS) {
    if (!exceptWords.includes(name) && after[name] !== before.registers[name]) changed[name] = after[name];
  }
  const tables = { ...before.registers, cr0: after.cr0, eflags: after.eflags };
  for (const name of SEGMENTS) {
    if (exceptSegments.includes(name) || isSame(after[name], before.registers[name])) continue;
    const { selector } = after[name];
    const short = quietly(() => expandSegment(name, selector, tables, before.memory));
    changed[name] = isSame(short, after[name]) ? selector : { ...after[name] };
  }
  for (const name of ['gdtr', 'idtr'] as const) {
    if (!isSame(after[name], before.registers[name])) changed[name] = { ...after[name] };
  }
  return changed;
}

const isSame = (one: unknown, two: unknown): boolean => JSON.stringify(one) === JSON.stringify(two);

function quietly<Result>(work: () => Result): Result | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof CaseError) return undefined;
    throw error;
  }
}

const changedWord = (before: ProcessorState, name: 'esp' | 'eflags', value: number): DataMap =>
  before.registers[name] === value >>> 0 ? {} : { [name]: value >>> 0 };

const changedSelector = (before: ProcessorState, name: 'cs' | 'ss', selector: number): DataMap =>
  before.registers[name].selector === selector ? {} : { [name]: selector };

/** The double words of a memory that differ from another's, as items of a case. */
function memoryOf(expected: MemoryImage, actual: MemoryImage): { memory?: DataMap[] } {
  const runs: { at: number; hex: string }[] = [];
  for (const at of MemoryImage.differences(expected, actual)) {
    const hex = [0, 1, 2, 3].map((i) => hexByte(actual.read8(at + i))).join('');
    const last = runs.at(-1);
    if (last !== undefined && last.at + last.hex.length / 2 === at) last.hex += hex;
    else runs.push({ at, hex });
  }
  return runs.length === 0 ? {} : { memory: runs };
}
