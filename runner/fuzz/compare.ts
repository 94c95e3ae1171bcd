// SPDX-License-Identifier: GPL-2.0-or-later

import { type Difference, difference, isWithin } from '../compare/difference.js';
import { processorDifferences, processorStateIn } from '../compare/processor.js';
import { translate } from '../expand/descriptors.js';
import type { ExpectedProcessorState, ProcessorState } from '../expand/frame.js';
import { processorStateOf } from '../expand/frame.js';
import { MemoryImage } from '../expand/image.js';
import type { Answer } from '../implementations/implementation.js';
import {
  type CaseRequest,
  GENERAL_REGISTERS,
  isProcessorGiven,
  type ProcessorGiven,
  type ProcessorRegisters,
} from '../protocol.js';
import type { FuzzCase } from './case.js';
import { openMemory } from './floating-point.js';
import { type Freedom, isBeyondMemory, isFree, type LastFault } from './freedoms.js';
import {
  beginnings,
  type FuzzInstruction,
  HALTS_END,
  isBehindCode,
  undefinedAtEnd,
  undefinedBefore,
} from './instruction.js';
import { CODE } from './machine.js';
import { ARITHMETIC_FLAGS, flagNames } from './undefined-flags.js';

/** How a run ended. */
export interface Ending {
  stop: string;
  state: ProcessorState;
}

/** The ending in an answer; undefined when it has none, with the reason. */
export function endingOf(answer: Answer): Ending | string {
  if (answer.kind === 'unsupported') return answer.reason;
  if (answer.kind !== 'result') return answer.kind;
  const step = answer.result.steps[0];
  const state = step === undefined ? undefined : processorStateIn(step.state);
  if (step === undefined || state === undefined) return 'an answer without a state';
  return { stop: step.outcome.stop, state };
}

const ERROR_CODES = new Set([8, 10, 11, 12, 13, 14, 17]);
const HANDLERS = 0x3000;
const HANDLER_BYTES = 4;
const HANDLERS_END = 0x3100;
const PE = 1;

/** The exception that led to the handler in which a run ended: all fixtures have handlers four bytes apart from 3000h. */
export interface Exception {
  vector: number;
  /** Linear address of the frame. */
  frame: number;
  /** Bytes of a slot of the frame. */
  slot: 2 | 4;
  hasCode: boolean;
}

export function exceptionOf(given: ProcessorRegisters, { stop, state }: Ending): Exception | undefined {
  const { eip, cs, ss, esp } = state.registers;
  const handler = cs.base + eip - 1 - HANDLERS;
  if (stop !== 'hlt' || handler < 0 || handler >= HANDLERS_END - HANDLERS) return undefined;
  if (handler % HANDLER_BYTES !== 0) return undefined;
  const vector = handler / HANDLER_BYTES;
  const real = (given.cr0 & PE) === 0;
  const big = (ss.attributes & 0x4000) !== 0;
  return {
    vector,
    frame: (ss.base + (big ? esp : esp & 0xffff)) >>> 0,
    slot: real ? 2 : 4,
    hasCode: !real && ERROR_CODES.has(vector),
  };
}

/** The words of a frame from its lowest on. */
export function frameWords(exception: Exception, { state }: Ending, count: number): (number | undefined)[] {
  const { frame, slot } = exception;
  return Array.from({ length: count }, (_, i) => {
    const at = translate((frame + i * slot) >>> 0, state.registers, state.memory);
    if (at === undefined) return undefined;
    const word = state.memory.read32(at);
    return slot === 2 ? word & 0xffff : word;
  });
}

/** Physical addresses of the bytes of EFLAGS in a frame. */
function flagsImage(exception: Exception, { state }: Ending): number[] {
  const { frame, slot, hasCode } = exception;
  const linear = frame + slot * (hasCode ? 3 : 2);
  const at = translate(linear >>> 0, state.registers, state.memory);
  return at === undefined ? [] : Array.from({ length: slot }, (_, i) => at + i);
}

/** The flags that do not count in this ending of a case. */
export function undefinedFlags(entry: FuzzCase, given: ProcessorRegisters, ending: Ending): string[] {
  const exception = exceptionOf(given, ending);
  const words = exception === undefined ? [] : frameWords(exception, ending, 2);
  const saved = exception?.hasCode === true ? words[1] : words[0];
  return flagNames(undefinedAtEnd(entry.instructions, saved === undefined ? undefined : saved - CODE));
}

/** All that distinguishes an ending from that of the reference, but for what is undefined and what is free. */
export function differencesOf(
  entry: FuzzCase,
  request: CaseRequest,
  reference: Ending,
  actual: Ending,
  observes: readonly string[] | undefined,
  freedoms: readonly Freedom[],
): Difference[] {
  if (!isProcessorGiven(request.given)) throw new Error('a fuzzed case has no processor');
  const given = request.given.registers;
  if (overwritesItself(entry, request, reference) || isLost(entry, given, reference)) return [];
  if (reference.stop !== actual.stop) return [difference('outcome', 'outcome', actual.stop, reference.stop)];
  // After a triple fault nothing counts.
  if (reference.stop !== 'hlt') return [];
  const exception = exceptionOf(given, reference);
  const expected: ExpectedProcessorState = {
    ...reference.state,
    flagsImage: exception === undefined ? [] : flagsImage(exception, reference),
  };
  const flags =
    isChanged(entry, request, reference) || mayEnterTheMiddle(entry)
      ? flagNames(ARITHMETIC_FLAGS)
      : undefinedFlags(entry, given, reference);
  const mnemonics = new Set(entry.instructions.map(({ mnemonic }) => mnemonic));
  return processorDifferences(processorStateOf(request.given), actual.state, expected, {
    state: {},
    undefined_flags: flags,
    register_mask: openRegisters(entry.instructions),
    memory_mask: openMemory(entry.instructions),
  }).filter(
    ({ path }) =>
      (observes === undefined || observes.some((seen) => isWithin(path, seen))) &&
      !isFree(path, mnemonics, exception?.vector, freedoms),
  );
}

/** LAR leaves four bits of its result undefined. */
const LAR_MASK = 0xfff0ffff;

function openRegisters(instructions: readonly FuzzInstruction[]): Record<string, number> {
  const loads = instructions.filter(({ mnemonic }) => mnemonic === 'LAR');
  return Object.fromEntries(
    loads.map(({ modrm }) => [GENERAL_REGISTERS[((modrm[0] ?? 0) >> 3) & 7], LAR_MASK]),
  );
}

const REPEATS = [0xf2, 0xf3];

/** A repetition that stores over its own code: when it notices is its own affair. */
function overwritesItself(entry: FuzzCase, request: CaseRequest, ending: Ending): boolean {
  const repeats = entry.instructions.some(({ prefixes }) =>
    prefixes.some((prefix) => REPEATS.includes(prefix)),
  );
  return repeats && isChanged(entry, request, ending);
}

/** Whether the code is no longer what it was: then other instructions may have left other flags undefined. */
function isChanged({ instructions }: FuzzCase, { given }: CaseRequest, { state }: Ending): boolean {
  if (!isProcessorGiven(given)) return false;
  const before = MemoryImage.of(given.memory);
  const end = beginnings(instructions).at(-1) ?? 0;
  for (let at = CODE; at < CODE + end; at++) {
    if (state.memory.read8(at) !== before.read8(at)) return true;
  }
  return false;
}

/** These take where they go from a register or from memory. */
const INDIRECT = new Set(['RET', 'RETF', 'IRET', 'CALL', 'JMP']);

/** Whether it may go on in the middle of an instruction, where other instructions leave other flags undefined. */
function mayEnterTheMiddle({ instructions, machine }: FuzzCase): boolean {
  if (!instructions.some(({ mnemonic, jump }) => INDIRECT.has(mnemonic) && jump === undefined)) return false;
  const begins = beginnings(instructions);
  const isMiddle = (offset: number) =>
    offset > 0 && offset < (begins.at(-1) ?? 0) && !begins.includes(offset);
  const words = [...Object.values(machine.registers), ...machine.memory.flatMap(({ dwords }) => dwords)];
  return words.some((word) => isMiddle((word & 0xffff) - CODE) || isMiddle((word >>> 16) - CODE));
}

const SEGMENT_BYTES = 0x10000;
const VIRTUAL_8086 = 0x20000;

/** Whether it reached a segment of real or virtual-8086 mode that goes on where the case has no memory. */
export function leavesMemory({ memory_size, registers }: ProcessorGiven, ending: Ending): boolean {
  return (
    isBeyondMemory(registers, memory_size) ||
    isBeyondMemory(ending.state.registers, memory_size) ||
    pushedSegments(registers, ending).some((selector) => 16 * selector + SEGMENT_BYTES > memory_size)
  );
}

/** The selectors of real or virtual-8086 mode in the frame of the exception at the end. */
function pushedSegments(given: ProcessorRegisters, ending: Ending): number[] {
  const exception = exceptionOf(given, ending);
  if (exception === undefined) return [];
  const words = frameWords(exception, ending, 10).map((word = 0) => word);
  if (exception.slot === 2) return words.slice(1, 2);
  const [, cs = 0, eflags = 0, , ...rest] = exception.hasCode ? words.slice(1) : words;
  const segments = [cs, ...rest.slice(0, 5)].map((word) => word & 0xffff);
  return (eflags & VIRTUAL_8086) === 0 ? [] : segments;
}

/** The exception at the end of a run, or the HLT. */
export function lastFault(given: ProcessorRegisters, ending: Ending): LastFault {
  const { cr2, eip } = ending.state.registers;
  const exception = exceptionOf(given, ending);
  const words = exception === undefined ? [] : frameWords(exception, ending, 2);
  const at = exception === undefined ? eip - 1 : ((exception.hasCode ? words[1] : words[0]) ?? 0);
  const pointers = GENERAL_REGISTERS.map((name) => given[name]);
  const isInCode = at >= CODE && at <= CODE + HALTS_END;
  return { vector: exception?.vector, eip: at, cr2, pointers, isInCode };
}

/** Whether an ending says something that does not depend on what nobody knows. */
export function isJudgeable(entry: FuzzCase, request: CaseRequest, ending: Ending): boolean {
  if (!isProcessorGiven(request.given)) return false;
  const { registers } = request.given;
  return (
    !isChanged(entry, request, ending) &&
    !isLost(entry, registers, ending) &&
    !leavesMemory(request.given, ending)
  );
}

/** It went on in bytes that are no code of the case, and undefined flags may have led it. */
function isLost({ instructions }: FuzzCase, given: ProcessorRegisters, ending: Ending): boolean {
  const flags = undefinedBefore(instructions);
  if (flags?.every((some) => some === 0) === true) return false;
  const exception = exceptionOf(given, ending);
  if (exception === undefined) return !isBehindCode(instructions, ending.state.registers.eip - 1 - CODE);
  const words = frameWords(exception, ending, 2);
  const eip = exception.hasCode ? words[1] : words[0];
  const offset = (eip ?? 0) - CODE;
  return !beginnings(instructions).includes(offset) && !isBehindCode(instructions, offset);
}
