// SPDX-License-Identifier: GPL-2.0-or-later

/** Class processor on the reference: from the given machine to the answer. */

import {
  createProcessor,
  DEFAULT_MODEL,
  type ModelName,
  PhysicalMemory,
  type PortBus,
  type PortSize,
  type Processor,
  type ProcessorObserver,
  type RunLimits,
  type ScheduledEvent,
} from '../../../reference/processor/index.js';
import type { Moment } from '../../../reference/processor/moment.js';
import {
  type CaseRequest,
  type CaseResult,
  isProcessorGiven,
  type MemoryRun,
  type Observe,
  type PortAccess,
  type PortValue,
  type ProcessorGiven,
  type ProcessorStepResult,
  type RequestStep,
  type RunStep,
} from '../../protocol.js';
import { bytesOf, MalformedCase } from './fields.js';
import { changedRuns, nonZeroRuns } from './memory-runs.js';
import { isModelName } from './model.js';
import type { Telling } from './telling.js';

/** The ports of a case: those that it lists answer, all others read as ones. Writes change nothing. */
class CasePorts implements PortBus {
  private readonly values = new Map<string, number>();
  accesses: PortAccess[] = [];

  constructor(values: readonly PortValue[]) {
    for (const { port, size, value } of values) this.values.set(`${port}/${size}`, value);
  }

  read(port: number, size: PortSize): number {
    const allOnes = 2 ** (8 * size) - 1;
    const value = this.values.get(`${port}/${size}`) ?? allOnes;
    this.accesses.push({ dir: 'in', port, size, value });
    return value;
  }

  write(port: number, size: PortSize, value: number): void {
    this.accesses.push({ dir: 'out', port, size, value });
  }
}

/** The ports that the one processor is connected to: those of the case that is running. */
class SwitchedPorts implements PortBus {
  current = new CasePorts([]);

  read(port: number, size: PortSize): number {
    return this.current.read(port, size);
  }

  write(port: number, size: PortSize, value: number): void {
    this.current.write(port, size, value);
  }
}

/** A machine that runs one case after the other: making a new one each time would cost more than most cases. */
class Machine {
  readonly ports = new SwitchedPorts();
  readonly memory: PhysicalMemory;
  readonly processor: Processor;
  private readonly moment: Moment;
  /** The memory as it was told last, and was when the step began. */
  private told: MemoryRun[] = [];

  constructor(
    size: number,
    readonly model: ModelName,
    observer?: ProcessorObserver,
  ) {
    this.memory = new PhysicalMemory(size);
    this.moment = this.memory.moment();
    this.processor = createProcessor(this.memory, this.ports, observer, model);
  }

  prepare(given: ProcessorGiven): void {
    this.memory.clear();
    for (const run of given.memory) {
      const bytes = bytesOf(run);
      if (run.at + bytes.length > this.memory.size)
        throw new MalformedCase(`memory at ${run.at} is outside memory_size`);
      this.memory.load(run.at, bytes);
    }
    this.processor.reset();
    this.processor.setRegisters(given.registers);
    this.ports.current = new CasePorts(given.io);
    this.told = given.memory;
    this.moment.begin();
  }

  /** The memory in the form `shared` of an answer: what was told before, and what has changed since. */
  tellMemory(): MemoryRun[] {
    const changes = changedRuns(this.moment.written(), 0, this.memory.size, 0);
    this.moment.begin();
    if (changes.length > 0) this.told = [...this.told, ...changes];
    return this.told;
  }
}

let reusable: Machine | undefined;

function machineFor(given: ProcessorGiven, observer: ProcessorObserver | undefined): Machine {
  const { memory_size: size, model = DEFAULT_MODEL } = given;
  if (!isModelName(model)) throw new MalformedCase(`there is no model ${model}`);
  if (observer !== undefined) return new Machine(size, model, observer);
  if (reusable?.memory.size !== size || reusable.model !== model) reusable = new Machine(size, model);
  return reusable;
}

/**
 * Runs a case of class processor. Throws `NotModelled` (of the reference) where the model ends.
 * @param observer is told every instruction and every exception
 */
export function runProcessorCase(
  request: CaseRequest,
  telling: Telling = 'whole',
  observer?: ProcessorObserver,
): CaseResult {
  const { given } = request;
  if (!isProcessorGiven(given)) throw new MalformedCase('given is not the state of a processor');
  const machine = machineFor(given, observer);
  machine.prepare(given);
  return { steps: request.steps.map((step) => runStep(machine, step, request, telling)) };
}

function runStep(
  machine: Machine,
  step: RequestStep,
  request: CaseRequest,
  telling: Telling,
): ProcessorStepResult {
  if (!isRunStep(step)) throw new MalformedCase(`class processor has no operation ${step.op}`);
  const { processor, ports } = machine;
  ports.current.accesses = [];
  const stop = processor.run(limitsOf(step));
  return {
    outcome: { stop },
    state: {
      registers: processor.registers(),
      memory: telling === 'shared' ? machine.tellMemory() : observedMemory(machine.memory, request.observe),
      io: ports.current.accesses,
    },
    events: [],
  };
}

function observedMemory(memory: PhysicalMemory, observe: Observe): MemoryRun[] {
  return (observe.memory ?? []).flatMap(([at, length]) =>
    nonZeroRuns(memory, at, Math.min(at + length, memory.size), 0),
  );
}

function limitsOf(step: RunStep): RunLimits {
  const events = (step.interrupts ?? []).map(({ after, vector, nmi }): ScheduledEvent => {
    if (nmi === true) return { counter: 'all', after, nmi };
    if (vector === undefined) throw new MalformedCase('an interrupt needs a vector or nmi');
    return { counter: 'all', after, vector };
  });
  return { instructions: step.max_instructions, events };
}

function isRunStep(step: RequestStep): step is RunStep {
  return step.op === 'run' && typeof step.max_instructions === 'number';
}
