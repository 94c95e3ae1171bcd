// SPDX-License-Identifier: GPL-2.0-or-later

import {
  type CaseRequest,
  isProcessorGiven,
  type MemoryRun,
  type ProcessorRegisters,
} from '../../protocol.js';
import { refuseToCount, requireOpenBus, Unsupported } from '../bare-machine.js';
import { CASE_BYTES, ROM_WINDOW } from './control-block.js';

/** A case of class processor, with the parts that this implementation needs. */
export interface ProcessorRequest {
  registers: ProcessorRegisters;
  memorySize: number;
  memory: MemoryRun[];
  steps: number;
  observed: readonly [number, number][];
}

/** Throws `Unsupported` unless the machine can be put into the given state and the steps can be done. */
export function processorRequest(request: CaseRequest): ProcessorRequest {
  if (request.class !== 'processor') throw new Unsupported(`class ${request.class}`);
  const { given } = request;
  if (!isProcessorGiven(given)) throw new Unsupported('a given that is not the state of a processor');
  if (given.memory_size > CASE_BYTES) {
    throw new Unsupported(`more than ${CASE_BYTES / 0x10_0000} MiB of memory`);
  }
  for (const run of given.memory) checkNotInRomWindow(run);
  requireOpenBus(given.io);
  for (const step of request.steps) {
    if (step.op !== 'run') throw new Unsupported(`operation ${step.op}`);
    if (Array.isArray(step.interrupts) && step.interrupts.length > 0) {
      throw new Unsupported('external interrupts: QEMU cannot be told after which instruction to take one');
    }
    refuseToCount(step.max_instructions);
  }
  return {
    registers: given.registers,
    memorySize: given.memory_size,
    memory: given.memory,
    steps: request.steps.length,
    observed: request.observe.memory ?? [],
  };
}

function checkNotInRomWindow({ at, hex }: MemoryRun): void {
  const end = at + hex.length / 2;
  if (at < ROM_WINDOW.to && end > ROM_WINDOW.from) {
    throw new Unsupported(`memory from ${ROM_WINDOW.from.toString(16)}h on: the firmware is there`);
  }
}
