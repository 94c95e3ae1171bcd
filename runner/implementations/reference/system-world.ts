// SPDX-License-Identifier: GPL-2.0-or-later

import { timerFires } from '../../../reference/host/interrupts.js';
import type { Kernel } from '../../../reference/host/kernel.js';
import type { LgCpu } from '../../../reference/host/state.js';
import type { Processor, RunLimits, ScheduledEvent } from '../../../reference/processor/interface.js';
import { flagAt, MalformedCase, type Tree, treeAt, treesAt, wordAt } from './fields.js';
import { type CaseWorld, RandomSource } from './world.js';

const DEFAULT_MAX_INSTRUCTIONS = 10_000;
/** The vector of the host's own timer: it ends the guest's time slice when the case's limit is reached. */
const LOCAL_TIMER_VECTOR = 0xef;
const NMI_VECTOR = 2;
/** How many guest instructions after that the guest must have taken the interrupt. */
const GRACE = 1000;
/** For each guest instruction, at most so many instructions of host and Switcher and repeats of string instructions. */
const HOST_SHARE = 100;

/** An external interrupt of a case, and whether the processor has taken it. */
interface Interrupt {
  event: ScheduledEvent;
  vector: number;
  taken: boolean;
}

/**
 * The world of class system: the guest's machine code runs on a processor. Time is counted in guest instructions; the
 * guest's timer is due when there is nothing to do but wait for it.
 */
export class SystemWorld implements CaseWorld {
  private readonly random: RandomSource;
  private subject: { kernel: Kernel; cpu: LgCpu | null; processor: Processor; base: number } | null = null;
  private maxInstructions = DEFAULT_MAX_INSTRUCTIONS;
  private interrupts: Interrupt[] = [];
  private visits = 0;

  constructor(given: Tree) {
    this.random = new RandomSource(treeAt(given, 'host'));
  }

  beginStep(kernel: Kernel, cpu: LgCpu | null, step: Tree): void {
    const processor = kernel.processor();
    this.subject = { kernel, cpu, processor, base: processor.outerInstructionsExecuted };
    this.maxInstructions = wordAt(step, 'max_instructions', DEFAULT_MAX_INSTRUCTIONS);
    this.interrupts = treesAt(step, 'interrupts').map(interruptOf);
    this.visits = 0;
  }

  describe(): Record<string, unknown> {
    return {};
  }

  random32(): number {
    return this.random.next();
  }

  schedule(): void {
    const { kernel, cpu } = this.running();
    if (cpu?.timer_armed) timerFires(cpu);
    else kernel.signal_pending = true;
  }

  runLimits(): RunLimits {
    const { kernel } = this.running();
    const executed = this.executed();
    const left = Math.max(0, this.maxInstructions - executed);
    // A guest that faults again and again without executing anything must end too.
    if (++this.visits > this.maxInstructions) kernel.signal_pending = true;
    const events: ScheduledEvent[] = [{ counter: 'outer', after: left, vector: LOCAL_TIMER_VECTOR }];
    for (const interrupt of this.interrupts) {
      if (interrupt.taken) continue;
      events.push({ ...interrupt.event, after: Math.max(0, interrupt.event.after - executed) });
    }
    return { instructions: (left + GRACE) * HOST_SHARE, outerInstructions: left + GRACE, events };
  }

  /** The processor has taken an external interrupt or an NMI. */
  tookInterrupt(vector: number): void {
    const interrupt = this.interrupts.find((entry) => entry.vector === vector && !entry.taken);
    if (interrupt !== undefined) interrupt.taken = true;
  }

  hostInterrupt(vector: number): void {
    const { kernel } = this.running();
    if (vector === LOCAL_TIMER_VECTOR && this.executed() >= this.maxInstructions)
      kernel.signal_pending = true;
  }

  interruptsOn(): void {}

  /** Guest instructions since the step began. */
  private executed(): number {
    const { processor, base } = this.running();
    return processor.outerInstructionsExecuted - base;
  }

  private running() {
    if (this.subject === null) throw new Error('no step has begun');
    return this.subject;
  }
}

function interruptOf(entry: Tree): Interrupt {
  const after = wordAt(entry, 'after');
  if (flagAt(entry, 'nmi')) {
    return { event: { counter: 'outer', after, nmi: true }, vector: NMI_VECTOR, taken: false };
  }
  if (entry.vector === undefined) throw new MalformedCase('an interrupt has a vector or nmi');
  const vector = wordAt(entry, 'vector');
  return { event: { counter: 'outer', after, vector }, vector, taken: false };
}
