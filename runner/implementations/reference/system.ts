// SPDX-License-Identifier: GPL-2.0-or-later

import type { HostObserver, Profile } from '../../../reference/host/kernel.js';
import { createProcessor } from '../../../reference/processor/index.js';
import type { Processor, ProcessorObserver } from '../../../reference/processor/interface.js';
import type { PhysicalMemory } from '../../../reference/processor/memory.js';
import type { CaseRequest, CaseResult } from '../../protocol.js';
import { MalformedCase } from './fields.js';
import { givenOf, prepareMachine, runSteps } from './host.js';
import type { MakeProcessor } from './host-machine.js';
import { BOOT, runBootStep } from './system-boot.js';
import { RUN_LAUNCHER, runLauncherStep } from './system-launcher.js';
import { SystemWorld } from './system-world.js';
import type { Telling } from './telling.js';

/** What is told while the case that runs now is executed. */
const observer: ProcessorObserver = {};
/** Processors are made once for each physical memory and reset for each case. */
const processors = new WeakMap<PhysicalMemory, Processor[]>();

/** Who is told what happens, for `explain`. */
export interface SystemObservers {
  host?: HostObserver;
  processor?: ProcessorObserver;
}

/** Runs a case of class system: the guest's code runs on the processor model, by way of the real Switcher. */
export function runSystemCase(
  request: CaseRequest,
  profile: Profile,
  telling: Telling = 'whole',
  observers: SystemObservers = {},
): CaseResult {
  const [step, ...more] = request.steps;
  if (step?.op === BOOT) {
    if (more.length > 0) throw new MalformedCase('boot is the only step of its case');
    return runBootStep(request, profile, step, observers);
  }
  const world = new SystemWorld(givenOf(request));
  listen(world, observers.processor);
  let used = 0;
  const makeProcessor: MakeProcessor = (memory, registers) => {
    const processor = pooledProcessor(memory, used++);
    processor.reset();
    processor.setRegisters(registers);
    return processor;
  };
  if (step?.op !== RUN_LAUNCHER) {
    return runSteps(request, { profile, telling }, world, makeProcessor, observers.host);
  }
  if (more.length > 0) throw new MalformedCase('run_launcher is the only step of its case');
  const machine = prepareMachine(
    request,
    { profile, telling: 'whole' },
    world,
    makeProcessor,
    observers.host,
  );
  return runLauncherStep(machine, world, step);
}

function listen(world: SystemWorld, listener: ProcessorObserver | undefined): void {
  observer.instruction =
    listener?.instruction === undefined
      ? undefined
      : (trace, registers) => listener.instruction?.(trace, registers);
  observer.boundary = (cpl, linear, eflags, cr3) => world.guard?.boundary(cpl, linear, eflags, cr3);
  observer.interruption = (trace) => {
    if (trace.source === 'external') world.tookInterrupt(trace.vector);
    listener?.interruption?.(trace);
  };
}

function pooledProcessor(memory: PhysicalMemory, index: number): Processor {
  const pool = processors.get(memory) ?? [];
  processors.set(memory, pool);
  const known = pool[index];
  if (known !== undefined) return known;
  const processor = createProcessor(memory, undefined, observer);
  pool.push(processor);
  return processor;
}
