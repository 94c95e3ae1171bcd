// SPDX-License-Identifier: GPL-2.0-or-later

import type { HostObserver, Profile } from '../../../reference/host/kernel.js';
import { createProcessor } from '../../../reference/processor/index.js';
import type { Processor } from '../../../reference/processor/interface.js';
import type { PhysicalMemory } from '../../../reference/processor/memory.js';
import type { CaseRequest, CaseResult } from '../../protocol.js';
import { givenOf, runSteps } from './host.js';
import type { MakeProcessor } from './host-machine.js';
import { SystemWorld } from './system-world.js';

/** Processors are made once for each physical memory and reset for each case. */
const processors = new WeakMap<PhysicalMemory, Processor[]>();

/** Runs a case of class system: the guest's code runs on the processor model, by way of the real Switcher. */
export function runSystemCase(request: CaseRequest, profile: Profile, observer?: HostObserver): CaseResult {
  let used = 0;
  const makeProcessor: MakeProcessor = (memory, registers) => {
    const processor = pooledProcessor(memory, used++);
    processor.reset();
    processor.setRegisters(registers);
    return processor;
  };
  return runSteps(request, profile, new SystemWorld(givenOf(request)), makeProcessor, observer);
}

function pooledProcessor(memory: PhysicalMemory, index: number): Processor {
  const pool = processors.get(memory) ?? [];
  processors.set(memory, pool);
  const known = pool[index];
  if (known !== undefined) return known;
  const processor = createProcessor(memory);
  pool.push(processor);
  return processor;
}
