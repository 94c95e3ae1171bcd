// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * Time as a guest of the launcher lives it: each of its instructions takes the same time, and sleep takes as long as it
 * lasts. No clock of the real world is read, so that two runs are alike.
 */

import { timerFires } from '../host/interrupts.js';
import type { Kernel, World } from '../host/kernel.js';
import type { LgCpu } from '../host/state.js';
import type { Processor, RunLimits } from '../processor/interface.js';
import { RandomSource } from './random-source.js';

/** The vector of the host's own timer. */
const LOCAL_TIMER_VECTOR = 0xef;
const NANOSECONDS = 1_000_000_000;
/** How many instructions later the guest must have taken the host's interrupt. */
const GRACE = 1000;
/** A guest that has been entered so often since the last tick gets nowhere. */
const MOST_VISITS_IN_TICK = 1_000_000;
/** Host and Switcher, and rounds of repeated instructions, which time does not count: one may clear all of memory. */
const MOST_OTHERS = 200_000_000;

export interface Clock {
  /** How long a guest instruction takes, in nanoseconds. */
  nanosecondsPerInstruction: number;
  /** The host's own timer: how long a guest runs at most before the host looks around. */
  nanosecondsPerTick: number;
  /** The host's wall clock at time 0, in seconds. */
  startSeconds: number;
}

/** An instruction of the usual kernels then; 50 ns are those of a processor of 20 million instructions a second. */
export const USUAL_CLOCK: Clock = {
  nanosecondsPerInstruction: 50,
  nanosecondsPerTick: 4_000_000,
  startSeconds: 1_230_768_000,
};

/** Something that happens at a time. */
interface Arrival {
  at: number;
  happens(): void;
}

export class ModelTime implements World {
  /** Called after each visit to the guest, before its trap is handled. */
  afterVisit: (() => void) | undefined;
  /** A sleep without end in sight is left to the caller, who knows what else may come. */
  sleepsInReality = false;
  /** The virtual CPU sleeps, and the read has come back for that. */
  asleep = false;
  private readonly random: RandomSource;
  private guest: { kernel: Kernel; cpu: LgCpu; processor: Processor; executedBefore: number } | null = null;
  /** Time that was not spent in instructions of the present guest. */
  private offset: number;
  /** When the guest's timer expires. */
  private timerDue: number | null = null;
  private nextTick = 0;
  private readonly arrivals: Arrival[] = [];
  private visitsInTick = 0;

  /**
   * @param now at which time it begins, in nanoseconds
   * @param maxInstructions of the guest; then its run ends
   */
  constructor(
    private readonly clock: Clock,
    seed: number,
    now: number,
    private readonly maxInstructions: number,
  ) {
    this.random = new RandomSource(seed);
    this.offset = now;
  }

  /** A guest has been made, and its time begins. */
  begin(kernel: Kernel, cpu: LgCpu): void {
    const processor = kernel.processor();
    this.guest = { kernel, cpu, processor, executedBefore: processor.outerInstructionsExecuted };
    this.nextTick = this.now + this.clock.nanosecondsPerTick;
    this.setWallClock();
  }

  /** In nanoseconds. */
  get now(): number {
    return this.offset + this.executed * this.clock.nanosecondsPerInstruction;
  }

  /** Guest instructions since the guest was made. */
  get executed(): number {
    const { guest } = this;
    return guest === null ? 0 : guest.processor.outerInstructionsExecuted - guest.executedBefore;
  }

  get isAtLimit(): boolean {
    return this.executed >= this.maxInstructions || this.visitsInTick > MOST_VISITS_IN_TICK;
  }

  /** When something is known to happen; null: never. */
  get nextEvent(): number | null {
    const times = [this.guest?.cpu.timer_armed ? this.timerDue : null, this.arrivals[0]?.at ?? null];
    const known = times.filter((time) => time !== null);
    return known.length === 0 ? null : Math.min(...known);
  }

  /** Plans something; what is planned for the same time happens in order. */
  plan(at: number, happens: () => void): void {
    const later = this.arrivals.findIndex((arrival) => arrival.at > at);
    this.arrivals.splice(later < 0 ? this.arrivals.length : later, 0, { at, happens });
  }

  /** Lets time pass while the guest sleeps; what is due then happens. */
  passUntil(time: number): void {
    this.offset += Math.max(0, time - this.now);
    this.setWallClock();
    this.happenWhatIsDue();
  }

  // ------------------------------------------------------------------------------------ what the host asks for

  schedule(): void {
    const { kernel } = this.running();
    const next = this.nextEvent;
    if (next === null || this.sleepsInReality) {
      this.asleep = true;
      kernel.signal_pending = true;
      return;
    }
    this.passUntil(next);
  }

  freeze(): void {}

  random32(): number {
    return this.random.next();
  }

  runLimits(): RunLimits {
    const { now, executed, clock } = this;
    const until = Math.min(this.nextTick, this.nextEvent ?? Number.POSITIVE_INFINITY);
    const left = Math.max(0, this.maxInstructions - executed);
    const after = Math.min(left, Math.max(0, Math.ceil((until - now) / clock.nanosecondsPerInstruction)));
    // A guest that faults without end executes nothing: it must come to an end too.
    if (++this.visitsInTick > MOST_VISITS_IN_TICK) this.running().kernel.signal_pending = true;
    return {
      instructions: after + GRACE + MOST_OTHERS,
      outerInstructions: after + GRACE,
      events: [{ counter: 'outer', after, vector: LOCAL_TIMER_VECTOR }],
    };
  }

  hostInterrupt(): void {
    this.happenWhatIsDue();
    if (this.now < this.nextTick && !this.isAtLimit) return;
    this.nextTick = this.now + this.clock.nanosecondsPerTick;
    this.visitsInTick = 0;
    // The read comes back, so that the launcher can look around.
    this.running().kernel.signal_pending = true;
  }

  interruptsOn(): void {
    this.setWallClock();
    this.afterVisit?.();
  }

  /** The Waker sleeps until the owner has served it; here both are one after the other. */
  waitForRelease(): boolean {
    return false;
  }

  timerStarted(nanoseconds: number): void {
    this.timerDue = this.now + nanoseconds;
  }

  private happenWhatIsDue(): void {
    const { cpu } = this.running();
    const { now } = this;
    if (cpu.timer_armed && this.timerDue !== null && this.timerDue <= now) {
      this.timerDue = null;
      timerFires(cpu);
    }
    for (let [first] = this.arrivals; first !== undefined && first.at <= now; [first] = this.arrivals) {
      this.arrivals.shift();
      first.happens();
    }
  }

  private setWallClock(): void {
    const { guest, now, clock } = this;
    if (guest === null) return;
    guest.kernel.now_sec = clock.startSeconds + Math.floor(now / NANOSECONDS);
    guest.kernel.now_nsec = now % NANOSECONDS;
  }

  private running() {
    if (this.guest === null) throw new Error('there is no guest yet');
    return this.guest;
  }
}
