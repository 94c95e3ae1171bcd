// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 30: the page behind the guest's RAM that describes its devices, and the notifications that concern them. */

import { PAGE_SIZE } from '../host/layout.js';
import type { Device, DeviceSurroundings } from './device.js';
import { QUEUE_SIZE, RING_PAGES, Virtqueue } from './virtqueue.js';

/** A descriptor: its head, then 8 bytes for each queue, features offered, features accepted, configuration (VIO-2). */
const Head = { type: 0, queueCount: 1, featureLength: 2, configLength: 3, status: 4, size: 5 };
const QueueField = { size: 0, irq: 2, page: 4, length: 8 };

/** Bits of the status byte that the launcher looks at. */
const FAILED = 0x80;

/** A device in its place. */
interface Entry {
  device: Device;
  /** Guest-physical address of its descriptor. */
  address: number;
  queues: Virtqueue[];
}

export class DevicePage {
  /** Guest-physical address of the page: that of the end of RAM (VIO-1). */
  readonly address: number;
  private readonly entries: Entry[] = [];
  private end: number;
  private nextIrq = 1;

  constructor(private readonly around: DeviceSurroundings) {
    this.address = around.memory.getPages(1);
    this.end = this.address;
  }

  /** Describes a device behind the others, and gives it rings and interrupts (VIO-3 VIO-4). There are fewer pages for rings than room for descriptors. */
  add(device: Device): void {
    const { memory } = this.around;
    const address = this.end;
    const { features, config, queueCount } = device;
    const size = Head.size + queueCount * QueueField.length + 2 * features.length + config.length;
    memory.write8(address + Head.type, device.type);
    memory.write8(address + Head.queueCount, queueCount);
    memory.write8(address + Head.featureLength, features.length);
    memory.write8(address + Head.configLength, config.length);
    const queues = Array.from({ length: queueCount }, (_, index) =>
      this.addQueue(address + Head.size + index * QueueField.length),
    );
    memory.store(offeredFeatures({ address, queues }), features);
    memory.store(address + size - config.length, config);
    this.end += size;
    this.entries.push({ device, address, queues });
    device.attach(queues, this.around);
  }

  /** @param field where the queue is described */
  private addQueue(field: number): Virtqueue {
    const { memory } = this.around;
    const ring = memory.getPages(RING_PAGES);
    const queue = new Virtqueue(memory, ring, this.nextIrq++);
    memory.write16(field + QueueField.size, QUEUE_SIZE);
    memory.write16(field + QueueField.irq, queue.irq);
    memory.write32(field + QueueField.page, ring / PAGE_SIZE);
    return queue;
  }

  /**
   * A notification: the address of a descriptor or in the first page of a ring (VIO-10).
   * @returns whether it was for a device
   */
  notified(address: number): boolean {
    for (const entry of this.entries) {
      if (address === entry.address) {
        this.updateStatus(entry);
        return true;
      }
      const queue = entry.queues.findIndex((ring) => ring.address === address - (address % PAGE_SIZE));
      if (queue >= 0) {
        this.kick(entry, queue);
        return true;
      }
    }
    return false;
  }

  private kick({ device, address }: Entry, queue: number): void {
    if (this.around.memory.read8(address + Head.status) === 0) {
      this.around.warn(`Device ${device.name} gave early output`); // VIO-14
      return;
    }
    device.kicked(queue);
  }

  /** VIO-11 to VIO-13. */
  private updateStatus(entry: Entry): void {
    const { memory } = this.around;
    const status = memory.read8(entry.address + Head.status);
    if (status === 0) {
      const { length } = entry.device.features;
      memory.store(offeredFeatures(entry) + length, new Uint8Array(length)); // VIO-11
      for (const queue of entry.queues) queue.reset(); // VIO-12
    } else if ((status & FAILED) !== 0) {
      this.around.warn(`Device ${entry.device.name} configuration FAILED`); // VIO-13
    }
  }
}

/** Guest-physical address of the offered features. */
function offeredFeatures({ address, queues }: { address: number; queues: readonly unknown[] }): number {
  return address + Head.size + queues.length * QueueField.length;
}
