// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 30: the console device. What the guest writes is printed; what is typed waits for its buffers. */

import { answer, complete, type Device, type DeviceSurroundings, DeviceType, NOTHING } from './device.js';
import { LauncherError } from './launcher-error.js';
import { gather, lengthOf, type Virtqueue } from './virtqueue.js';

const INPUT = 0;
const OUTPUT = 1;

export class ConsoleDevice implements Device {
  readonly name = 'console';
  readonly type = DeviceType.console;
  readonly queueCount = 2;
  readonly features = NOTHING;
  readonly config = NOTHING;
  private queues: readonly Virtqueue[] = [];
  private around: DeviceSurroundings | undefined;
  /** Typed and not yet read, in the pieces in which it came. */
  private readonly typed: Uint8Array[] = [];

  /** @param print the terminal */
  constructor(private readonly print: (bytes: Uint8Array) => void) {}

  attach(queues: readonly Virtqueue[], around: DeviceSurroundings): void {
    this.queues = queues;
    this.around = around;
  }

  /** Something has been typed. */
  input(bytes: Uint8Array): void {
    if (bytes.length > 0) this.typed.push(bytes);
    this.deliverInput();
  }

  kicked(queue: number): void {
    if (queue === OUTPUT) this.printOutput();
    else this.deliverInput(); // VIO-33
  }

  /** VIO-30 VIO-31: all that is there, before the guest goes on. */
  private printOutput(): void {
    const { around, queues } = this;
    if (around === undefined) return;
    const queue = queues[OUTPUT];
    for (let chain = queue.take(); chain !== null; chain = queue.take()) {
      if (chain.writable.length > 0) throw new LauncherError('Input buffers in output queue?'); // VIO-31
      this.print(gather(around.memory, chain.readable));
      complete(around, queue, chain, lengthOf(chain.readable));
    }
  }

  /** VIO-32: one piece of input for each buffer, as much as it takes. */
  private deliverInput(): void {
    const { around, queues, typed } = this;
    if (around === undefined) return;
    const queue = queues[INPUT];
    while (typed.length > 0) {
      const chain = queue.take();
      if (chain === null) return;
      if (chain.readable.length > 0) throw new LauncherError('Output buffers in console in queue?');
      const room = lengthOf(chain.writable);
      const [piece] = typed;
      if (piece.length > room) typed[0] = piece.subarray(room);
      else typed.shift();
      answer(around, queue, chain, piece.subarray(0, room));
    }
  }
}
