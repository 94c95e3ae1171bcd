// SPDX-License-Identifier: GPL-2.0-or-later

import { writeFarPointer } from '../../../reference/host/host-initialisation.js';
import type { HostObserver, Profile } from '../../../reference/host/kernel.js';
import { GuestKilled, type LgCpu } from '../../../reference/host/state.js';
import { NotModelled } from '../../../reference/processor/interface.js';
import type { CaseRequest, CaseResult, RequestStep, StepResult } from '../../protocol.js';
import { isObject } from '../../protocol.js';
import { callDevice, cpuOfCall, DEVICE_OPERATIONS, setStepFailures, whileAsleep } from './device.js';
import { stopOf } from './ending.js';
import { indexAt, MalformedCase, type Tree, treeAt, treesAt, wordAt } from './fields.js';
import { describeState } from './host-answer.js';
import { buildMachine, type HostMachine, type MakeProcessor, storeRun } from './host-machine.js';
import { callModule, MODULE_OPERATIONS } from './module.js';
import { CPU_OPERATIONS, HOST_OPERATIONS, type Returned } from './operations.js';
import { ScriptedProcessor } from './scripted-processor.js';
import { ScriptedWorld } from './scripted-world.js';
import type { Telling } from './telling.js';
import type { CaseWorld } from './world.js';

/** Runs a case of class host: the processor follows the case's script. */
export function runHostCase(
  request: CaseRequest,
  profile: Profile,
  telling: Telling = 'whole',
  observer?: HostObserver,
): CaseResult {
  const world = new ScriptedWorld(givenOf(request));
  const makeProcessor: MakeProcessor = (memory, registers) => {
    const processor = new ScriptedProcessor(memory, registers, () => world.enterGuest());
    world.processors.push(processor);
    return processor;
  };
  return runSteps(request, { profile, telling }, world, makeProcessor, observer);
}

/** The state that a case starts from. */
export function givenOf(request: CaseRequest): Tree {
  if (!isObject(request.given)) throw new MalformedCase('given is not a map');
  return request.given;
}

/** How a case is run. */
export interface Manner {
  profile: Profile;
  telling: Telling;
}

/** Runs the steps of a case of class host or system. */
export function runSteps(
  request: CaseRequest,
  manner: Manner,
  world: CaseWorld,
  makeProcessor: MakeProcessor,
  observer?: HostObserver,
): CaseResult {
  const machine = prepareMachine(request, manner, world, makeProcessor, observer);
  const given = givenOf(request);
  return { steps: request.steps.map((step) => runStep(machine, world, step, given)) };
}

/** The host and its guests as a case gives them. */
export function prepareMachine(
  request: CaseRequest,
  { profile, telling }: Manner,
  world: CaseWorld,
  makeProcessor: MakeProcessor,
  observer?: HostObserver,
): HostMachine {
  const conformanceClass = request.class === 'system' ? 'system' : 'host';
  const given = givenOf(request);
  const machine = buildMachine(given, profile, conformanceClass, world, makeProcessor);
  // Only a module that has been initialised can be removed: an earlier load has left its far pointer.
  if (!machine.initialised && request.steps[0]?.op === 'lguest_arch_host_fini') writeFarPointer(machine.host);
  world.hostIsReady?.(machine.host);
  machine.kernel.observer = observer;
  machine.kernel.reportsFpu = request.observe?.event_groups?.includes('fpu') ?? false;
  if (telling === 'shared') machine.told = { state: given, guests: machine.guests.slice() };
  machine.moment.begin();
  return machine;
}

function runStep(machine: HostMachine, world: CaseWorld, step: RequestStep, given: Tree): StepResult {
  const { kernel } = machine;
  if (step.host_cpu !== undefined) kernel.host_cpu = indexAt(step, 'host_cpu', kernel.nr_cpu_ids);
  const cpu = chosenCpu(machine, step);
  if (cpu !== null) for (const call of treesAt(step, 'before')) makeCall(machine, cpu, call);
  kernel.beginOperation();
  setStepFailures(kernel, treeAt(given, 'host'), step);
  world.beginStep(kernel, cpu, step);
  world.whileAsleep = step.meanwhile === undefined ? undefined : () => whileAsleep(machine, step);
  // Recorded answers have the arguments beside the state.
  const args = step.args === undefined ? treeAt(given, 'args') : treeAt(step, 'args');
  const outcome = perform(machine, cpu, step.op, args);
  return {
    outcome,
    state: Object.assign(describeState(machine), world.describe()),
    events: kernel.events,
  };
}

/** The virtual CPU that a step is about: by `guest` and `vcpu`, or by the offset of a call on the device. */
function chosenCpu(machine: HostMachine, step: Tree): LgCpu | null {
  if (machine.device !== null && String(step.op) in DEVICE_OPERATIONS) {
    return cpuOfCall(machine.device, treeAt(step, 'args'));
  }
  return machine.guests[wordAt(step, 'guest')]?.cpus[wordAt(step, 'vcpu')] ?? null;
}

/** A call that is made before the operation itself and is not part of the answer. */
function makeCall(machine: HostMachine, cpu: LgCpu, call: Tree): void {
  for (const run of treesAt(call, 'memory')) storeRun(cpu.lg.launcher, run);
  perform(machine, cpu, String(call.op), treeAt(call, 'args'));
}

type Outcome = Returned & { stop: string };

function perform(machine: HostMachine, cpu: LgCpu | null, op: string, args: Tree): Outcome {
  try {
    return { stop: 'ok', ...operation(machine, cpu, op, args) };
  } catch (error) {
    if (error instanceof GuestKilled) return { stop: 'ok' };
    return { stop: stopOf(error) };
  }
}

function operation(machine: HostMachine, cpu: LgCpu | null, op: string, args: Tree): Returned {
  if (op in DEVICE_OPERATIONS) return callDevice(machine, op, args);
  if (op in MODULE_OPERATIONS) return callModule(machine, op);
  const ofHost = HOST_OPERATIONS[op];
  if (ofHost !== undefined) {
    ofHost(machine.host);
    return {};
  }
  const ofCpu = CPU_OPERATIONS[op];
  if (ofCpu === undefined) throw new NotModelled(`operation ${op}`);
  if (cpu === null) throw new MalformedCase('the step names a guest or virtual CPU that is not given');
  return ofCpu(cpu, args);
}
