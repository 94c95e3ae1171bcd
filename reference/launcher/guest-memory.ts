// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 29: guest memory as the launcher lays it out: RAM, then the pages of its devices. */

import { LauncherMemory } from '../host/launcher-memory.js';
import { PAGE_SIZE } from '../host/layout.js';
import type { PhysicalMemory } from '../processor/memory.js';
import { LauncherError } from './launcher-error.js';

/** Room for device pages behind the RAM, in bytes (LAUNCH-1). */
export const DEVICE_AREA = 0x100000;

/**
 * A guest's physical memory. Addresses are guest-physical. Only the launcher's own faults reach beyond `max`: whoever takes an
 * address from the guest checks it first.
 */
export class GuestMemory {
  /** What the host sees of it: the launcher's address space. */
  readonly launcher: LauncherMemory;
  /** The first address that the guest does not have: RAM and the device pages given out so far (LAUNCH-2). */
  limit: number;
  /** The first address that is not mapped. */
  private readonly max: number;

  /**
   * @param base user address of guest-physical 0
   * @param physical the host's physical address of it
   * @param ram size of the guest's RAM in bytes
   */
  constructor(
    private readonly memory: PhysicalMemory,
    base: number,
    private readonly physical: number,
    readonly ram: number,
  ) {
    this.limit = ram;
    this.max = ram + DEVICE_AREA;
    this.launcher = new LauncherMemory(memory, base, physical, this.max);
  }

  /**
   * The next pages for a device.
   * @returns guest-physical address of the first
   */
  getPages(count: number): number {
    const address = this.limit;
    if (address + count * PAGE_SIZE > this.max) throw new LauncherError('Not enough memory for devices'); // LAUNCH-3
    this.limit += count * PAGE_SIZE;
    return address;
  }

  read8(address: number): number {
    return this.memory.read8(this.physical + address);
  }

  read16(address: number): number {
    return this.memory.read16(this.physical + address);
  }

  read32(address: number): number {
    return this.memory.read32(this.physical + address);
  }

  write8(address: number, value: number): void {
    this.memory.write8(this.physical + address, value);
  }

  write16(address: number, value: number): void {
    this.memory.write16(this.physical + address, value);
  }

  write32(address: number, value: number): void {
    this.memory.write32(this.physical + address, value);
  }

  /** A copy of `length` bytes. */
  bytes(address: number, length: number): Uint8Array {
    const from = this.physical + address;
    return this.memory.bytes.slice(from, from + length);
  }

  store(address: number, bytes: Uint8Array): void {
    this.memory.load(this.physical + address, bytes);
  }

  /** The bytes up to the next zero, or to the guest's limit. */
  textAt(address: number): Uint8Array {
    let end = address;
    while (end < this.limit && this.read8(end) !== 0) end++;
    return this.bytes(address, end - address);
  }
}
