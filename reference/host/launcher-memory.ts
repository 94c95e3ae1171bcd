// SPDX-License-Identifier: GPL-2.0-or-later

import type { PhysicalMemory } from '../processor/memory.js';
import { PAGE_OFFSET, PAGE_SIZE } from './layout.js';

export type PageAccess = 'readonly' | 'unmapped';

/**
 * The part of a launcher's address space that is its guest's memory: `size` bytes at user address `mem_base`, mapped and
 * writable but for the pages in `pageAccess`. Whatever else the host touches in user space faults.
 *
 * The guest's page n is the physical frame `firstFrame` + n.
 */
export class LauncherMemory {
  readonly firstFrame: number;
  private readonly pageAccess = new Map<number, PageAccess>();

  /**
   * @param physical physical address of the guest's first byte
   * @param size in bytes, whole pages
   */
  constructor(
    readonly memory: PhysicalMemory,
    readonly mem_base: number,
    readonly physical: number,
    readonly size: number,
  ) {
    this.firstFrame = physical >>> 12;
  }

  setPageAccess(guestPage: number, access: PageAccess): void {
    this.pageAccess.set(guestPage, access);
  }

  /** Physical address of a user address inside the guest's memory. */
  private physicalOf(address: number): number {
    return this.physical + ((address - this.mem_base) >>> 0);
  }

  /** Whether the page of the guest at this offset can be read, or written. */
  isPageAccessible(offset: number, write: boolean): boolean {
    if (offset >= this.size || this.mem_base + offset >= PAGE_OFFSET) return false; // PF-36
    const access = this.pageAccess.get(offset >>> 12);
    return access === undefined || (access === 'readonly' && !write);
  }

  /**
   * How many of the `length` bytes from `address` on can be accessed before the first that faults. A range that wraps
   * or reaches into kernel addresses counts as faulting at once.
   */
  accessible(address: number, length: number, write: boolean): number {
    if (address + length > PAGE_OFFSET) return 0; // MEM-9
    let done = 0;
    while (done < length) {
      const offset = (address + done - this.mem_base) >>> 0;
      if (!this.isPageAccessible(offset, write)) return done;
      const toPageEnd = PAGE_SIZE - (offset % PAGE_SIZE);
      done = Math.min(length, done + toPageEnd);
    }
    return length;
  }

  /** `get_user` of a word: null when any byte of it faults. */
  getUser32(address: number): number | null {
    return this.accessible(address, 4, false) === 4 ? this.memory.read32(this.physicalOf(address)) : null;
  }

  /** `get_user` of a byte: null when it faults. */
  getUser8(address: number): number | null {
    return this.accessible(address, 1, false) === 1 ? this.memory.read8(this.physicalOf(address)) : null;
  }

  /** `put_user` of a word: false when any byte of it faults; then nothing is stored. */
  putUser32(address: number, value: number): boolean {
    if (this.accessible(address, 4, true) !== 4) return false;
    this.memory.write32(this.physicalOf(address), value);
    return true;
  }

  /** `copy_from_user`: null when any byte faults. */
  copyFromUser(address: number, length: number): Uint8Array | null {
    if (this.accessible(address, length, false) !== length) return null;
    const from = this.physicalOf(address);
    return this.memory.bytes.slice(from, from + length);
  }

  /** `copy_to_user`: stores the bytes before the first page that faults; false when there is one. */
  copyToUser(address: number, bytes: Uint8Array): boolean {
    const writable = this.accessible(address, bytes.length, true);
    this.memory.load(this.physicalOf(address), bytes.subarray(0, writable));
    return writable === bytes.length;
  }
}
