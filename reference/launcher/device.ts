// SPDX-License-Identifier: GPL-2.0-or-later

/** What all devices of the launcher have in common (chapter 30). */

import type { GuestMemory } from './guest-memory.js';
import { type Chain, scatter, type Virtqueue } from './virtqueue.js';

/** The first byte of a descriptor. */
export const DeviceType = { none: 0, block: 2, console: 3, random: 4 } as const;

/** What a device needs of the launcher. */
export interface DeviceSurroundings {
  readonly memory: GuestMemory;
  /** Raises a virtual interrupt before the guest goes on. */
  interrupt(irq: number): void;
  /** Something that the user should know. */
  warn(message: string): void;
}

/** A kind of device, before it has its place in the descriptor page. */
export interface Device {
  readonly name: string;
  readonly type: number;
  readonly queueCount: number;
  /** Offered features: bit n is bit n % 8 of byte n / 8. */
  readonly features: Uint8Array;
  readonly config: Uint8Array;
  /** Called once, when the device has its rings. */
  attach(queues: readonly Virtqueue[], around: DeviceSurroundings): void;
  /**
   * The driver says that there is something new in a queue.
   * @param queue its number
   */
  kicked(queue: number): void;
}

export const NOTHING = new Uint8Array(0);

/** Gives a chain back and interrupts the guest if its driver wants that. */
export function complete(around: DeviceSurroundings, queue: Virtqueue, chain: Chain, length: number): void {
  if (queue.giveBack(chain, length)) around.interrupt(queue.irq);
}

/** Fills the writable buffers of a chain; gives it back with the number of bytes stored. */
export function answer(around: DeviceSurroundings, queue: Virtqueue, chain: Chain, bytes: Uint8Array): void {
  complete(around, queue, chain, scatter(around.memory, chain.writable, bytes));
}
