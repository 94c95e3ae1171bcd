// SPDX-License-Identifier: GPL-2.0-or-later

import type { CaseRequest, MemoryRun } from '../../protocol.js';
import { type MachineCase, machineCase, requireOpenBus, Unsupported } from '../bare-machine.js';
import { CASE_BYTES, ROM_WINDOW } from './control-block.js';

/** A case of class processor, with the parts that this implementation needs. */
export interface ProcessorRequest extends Omit<MachineCase, 'io' | 'steps'> {
  /** How many. */
  steps: number;
}

/** Throws `Unsupported` unless the machine can be put into the given state and the steps can be done. */
export function processorRequest(request: CaseRequest): ProcessorRequest {
  const { io, steps, ...parts } = machineCase(request, CASE_BYTES, 'time');
  for (const run of parts.memory) checkNotInRomWindow(run);
  requireOpenBus(io);
  return { ...parts, steps: steps.length };
}

function checkNotInRomWindow({ at, hex }: MemoryRun): void {
  const end = at + hex.length / 2;
  if (at < ROM_WINDOW.to && end > ROM_WINDOW.from) {
    throw new Unsupported(`memory from ${ROM_WINDOW.from.toString(16)}h on: the firmware is there`);
  }
}
