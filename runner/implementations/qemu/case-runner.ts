// SPDX-License-Identifier: GPL-2.0-or-later

import { setTimeout } from 'node:timers/promises';
import type { ProcessorRegisters, ProcessorStepResult, ProcessorStop } from '../../protocol.js';
import { observedRuns, withNullSegments } from '../bare-machine.js';
import { CASE_BYTES, PAGE_BYTES } from './control-block.js';
import type { Machine, Page } from './machine.js';
import type { ProcessorRequest } from './request.js';

/**
 * TCG does not count instructions, so `max_instructions` becomes a time. Cases end after some thousand instructions,
 * which takes it well under a millisecond; the rest is for a busy machine.
 */
export const TIME_LIMIT_SECONDS = 1;

/** A case that has not ended by now will probably not end soon. */
const PROMPT_MILLISECONDS = 5;

/** Runs cases on one machine, one after the other. */
export class CaseRunner {
  /** Physical memory as last read: the image of a case is built beside it, and only pages that differ are copied. */
  readonly #memory = Buffer.alloc(CASE_BYTES);
  /** What lies beyond this is zero, as far as is known. */
  #extent = CASE_BYTES;

  constructor(
    readonly machine: Machine,
    private readonly timeLimitSeconds: number,
  ) {}

  async run(request: ProcessorRequest): Promise<{ steps: ProcessorStepResult[] }> {
    let pages = this.#pagesToChange(request);
    let { registers } = request;
    const steps: ProcessorStepResult[] = [];
    // A processor that has shut down does no further step.
    for (let step = 0; step < request.steps && !this.machine.shutDown; step++) {
      await this.machine.load(registers, pages);
      const stop = await this.#waitForEnd();
      registers = withNullSegments(await this.#registersAfter(stop, registers));
      this.machine.readMemory(this.#memory.subarray(0, this.#extent));
      const memory = observedRuns(this.#memory.subarray(0, this.#extent), request.observed);
      steps.push({ outcome: { stop }, state: { registers, memory, io: [] }, events: [] });
      pages = [];
      // It may have run wild, and a reset leaves traces of the firmware.
      if (stop !== 'hlt') this.#extent = CASE_BYTES;
    }
    if (this.machine.shutDown) await this.machine.reset();
    return { steps };
  }

  async #waitForEnd(): Promise<ProcessorStop> {
    const begun = performance.now();
    for (;;) {
      const halted = await this.machine.isHalted();
      if (this.machine.shutDown) return 'shutdown';
      if (halted) return 'hlt';
      const ran = performance.now() - begun;
      if (ran > this.timeLimitSeconds * 1000) return 'limit';
      if (ran > PROMPT_MILLISECONDS) await setTimeout(1);
    }
  }

  /** After a shutdown the SYSENTER registers are out of reach and reported as `given`. */
  async #registersAfter(stop: ProcessorStop, given: ProcessorRegisters): Promise<ProcessorRegisters> {
    switch (stop) {
      case 'shutdown':
        return this.machine.dump(given);
      case 'limit':
        return this.machine.unload(this.timeLimitSeconds);
      case 'hlt':
        return this.machine.unload();
    }
  }

  /** Brings `#memory` to the image of the case and returns the pages that this changes. */
  #pagesToChange({ memorySize, memory }: ProcessorRequest): Page[] {
    const extent = roundUpToPage(memorySize);
    this.machine.readMemory(this.#memory.subarray(0, Math.max(this.#extent, extent)));
    const image = Buffer.alloc(Math.max(this.#extent, extent));
    for (const { at, hex } of memory) image.write(hex, at, 'hex');
    const pages: Page[] = [];
    for (let at = 0; at < image.length; at += PAGE_BYTES) {
      const bytes = image.subarray(at, at + PAGE_BYTES);
      if (bytes.compare(this.#memory, at, at + PAGE_BYTES) !== 0) pages.push({ at, bytes });
    }
    this.#extent = extent;
    return pages;
  }
}

const roundUpToPage = (size: number): number => Math.ceil(size / PAGE_BYTES) * PAGE_BYTES;
