// SPDX-License-Identifier: GPL-2.0-or-later

import { type Data, type DataMap, type Expectation, isMap } from '../cases/case.js';
import { merge } from '../cases/merge.js';
import { CaseError } from '../cases/problem.js';
import type { CaseRequest, PortAccess, ProcessorGiven, ProcessorRegisters } from '../protocol.js';
import { type Delivered, deliver } from './exception.js';
import { stateOfGiven } from './host.js';
import { MemoryImage } from './image.js';
import { expandRegisters, runsOf } from './processor.js';

/** The state of a processor between steps. */
export interface ProcessorState {
  registers: ProcessorRegisters;
  memory: MemoryImage;
  io: PortAccess[];
}

export interface ExpectedProcessorState extends ProcessorState {
  /** Physical addresses of the frame's image of EFLAGS, when an exception is expected. */
  flagsImage: number[];
}

export function processorStateOf(given: ProcessorGiven): ProcessorState {
  return { registers: given.registers, memory: MemoryImage.of(given.memory), io: [] };
}

/** The frame rule of class processor: the state before the step, with what `then` names put over it. */
export function expectedProcessorState(
  before: ProcessorState,
  expected: Expectation,
  choices: Record<string, string>,
): ExpectedProcessorState {
  const { state, exception } = expected;
  const named = isMap(state.registers) ? state.registers : {};
  const registers = expandRegisters(before.registers, named, before.memory);
  const io = (Array.isArray(state.io) ? state.io : []) as unknown as PortAccess[];
  let after: Delivered = { registers, memory: before.memory, flagsImage: [] };
  if (exception !== undefined) {
    const frameSelector = choices.frame_selector === 'unchanged' ? 'unchanged' : 'zero_extended';
    after = deliver(exception, registers, before.memory, { frameSelector });
  }
  let { memory } = after;
  const runs = runsOf(state.memory);
  if (runs.length > 0) {
    memory = memory === before.memory ? memory.copy() : memory;
    for (const run of runs) memory.writeHex(run.at, run.hex);
  }
  return { registers: after.registers, memory, io, flagsImage: after.flagsImage };
}

/** The state of a host or system case before its first step. */
export function hostStateOf(request: CaseRequest): DataMap {
  if (request.class === 'processor') throw new CaseError('a processor has no host state');
  return stateOfGiven(request.given as DataMap, request.class);
}

/** Lists in which each element stands for itself: a null, or nothing, leaves it as it was. */
const ELEMENTWISE = new Set(['guests', 'vcpus', 'pages']);

/** The frame rule of classes host and system. */
export function expectedHostState(before: DataMap, named: DataMap): DataMap {
  const result: DataMap = { ...before };
  for (const [key, value] of Object.entries(named)) {
    const base = before[key];
    if (ELEMENTWISE.has(key) && Array.isArray(value)) {
      result[key] = elementwise(Array.isArray(base) ? base : [], value);
    } else if (key === 'pages' && isMap(value) && Array.isArray(base)) {
      result[key] = elementwise(base, onlyAt(hostCpuOf(result), value));
    } else if (TABLES.has(key) && isMap(value) && base === undefined) {
      result[key] = { ...value, [OTHER_ENTRIES]: null };
    } else if (key === 'pages' && isMap(value)) {
      result[key] = expectedHostState(isMap(base) ? base : {}, value);
    } else if (key === 'memory') {
      result[key] = [...(Array.isArray(base) ? base : []), ...(Array.isArray(value) ? value : [])];
    } else if (isMap(value) && isMap(base)) {
      result[key] = merge(base, value);
    } else {
      result[key] = value;
    }
  }
  return result;
}

/** Key that leaves open what a descriptor table holds beside the named entries: nobody knows what was there before. */
export const OTHER_ENTRIES = '*';
const TABLES = new Set(['guest_idt', 'guest_gdt', 'host_gdt']);

function hostCpuOf(state: DataMap): number {
  return isMap(state.host) && typeof state.host.host_cpu === 'number' ? state.host.host_cpu : 0;
}

function onlyAt(index: number, value: Data): Data[] {
  return [...Array.from({ length: index }, () => null), value];
}

function elementwise(before: Data[], named: Data[]): Data[] {
  const length = Math.max(before.length, named.length);
  return Array.from({ length }, (_, index) => {
    const base = before[index] ?? {};
    const over = named[index] ?? null;
    return isMap(base) && isMap(over) ? expectedHostState(base, over) : base;
  });
}
