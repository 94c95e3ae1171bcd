// SPDX-License-Identifier: GPL-2.0-or-later

import { isGuestRegister } from '../../../reference/host/guest-registers.js';
import { setInterrupt, timerFires } from '../../../reference/host/interrupts.js';
import type { Kernel } from '../../../reference/host/kernel.js';
import { FIRST_EXTERNAL_VECTOR } from '../../../reference/host/layout.js';
import type { LgCpu } from '../../../reference/host/state.js';
import type { RunLimits } from '../../../reference/processor/interface.js';
import { flagAt, indexAt, MalformedCase, type Tree, treeAt, treesAt, wordAt } from './fields.js';
import { storeRun } from './host-machine.js';
import type { ScriptedProcessor } from './scripted-processor.js';
import { type CaseWorld, RandomSource } from './world.js';

/** The world of class host: what happens while the guest runs or the task sleeps is written in the case. */
export class ScriptedWorld implements CaseWorld {
  readonly processors: ScriptedProcessor[] = [];
  whileAsleep: (() => boolean) | undefined;
  private script: Tree[];
  private readonly scheduleScript: Tree[];
  private readonly freezeScript: Tree[];
  private readonly random: RandomSource;
  private used = 0;
  /** The scheduler will move the task to this host CPU as soon as interrupts are on. */
  private movesTo: number | null = null;
  private visit: { kernel: Kernel; cpu: LgCpu } | null = null;

  constructor(given: Tree) {
    this.script = treesAt(given, 'script');
    this.scheduleScript = treesAt(given, 'schedule_script');
    this.freezeScript = treesAt(given, 'freeze_script');
    this.random = new RandomSource(treeAt(given, 'host'));
  }

  beginStep(kernel: Kernel, cpu: LgCpu | null, step: Tree): void {
    this.visit = cpu === null ? null : { kernel, cpu };
    if (step.script === undefined) return;
    this.script = treesAt(step, 'script');
    this.used = 0;
    kernel.signal_pending = this.script.length === 0;
  }

  describe(): Record<string, unknown> {
    return { script_used: this.used };
  }

  random32(): number {
    return this.random.next();
  }

  runLimits(): RunLimits {
    return { instructions: Number.POSITIVE_INFINITY };
  }

  hostInterrupt(): void {
    throw new Error('a scripted processor runs no interrupt handler');
  }

  interruptsOn(): void {
    if (this.movesTo !== null) this.subject().kernel.host_cpu = this.movesTo;
    this.movesTo = null;
  }

  /** One visit to the guest. */
  enterGuest(): void {
    const { kernel, cpu } = this.subject();
    const step = this.script[this.used];
    if (step === undefined) {
      cpu.regs.trapnum = FIRST_EXTERNAL_VECTOR;
      kernel.signal_pending = true;
      return;
    }
    this.used++;
    this.carryOut(step);
    if (this.used === this.script.length) kernel.signal_pending = true;
  }

  schedule(): void {
    const step = this.scheduleScript.shift();
    if (step === undefined) this.subject().kernel.signal_pending = true;
    else this.carryOut(step);
    this.interruptsOn();
  }

  /** The sleep of a BREAK: it ends at once unless the step says what happens meanwhile. */
  waitForRelease(): boolean {
    return this.whileAsleep?.() ?? false;
  }

  freeze(): void {
    const step = this.freezeScript.shift();
    if (step !== undefined) this.carryOut(step);
  }

  /** A timer expires when the script says so. */
  timerStarted(): void {}

  private subject(): { kernel: Kernel; cpu: LgCpu } {
    if (this.visit === null) throw new Error('no virtual CPU runs');
    return this.visit;
  }

  private carryOut(step: Tree): void {
    const { kernel, cpu } = this.subject();
    const regs = treeAt(step, 'regs');
    for (const name of Object.keys(regs)) {
      if (!isGuestRegister(name)) throw new MalformedCase(`${name} is not a register in regs`);
      cpu.regs.write(name, wordAt(regs, name));
    }
    if (step.cr2 !== undefined)
      for (const processor of this.processors) processor.setCr2(wordAt(step, 'cr2'));
    if (step.irq !== undefined) setInterrupt(cpu, wordAt(step, 'irq'));
    if (flagAt(step, 'timer')) timerFires(cpu);
    if (flagAt(step, 'signal')) kernel.signal_pending = true;
    if (step.break_out !== undefined) cpu.break_out = wordAt(step, 'break_out');
    if (step.host_cpu !== undefined) this.movesTo = indexAt(step, 'host_cpu', kernel.nr_cpu_ids);
    for (const run of treesAt(step, 'memory')) storeRun(cpu.lg.launcher, run);
  }
}
