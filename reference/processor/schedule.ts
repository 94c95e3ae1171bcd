// SPDX-License-Identifier: GPL-2.0-or-later

import type { Cpu } from './cpu.js';
import type { InstructionCounter, Processor, ScheduledEvent } from './interface.js';

/** The external events of a run that have not been requested yet, by the counter they wait for. */
export class Schedule {
  private readonly waiting: Record<InstructionCounter, ScheduledEvent[]>;
  private nextAll: number;
  private nextOuter: number;

  constructor(
    private readonly cpu: Cpu,
    events: readonly ScheduledEvent[],
  ) {
    const start = { all: cpu.executed, outer: cpu.outerExecuted };
    const inOrder = events
      .map((event) => ({ ...event, after: event.after + start[event.counter] }))
      .sort((a, b) => a.after - b.after);
    this.waiting = {
      all: inOrder.filter((event) => event.counter === 'all'),
      outer: inOrder.filter((event) => event.counter === 'outer'),
    };
    this.nextAll = this.waiting.all[0]?.after ?? Number.POSITIVE_INFINITY;
    this.nextOuter = this.waiting.outer[0]?.after ?? Number.POSITIVE_INFINITY;
  }

  due(): boolean {
    return (
      this.cpu.executed >= this.nextAll || (this.cpu.cpl > 0 && this.cpu.outerExecuted >= this.nextOuter)
    );
  }

  /** How many instructions may be executed before the next event can be due: 1 while one waits for an outer level. */
  distance(): number {
    return Math.max(1, Math.min(this.nextAll - this.cpu.executed, this.nextOuter - this.cpu.outerExecuted));
  }

  /** Requests all events that are due. */
  request(processor: Processor): void {
    this.nextAll = requestDue(this.waiting.all, this.cpu.executed, processor);
    if (this.cpu.cpl > 0) this.nextOuter = requestDue(this.waiting.outer, this.cpu.outerExecuted, processor);
  }
}

/** Returns when the next event is due. */
function requestDue(waiting: ScheduledEvent[], now: number, processor: Processor): number {
  for (let event = waiting[0]; event !== undefined && event.after <= now; event = waiting[0]) {
    if ('vector' in event) processor.requestInterrupt(event.vector);
    else processor.requestNmi();
    waiting.shift();
  }
  return waiting[0]?.after ?? Number.POSITIVE_INFINITY;
}
