// SPDX-License-Identifier: GPL-2.0-or-later

import { timerFires } from '../../../reference/host/interrupts.js';
import { IsolationGuard } from '../../../reference/host/isolation.js';
import type { Kernel } from '../../../reference/host/kernel.js';
import type { Host, LgCpu } from '../../../reference/host/state.js';
import type { Processor, RunLimits, ScheduledEvent } from '../../../reference/processor/interface.js';
import { flagAt, MalformedCase, type Tree, treeAt, treesAt, wordAt } from './fields.js';
import { type CaseWorld, RandomSource } from './world.js';

const DEFAULT_MAX_INSTRUCTIONS = 10_000;
/** The vector of the host's own timer: it interrupts the guest when the host has something to do. */
const LOCAL_TIMER_VECTOR = 0xef;
const NMI_VECTOR = 2;
/** How many guest instructions after that the guest must have taken the interrupt. */
const GRACE = 1000;
/** For each guest instruction, at most so many instructions of host and Switcher and repeats of string instructions. */
const HOST_SHARE = 100;
/** More than an instruction needs whose pages are all still to be mapped: two of code and four of data. */
const FAULTS_OF_AN_INSTRUCTION = 8;

/** An external interrupt of a case, and whether the processor has taken it. */
interface Interrupt {
  event: ScheduledEvent;
  vector: number;
  taken: boolean;
}

/** What another task of the launcher does once the guest has executed so many instructions, or sleeps and nothing else will wake it. */
export interface Alarm {
  after: number;
  ring(): void;
}

/**
 * The world of class system: the guest's machine code runs on a processor. Time is counted in guest instructions, each
 * of which takes a nanosecond; when there is nothing to do but wait for the guest's timer, the time until then passes at once.
 */
export class SystemWorld implements CaseWorld {
  whileAsleep: (() => boolean) | undefined;
  private readonly random: RandomSource;
  private subject: { kernel: Kernel; cpu: LgCpu | null; processor: Processor; base: number } | null = null;
  private maxInstructions = DEFAULT_MAX_INSTRUCTIONS;
  private interrupts: Interrupt[] = [];
  /** Entries into the guest since it last executed an instruction, and how many it had executed. */
  private idle = { visits: 0, executed: 0 };
  /** When the guest's timer expires, if it was armed since the step began. */
  private timer: { due: number; delta: number } | null = null;
  /** In the order in which they are due. */
  private alarms: Alarm[] = [];
  /** Another task acts: its sleep is none of the owner's, and the owner goes on. */
  private alarmRings = false;
  /** Whether the host's wall clock moves on when a timer expires. */
  private clockMoves = false;
  /** Sees to it that no guest gets out (chapter 23). */
  guard: IsolationGuard | undefined;

  constructor(given: Tree) {
    this.random = new RandomSource(treeAt(given, 'host'));
  }

  hostIsReady(host: Host): void {
    this.guard = new IsolationGuard(host);
    host.guard = this.guard;
  }

  beginStep(kernel: Kernel, cpu: LgCpu | null, step: Tree): void {
    const processor = kernel.processor();
    this.subject = { kernel, cpu, processor, base: processor.outerInstructionsExecuted };
    this.maxInstructions = wordAt(step, 'max_instructions', DEFAULT_MAX_INSTRUCTIONS);
    this.interrupts = treesAt(step, 'interrupts').map(interruptOf);
    this.idle = { visits: 0, executed: 0 };
    this.timer = null;
    this.alarms = [];
    this.clockMoves = false;
  }

  /** The step is about a guest that the launcher has just made; the launcher's other tasks have plans of their own. */
  beginLife(cpu: LgCpu, alarms: readonly Alarm[]): void {
    this.running().cpu = cpu;
    this.alarms = [...alarms].sort((a, b) => a.after - b.after);
    this.clockMoves = true;
  }

  describe(): Record<string, unknown> {
    return {};
  }

  random32(): number {
    return this.random.next();
  }

  schedule(): void {
    const { kernel, cpu } = this.running();
    if (cpu?.timer_armed) this.expire(cpu);
    else if (!this.ringNextAlarm()) kernel.signal_pending = true;
  }

  timerStarted(delta: number): void {
    this.timer = { due: this.executed() + delta, delta };
  }

  runLimits(): RunLimits {
    const { kernel } = this.running();
    const executed = this.executed();
    const left = Math.max(0, this.maxInstructions - executed);
    if (this.isIdle(executed)) kernel.signal_pending = true;
    const wake = Math.min(this.maxInstructions, this.nextDeadline());
    const events: ScheduledEvent[] = [
      { counter: 'outer', after: Math.max(0, wake - executed), vector: LOCAL_TIMER_VECTOR },
    ];
    for (const interrupt of this.interrupts) {
      if (interrupt.taken) continue;
      events.push({ ...interrupt.event, after: Math.max(0, interrupt.event.after - executed) });
    }
    return { instructions: (left + GRACE) * HOST_SHARE, outerInstructions: left + GRACE, events };
  }

  /** A guest that faults again and again without executing anything must end too (PROG-23). */
  private isIdle(executed: number): boolean {
    if (executed > this.idle.executed) this.idle = { visits: 0, executed };
    return ++this.idle.visits > Math.max(this.maxInstructions, FAULTS_OF_AN_INSTRUCTION);
  }

  /** The processor has taken an external interrupt or an NMI. */
  tookInterrupt(vector: number): void {
    const interrupt = this.interrupts.find((entry) => entry.vector === vector && !entry.taken);
    if (interrupt !== undefined) interrupt.taken = true;
  }

  hostInterrupt(vector: number): void {
    if (vector !== LOCAL_TIMER_VECTOR) return;
    const { kernel, cpu } = this.running();
    const executed = this.executed();
    if (executed >= this.maxInstructions) kernel.signal_pending = true;
    if (cpu?.timer_armed && this.timer !== null && executed >= this.timer.due) this.expire(cpu);
    const [alarm] = this.alarms;
    if (alarm !== undefined && executed >= alarm.after) this.ringNextAlarm();
  }

  interruptsOn(): void {}

  freeze(): void {}

  /** A task that nobody releases gets a signal. */
  waitForRelease(): boolean {
    if (this.alarmRings) return false;
    if (this.whileAsleep !== undefined) return this.whileAsleep();
    this.running().kernel.signal_pending = true;
    return true;
  }

  /** Until when the guest may run, in instructions since the step began. */
  private nextDeadline(): number {
    const timer = this.running().cpu?.timer_armed ? this.timer : null;
    return Math.min(
      timer?.due ?? Number.POSITIVE_INFINITY,
      this.alarms[0]?.after ?? Number.POSITIVE_INFINITY,
    );
  }

  private expire(cpu: LgCpu): void {
    if (this.clockMoves && this.timer !== null) moveClock(this.running().kernel, this.timer.delta);
    this.timer = null;
    timerFires(cpu);
  }

  private ringNextAlarm(): boolean {
    const alarm = this.alarms.shift();
    if (alarm === undefined) return false;
    this.alarmRings = true;
    alarm.ring();
    this.alarmRings = false;
    return true;
  }

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

const NANOSECONDS = 1_000_000_000;

/** The clock stands still while the guest runs, so that it shows at expiry the time of arming and the delay. */
function moveClock(kernel: Kernel, nanoseconds: number): void {
  const total = kernel.now_nsec + nanoseconds;
  kernel.now_sec += Math.floor(total / NANOSECONDS);
  kernel.now_nsec = total % NANOSECONDS;
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
