// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 30: a ring of buffers between a driver in the guest and a device of the launcher. */

import { PAGE_SIZE } from '../host/layout.js';
import type { GuestMemory } from './guest-memory.js';
import { LauncherError } from './launcher-error.js';

/** Entries of each ring. */
export const QUEUE_SIZE = 256;
/** Where the parts of a ring lie, from its first byte (VIO-20). */
const DESCRIPTORS = 0;
const AVAILABLE = 0x1000;
const USED = 0x2000;
/** In bytes, of which the last page is used in part. */
export const RING_SIZE = USED + 4 + 8 * QUEUE_SIZE;
export const RING_PAGES = Math.ceil(RING_SIZE / PAGE_SIZE);

/** A descriptor: a 64-bit address, of which the launcher reads the low half. */
const Descriptor = { address: 0, length: 8, flags: 12, next: 14, size: 16 };
const FLAG_NEXT = 1;
const FLAG_WRITE = 2;
/** Of the available ring: no interrupt, please. */
const NO_INTERRUPT = 1;

/** A buffer in guest memory. */
export interface Buffer {
  address: number;
  length: number;
}

/** What the driver has made available at one time: buffers to be read, then buffers to be written. */
export interface Chain {
  head: number;
  readable: Buffer[];
  writable: Buffer[];
}

export class Virtqueue {
  /** The available index that comes next. */
  private lastAvailable = 0;
  /** Chains that have been taken and not given back. */
  private inFlight = 0;

  /**
   * @param address guest-physical address of the ring
   * @param irq by which the driver is told that buffers are used
   */
  constructor(
    private readonly memory: GuestMemory,
    readonly address: number,
    readonly irq: number,
  ) {}

  /** Makes the ring empty. What is in flight stays in flight (VIO-12). */
  reset(): void {
    this.memory.store(this.address, new Uint8Array(RING_SIZE));
    this.lastAvailable = 0;
  }

  /** The next chain of the driver; null: there is none (VIO-21 to VIO-27). */
  take(): Chain | null {
    const { memory, address } = this;
    const index = memory.read16(address + AVAILABLE + 2);
    const waiting = (index - this.lastAvailable) & 0xffff;
    if (waiting > QUEUE_SIZE) {
      throw new LauncherError(`Guest moved used index from ${this.lastAvailable} to ${index}`); // VIO-22
    }
    if (waiting === 0) return null;
    const slot = this.lastAvailable % QUEUE_SIZE;
    const head = memory.read16(address + AVAILABLE + 4 + slot * 2);
    if (head >= QUEUE_SIZE) throw new LauncherError(`Guest says index ${head} is available`); // VIO-23
    this.lastAvailable = (this.lastAvailable + 1) & 0xffff;
    const chain = this.chainFrom(head);
    this.inFlight++;
    return chain;
  }

  /**
   * Tells the driver that a chain has been used (VIO-28).
   * @param length how many bytes were written into it
   * @returns whether the driver wants to be interrupted (VIO-29)
   */
  giveBack({ head }: Chain, length: number): boolean {
    const { memory, address } = this;
    const index = memory.read16(address + USED + 2);
    const entry = address + USED + 4 + (index % QUEUE_SIZE) * 8;
    memory.write32(entry, head);
    memory.write32(entry + 4, length);
    memory.write16(address + USED + 2, (index + 1) & 0xffff);
    this.inFlight--;
    const quiet = (memory.read16(address + AVAILABLE) & NO_INTERRUPT) !== 0;
    return !quiet || this.inFlight === 0;
  }

  private chainFrom(head: number): Chain {
    const { memory, address } = this;
    const chain: Chain = { head, readable: [], writable: [] };
    let index = head;
    for (let count = 1; ; count++) {
      if (count > QUEUE_SIZE) throw new LauncherError('Looped descriptor'); // VIO-26
      const descriptor = address + DESCRIPTORS + index * Descriptor.size;
      const flags = memory.read16(descriptor + Descriptor.flags);
      const buffer = this.checked(
        memory.read32(descriptor + Descriptor.address),
        memory.read32(descriptor + Descriptor.length),
      );
      if ((flags & FLAG_WRITE) !== 0) chain.writable.push(buffer);
      else if (chain.writable.length > 0)
        throw new LauncherError('Descriptor has out after in'); // VIO-25
      else chain.readable.push(buffer);
      if ((flags & FLAG_NEXT) === 0) return chain;
      index = memory.read16(descriptor + Descriptor.next);
      if (index >= QUEUE_SIZE) throw new LauncherError(`Desc next is ${index}`); // VIO-27
    }
  }

  /** VIO-24: both ends below the guest's limit, and no wrap. */
  private checked(address: number, length: number): Buffer {
    const { limit } = this.memory;
    if (address >= limit || address + length >= limit) {
      throw new LauncherError(`Invalid address 0x${address.toString(16)}`);
    }
    return { address, length };
  }
}

/** How many bytes the buffers have together. */
export function lengthOf(buffers: readonly Buffer[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0);
}

/** All bytes of the buffers, one behind the other. */
export function gather(memory: GuestMemory, buffers: readonly Buffer[]): Uint8Array {
  const bytes = new Uint8Array(lengthOf(buffers));
  let at = 0;
  for (const { address, length } of buffers) {
    bytes.set(memory.bytes(address, length), at);
    at += length;
  }
  return bytes;
}

/**
 * Spreads bytes over the buffers, as far as there is room.
 * @returns how many were stored
 */
export function scatter(memory: GuestMemory, buffers: readonly Buffer[], bytes: Uint8Array): number {
  let done = 0;
  for (const { address, length } of buffers) {
    const part = bytes.subarray(done, done + length);
    memory.store(address, part);
    done += part.length;
  }
  return done;
}
