// SPDX-License-Identifier: GPL-2.0-or-later

import {
  type CaseRequest,
  isProcessorGiven,
  type MemoryRun,
  type PortValue,
  type ProcessorRegisters,
  type RequestStep,
  type SegmentRegister,
} from '../protocol.js';

/** The case asks for something that the implementation at hand does not have; the message says what. */
export class Unsupported extends Error {}

/** A case of class processor for an implementation that is a machine in the runner's hands. */
export interface MachineCase {
  registers: ProcessorRegisters;
  memorySize: number;
  memory: readonly MemoryRun[];
  io: readonly PortValue[];
  /** `max_instructions` of each step. */
  steps: readonly number[];
  observed: readonly [number, number][];
}

/** What becomes of a limit of instructions: they are counted, or it is a time, in which some may be executed that it forbids. */
export type Limit = 'counted' | 'time';

/**
 * Throws `Unsupported` unless the request is a processor's, has at most `memoryBytes` of memory, no interrupts, and no
 * limit that cannot be kept.
 */
export function machineCase(request: CaseRequest, memoryBytes: number, limit: Limit): MachineCase {
  if (request.class !== 'processor') throw new Unsupported(`class ${request.class}`);
  const { given } = request;
  if (!isProcessorGiven(given)) throw new Unsupported('a given that is not the state of a processor');
  if (given.memory_size > memoryBytes) {
    throw new Unsupported(`more than ${sizeText(memoryBytes)} of memory`);
  }
  return {
    registers: given.registers,
    memorySize: given.memory_size,
    memory: given.memory,
    io: given.io,
    steps: request.steps.map((step) => {
      const allowed = instructionsOf(step);
      if (limit === 'time') refuseToCount(allowed);
      return allowed;
    }),
    observed: request.observe.memory ?? [],
  };
}

function sizeText(bytes: number): string {
  return bytes % 0x10_0000 === 0 ? `${bytes / 0x10_0000} MiB` : `${bytes / 0x400} KiB`;
}

const USUAL_INSTRUCTIONS = 1000;

/** A lower limit is there because a case counts. */
const FEWEST_INSTRUCTIONS = 100;

/** Throws `Unsupported` when a step that is allowed so many instructions wants to be ended after a given one. */
export function refuseToCount(allowed: unknown): void {
  if (typeof allowed === 'number' && allowed < FEWEST_INSTRUCTIONS) {
    throw new Unsupported('instructions are not counted, so a low limit cannot be kept');
  }
}

function instructionsOf(step: RequestStep): number {
  if (step.op !== 'run') throw new Unsupported(`operation ${step.op}`);
  if (Array.isArray(step.interrupts) && step.interrupts.length > 0) {
    throw new Unsupported('external interrupts: there is no way to have one after a given instruction');
  }
  return typeof step.max_instructions === 'number' ? step.max_instructions : USUAL_INSTRUCTIONS;
}

/** Throws `Unsupported` unless every port of the case reads all ones, as a bus without devices does. */
export function requireOpenBus(ports: readonly PortValue[]): void {
  for (const { port, size, value } of ports) {
    if (value !== 2 ** (8 * size) - 1) {
      throw new Unsupported(
        `port ${port.toString(16)}h that reads ${value.toString(16)}h: there are no devices`,
      );
    }
  }
}

/** Physical memory as the case gives it; `size` defaults to that of the case. */
export function imageOf({ memory, memorySize }: MachineCase, size = memorySize): Buffer {
  const image = Buffer.alloc(size);
  for (const { at, hex } of memory) {
    if (at + hex.length / 2 > size) throw new Unsupported(`memory at ${at.toString(16)}h, beyond its size`);
    image.write(hex, at, 'hex');
  }
  return image;
}

const CHUNK_BYTES = 64;
const ZEROS = Buffer.alloc(CHUNK_BYTES);

/** What is not zero in the observed ranges of physical memory. */
export function observedRuns(
  memory: Uint8Array,
  observed: readonly (readonly [number, number])[],
): MemoryRun[] {
  const bytes = Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength);
  const runs: MemoryRun[] = [];
  for (const [from, length] of observed) {
    const end = Math.min(from + length, bytes.length);
    for (let at = from; at < end; at += CHUNK_BYTES) {
      const chunk = bytes.subarray(at, Math.min(at + CHUNK_BYTES, end));
      if (chunk.compare(ZEROS, 0, chunk.length) !== 0) runs.push({ at, hex: chunk.toString('hex') });
    }
  }
  return runs;
}

const CR0_PE = 0x01;
const EFLAGS_VM = 0x20000;

/**
 * A null selector leaves the cached part without meaning; the suite writes it as zeros. In real and virtual-8086 mode a
 * selector of 0 is a segment like any other.
 */
export function withNullSegments(registers: ProcessorRegisters): ProcessorRegisters {
  const shown = { ...registers };
  const has8086 = (registers.cr0 & CR0_PE) === 0 || (registers.eflags & EFLAGS_VM) !== 0;
  for (const name of has8086 ? (['ldtr'] as const) : (['es', 'ds', 'fs', 'gs', 'ldtr'] as const))
    shown[name] = withoutMeaningless(shown[name]);
  return shown;
}

function withoutMeaningless(segment: SegmentRegister): SegmentRegister {
  const isNull = (segment.selector & 0xfffc) === 0;
  return isNull ? { selector: segment.selector, base: 0, limit: 0, attributes: 0 } : segment;
}
