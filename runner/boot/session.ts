// SPDX-License-Identifier: GPL-2.0-or-later

/** The run of a guest from its making to its end, with the real world around it: input, sleep, Ctrl-C. */

import { createHash } from 'node:crypto';
import { type Ending, Launcher, type LauncherOptions } from '../../reference/launcher/launcher.js';
import { type Clock, ModelTime } from '../../reference/launcher/model-time.js';
import type { InputEvent, RunEnd } from './recording.js';
import type { Statistics } from './statistics.js';
import type { InputSource } from './terminal.js';

const NANOSECONDS_PER_MILLISECOND = 1_000_000;

export interface SessionOptions extends Omit<LauncherOptions, 'print' | 'observer'> {
  clock: Clock;
  maxInstructions: number;
  /** Sleep takes as long as it would. */
  realtime: boolean;
  source: InputSource;
  /** Input that is known beforehand, with its times. */
  planned: readonly InputEvent[];
  statistics?: Statistics;
  print(bytes: Uint8Array): void;
}

export interface SessionEnd {
  ending: Ending | { ended: 'asleep' | 'interrupted' };
  instructions: number;
  /** SHA-256 of what the guest has printed. */
  console: string;
  /** All input, with its times. */
  input: InputEvent[];
}

/** Runs a guest, and those that take its place when it asks for a restart. */
export class Session {
  private readonly digest = createHash('sha256');
  private readonly received: InputEvent[] = [];
  private instructions = 0;
  private interrupted = false;
  private endSleep: (() => void) | undefined;
  private readonly interruption = new Promise<void>((resolve) => {
    this.endSleep = resolve;
  });

  constructor(private readonly options: SessionOptions) {}

  /** Ends the run soon. */
  interrupt(): void {
    this.interrupted = true;
    this.endSleep?.();
  }

  async run(): Promise<SessionEnd> {
    let now = 0;
    for (;;) {
      const left = this.options.maxInstructions - this.instructions;
      const time = new ModelTime(this.options.clock, this.options.seed, now, left);
      const ending = await this.runOne(time);
      this.instructions += time.executed;
      now = time.now;
      if (ending.ended === 'restart') continue;
      const { instructions, received } = this;
      return { ending, instructions, console: this.digest.digest('hex'), input: received };
    }
  }

  /** One guest. */
  private async runOne(time: ModelTime): Promise<SessionEnd['ending']> {
    const { options } = this;
    const { statistics, source } = options;
    const print = (bytes: Uint8Array) => {
      this.digest.update(bytes);
      options.print(bytes);
    };
    const launcher = new Launcher({ ...options, print, observer: statistics?.processor }, time);
    if (statistics !== undefined) {
      launcher.host.kernel.observer = statistics.host;
      statistics.begin(launcher.cpu);
      time.afterVisit = () => statistics.afterVisit();
    }
    time.sleepsInReality = options.realtime || !source.ended;
    for (const event of options.planned.slice(this.received.length)) {
      time.plan(event.at, () => this.deliver(launcher, event));
    }
    for (;;) {
      const turn = launcher.turn();
      if (turn === 'on') continue;
      if (typeof turn === 'object') return turn;
      if (turn === 'asleep' && !(await this.sleep(time))) {
        return { ended: this.interrupted || source.escaped ? 'interrupted' : 'asleep' };
      }
      if (turn === 'tick') await breathe();
      if (this.interrupted || source.escaped) return { ended: 'interrupted' };
      time.sleepsInReality = options.realtime || !source.ended;
      for (const input of source.take()) this.deliver(launcher, { at: time.now, input });
    }
  }

  private deliver(launcher: Launcher, event: InputEvent): void {
    this.received.push(event);
    launcher.input(event.input);
  }

  /** @returns whether something may still wake the guest */
  private async sleep(time: ModelTime): Promise<boolean> {
    const { realtime, source } = this.options;
    const { nextEvent, now } = time;
    if (nextEvent === null && source.ended) return false;
    if (nextEvent !== null && !realtime) {
      await breathe();
      time.passUntil(nextEvent);
      return true;
    }
    const begun = performance.now();
    const milliseconds = nextEvent === null ? null : (nextEvent - now) / NANOSECONDS_PER_MILLISECOND;
    await Promise.race([source.wait(milliseconds), this.interruption]);
    const slept = Math.round((performance.now() - begun) * NANOSECONDS_PER_MILLISECOND);
    time.passUntil(Math.min(now + (realtime ? slept : 0), nextEvent ?? Number.POSITIVE_INFINITY));
    return true;
  }
}

/** Lets the event loop look at input and signals. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What a recording keeps of the end. */
export function recordedEnd({ ending, instructions, console }: SessionEnd): RunEnd {
  return {
    ended: 'reason' in ending ? `${ending.ended}: ${ending.reason}` : ending.ended,
    instructions,
    console,
  };
}
