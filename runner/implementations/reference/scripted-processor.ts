// SPDX-License-Identifier: GPL-2.0-or-later

import { ROUTINES } from '../../../reference/host/host-code.js';
import type { Processor, Registers, Stop } from '../../../reference/processor/interface.js';
import type { PhysicalMemory } from '../../../reference/processor/memory.js';

/**
 * The processor of class `host`: it executes no code. It knows the two routines that the host calls, and what a visit to
 * the guest brings back is written in the case's script.
 */
export class ScriptedProcessor implements Processor {
  readonly instructionsExecuted = 0;
  readonly outerInstructionsExecuted = 0;

  /** @param enterGuest carries out one step of the script */
  constructor(
    readonly memory: PhysicalMemory,
    private state: Registers,
    private readonly enterGuest: () => void,
  ) {}

  reset(): void {}

  registers(): Registers {
    return { ...this.state };
  }

  setRegisters(registers: Registers): void {
    this.state = registers;
  }

  setCr2(address: number): void {
    this.state.cr2 = address;
  }

  requestInterrupt(): void {
    throw new Error('a scripted processor takes interrupts from its script only');
  }

  requestNmi(): void {
    throw new Error('a scripted processor takes interrupts from its script only');
  }

  run(): Stop {
    switch (this.state.eip) {
      case ROUTINES.write_cr4.start:
        this.state.cr4 = this.state.eax;
        this.state.eip = ROUTINES.write_cr4.end;
        return 'hlt';
      case ROUTINES.run_guest_once.start:
        this.state.eip = ROUTINES.run_guest_once.end;
        this.enterGuest();
        return 'hlt';
      default:
        throw new Error(`the host runs code at ${this.state.eip.toString(16)}h`);
    }
  }
}
