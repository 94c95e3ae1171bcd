// SPDX-License-Identifier: GPL-2.0-or-later

import type { CaseBody, DataMap, Expectation } from '../cases/case.js';
import type { MemoryRun } from '../protocol.js';

/** One line of cases/recorded/processor; the format is explained in cases/recorded/README.md. */
export interface ProcessorVector {
  group: string;
  memory: MemoryRun[];
  cpu: DataMap & { msrs: DataMap };
  stop: 'hlt' | 'shutdown';
  then: { cpu: DataMap & { msrs: DataMap; eip: number; esp: number }; memory: MemoryRun[] };
  io?: DataMap[];
  flags_mask?: number;
  register_mask?: Record<string, number>;
  any_of?: Record<string, number[]>;
  memory_mask?: MemoryRun[];
}

const MEMORY_SIZE = 0x20000;
const MAX_INSTRUCTIONS = 100_000;

/** All recorded machines have their ring 0 handlers here, four bytes each, the first a HLT. */
const HANDLERS = 0x3000;
const VECTORS_WITH_ERROR_CODE = new Set([8, 10, 11, 12, 13, 14, 17]);

export function processorBody(vector: ProcessorVector): CaseBody {
  return {
    given: {
      memory_size: MEMORY_SIZE,
      memory: vector.memory.map((run) => ({ ...run })),
      registers: registersOf(vector.cpu),
      io: [],
    },
    steps: [
      { op: 'run', parameters: { max_instructions: MAX_INSTRUCTIONS }, expected: expectationOf(vector) },
    ],
  };
}

function registersOf({ msrs, ...registers }: DataMap & { msrs: DataMap }): DataMap {
  return { ...registers, ...msrs };
}

function expectationOf(vector: ProcessorVector): Expectation {
  if (vector.stop === 'shutdown') {
    // A shutdown leaves a processor that nobody can look at: only that it happens counts.
    return { outcome: 'shutdown', state: {}, unspecified: ['registers', 'memory', 'io'] };
  }
  const state: DataMap = {
    registers: registersOf(vector.then.cpu),
    memory: vector.then.memory.map((run) => ({ ...run })),
  };
  const expected: Expectation = { outcome: 'hlt', state };
  // Port accesses were checked by several witnesses in group a only.
  if (vector.group === 'a') state.io = vector.io ?? [];
  else expected.unspecified = ['io'];
  if (vector.any_of !== undefined) expected.any_of = vector.any_of;
  if (vector.register_mask !== undefined) expected.register_mask = vector.register_mask;
  if (vector.memory_mask !== undefined) expected.memory_mask = vector.memory_mask;
  if (vector.flags_mask !== undefined) maskFlags(expected, vector, vector.flags_mask);
  return expected;
}

/** Masks EFLAGS, and its image in the frame of the exception that ended the run. */
function maskFlags(expected: Expectation, vector: ProcessorVector, mask: number): void {
  expected.register_mask = { eflags: mask, ...expected.register_mask };
  const { eip, esp } = vector.then.cpu;
  const ended = (eip - 1 - HANDLERS) / 4;
  if (!Number.isInteger(ended) || ended < 0 || ended > 63) return;
  const at = esp + (VECTORS_WITH_ERROR_CODE.has(ended) ? 12 : 8);
  const image = Buffer.alloc(4);
  image.writeUInt32LE(mask);
  expected.memory_mask = [...(expected.memory_mask ?? []), { at, hex: image.toString('hex') }];
}
