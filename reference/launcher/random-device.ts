// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 30: the random number device. Its numbers come from a seed, so that two runs are alike. */

import { answer, type Device, type DeviceSurroundings, DeviceType, NOTHING } from './device.js';
import { LauncherError } from './launcher-error.js';
import { lengthOf, type Virtqueue } from './virtqueue.js';

export class RandomDevice implements Device {
  readonly name = 'rng';
  readonly type = DeviceType.random;
  readonly queueCount = 1;
  readonly features = NOTHING;
  readonly config = NOTHING;
  private queue: Virtqueue | undefined;
  private around: DeviceSurroundings | undefined;

  /** @param nextByte the source */
  constructor(private readonly nextByte: () => number) {}

  attach([queue]: readonly Virtqueue[], around: DeviceSurroundings): void {
    this.queue = queue;
    this.around = around;
  }

  /** Every buffer is filled completely (VIO-50). */
  kicked(): void {
    const { around, queue } = this;
    if (around === undefined || queue === undefined) return;
    for (let chain = queue.take(); chain !== null; chain = queue.take()) {
      if (chain.readable.length > 0) throw new LauncherError('Output buffers in rng?');
      answer(around, queue, chain, Uint8Array.from({ length: lengthOf(chain.writable) }, this.nextByte));
    }
  }
}
