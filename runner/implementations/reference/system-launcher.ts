// SPDX-License-Identifier: GPL-2.0-or-later

/** Operation `run_launcher`: a launcher makes a guest of what is in its memory and reads until the guest has ended. */

import type { HostObserver } from '../../../reference/host/kernel.js';
import { LAUNCHER_TASK } from '../../../reference/host/kernel.js';
import { LguestFile, Lhreq } from '../../../reference/host/launcher-interface.js';
import { PAGE_SIZE, Physical } from '../../../reference/host/layout.js';
import type { CaseResult, RequestStep } from '../../protocol.js';
import { stopOf } from './ending.js';
import { MalformedCase, type Tree, treeAt, treesAt, wordAt, wordsAt } from './fields.js';
import { describeState } from './host-answer.js';
import type { HostMachine } from './host-machine.js';
import type { SystemWorld } from './system-world.js';

export const RUN_LAUNCHER = 'run_launcher';

/** The task of the launcher that waits for input and takes the owner out of its read. */
const WAKER_TASK = LAUNCHER_TASK + 1;
const CPU_0 = 0;
const REASON_SIZE = 1023;

/** What a read returns beside a notification. */
const READ_NOTIFIED = 4;
const ENOENT = -2;
const EAGAIN = -11;
const ERESTART = -85;
const ERESTARTSYS = -512;

/** What the guest has said and asked for, and how it ended. */
interface Life {
  console: string;
  hypercalls: { number: number; args: number[]; ring: boolean }[];
  ended: 'dead' | 'restart' | 'asleep' | 'limit' | 'failed';
  /** Why it is dead. */
  reason: string | null;
  /** What the call returned that the launcher did not expect. */
  result: number | null;
}

/** Runs the one step of such a case. */
export function runLauncherStep(machine: HostMachine, world: SystemWorld, step: RequestStep): CaseResult {
  const { kernel } = machine;
  const life: Life = { console: '', hypercalls: [], ended: 'failed', reason: null, result: null };
  kernel.observer = withLog(kernel.observer, life);
  kernel.beginOperation();
  world.beginStep(kernel, null, step);
  let stop = 'ok';
  try {
    new Launcher(machine, world, treeAt(step, 'args'), life).run();
  } catch (error) {
    stop = stopOf(error);
  }
  return {
    steps: [{ outcome: { stop }, state: { ...describeState(machine), ...life }, events: kernel.events }],
  };
}

/** Writes down the hypercalls, beside whatever else is observed. */
function withLog(observer: HostObserver | undefined, life: Life): HostObserver {
  return {
    note: (clause, sentence) => observer?.note(clause, sentence),
    event: (event) => observer?.event?.(event),
    hypercall: ([number = 0, ...args], ring) => {
      life.hypercalls.push({ number, args, ring });
      observer?.hypercall?.([number, ...args], ring);
    },
  };
}

/** A kick of a device and the interrupts with which it answers. */
interface Device {
  notify: number;
  irqs: number[];
}

/** The launcher's owner task. */
class Launcher {
  private readonly file: LguestFile;
  private readonly devices: readonly Device[];
  /** Interrupts that the Waker has announced by BREAK. */
  private readonly announced: number[] = [];

  constructor(
    private readonly machine: HostMachine,
    private readonly world: SystemWorld,
    private readonly args: Tree,
    private readonly life: Life,
  ) {
    const [loaded] = machine.guests;
    if (loaded === undefined || machine.severalGuests) throw new MalformedCase('run_launcher runs one guest');
    this.file = new LguestFile(machine.host, loaded.launcher, Physical.virtualCpus);
    this.devices = treesAt(args, 'devices').map((device) => ({
      notify: wordAt(device, 'notify'),
      irqs: wordsAt(device, 'irqs'),
    }));
  }

  run(): void {
    const { args, file, machine, world } = this;
    const memBase = wordAt(args, 'base', machine.guests[0]?.mem_base);
    const initialize = [Lhreq.initialize, memBase, wordAt(args, 'pfn_limit'), wordAt(args, 'start')];
    const result = file.write(LAUNCHER_TASK, CPU_0, initialize);
    const cpu = file.lg?.cpus[0];
    if (file.lg === null || cpu === undefined) {
      this.life.result = result;
      return;
    }
    machine.guests[0] = file.lg;
    const input = treesAt(args, 'input').map((entry) => ({
      after: wordAt(entry, 'after'),
      ring: () => this.wake(wordsAt(entry, 'irqs')),
    }));
    world.beginLife(cpu, input);
    while (this.readOnce());
  }

  /** The Waker task: there is input. */
  private wake(irqs: readonly number[]): void {
    this.announced.push(...irqs);
    this.file.write(WAKER_TASK, CPU_0, [Lhreq.break, 1]);
  }

  /** @returns whether the guest lives on */
  private readOnce(): boolean {
    const { file, life } = this;
    const { result, bytes } = file.read(LAUNCHER_TASK, CPU_0, READ_NOTIFIED);
    switch (result) {
      case READ_NOTIFIED:
        return this.notified(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true));
      case EAGAIN:
        this.sendInterrupts(this.announced.splice(0));
        file.write(LAUNCHER_TASK, CPU_0, [Lhreq.break, 0]);
        return true;
      case ENOENT:
        this.readReason();
        return false;
      case ERESTART:
        life.ended = 'restart';
        return false;
      case ERESTARTSYS:
        life.ended = this.machine.guests[0]?.cpus[0]?.halted === 1 ? 'asleep' : 'limit';
        return false;
      default:
        life.result = result;
        return false;
    }
  }

  /**
   * A kick of a device, or a text for the console.
   * @returns false when it is neither
   */
  private notified(address: number): boolean {
    const device = this.devices.find(({ notify }) => notify === address);
    if (device !== undefined) this.sendInterrupts(device.irqs);
    else if (address < this.memoryEnd()) this.life.console += this.textAt(address);
    else {
      this.life.result = READ_NOTIFIED;
      return false;
    }
    return true;
  }

  private memoryEnd(): number {
    return (this.machine.guests[0]?.pfn_limit ?? 0) * PAGE_SIZE;
  }

  private sendInterrupts(irqs: readonly number[]): void {
    for (const irq of irqs) this.file.write(LAUNCHER_TASK, CPU_0, [Lhreq.irq, irq]);
  }

  /** The bytes from a guest-physical address to the next zero, or to the end of the guest's memory. */
  private textAt(address: number): string {
    const lg = this.machine.guests[0];
    const end = this.memoryEnd();
    const bytes: number[] = [];
    for (let at = address; at < end; at++) {
      const byte = lg?.launcher.getUser8((lg.mem_base + at) >>> 0) ?? 0;
      if (byte === 0) break;
      bytes.push(byte);
    }
    return Buffer.from(bytes).toString('latin1');
  }

  private readReason(): void {
    const { result, bytes } = this.file.read(LAUNCHER_TASK, CPU_0, REASON_SIZE);
    if (result < 0) {
      this.life.result = result;
      return;
    }
    this.life.ended = 'dead';
    this.life.reason = Buffer.from(bytes).toString('latin1').replace(/\0$/, '');
  }
}
