// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 29: the boot parameters, by which a launcher tells the kernel what it will find. */

import { PAGE_SIZE } from '../host/layout.js';
import type { GuestMemory } from './guest-memory.js';
import { LauncherError } from './launcher-error.js';

/** Offsets of the fields that the launcher writes; all others are zero (LAUNCH-20). */
export const BootParameter = {
  e820Entries: 0x1e8,
  version: 0x206,
  typeOfLoader: 0x210,
  loadFlags: 0x211,
  ramdiskImage: 0x218,
  ramdiskSize: 0x21c,
  commandLinePointer: 0x228,
  hardwareSubarchitecture: 0x23c,
  e820FirstAddress: 0x2d0,
  e820FirstSize: 0x2d8,
  e820FirstType: 0x2e0,
} as const;

const BOOT_PROTOCOL = 0x207;
const UNKNOWN_LOADER = 0xff;
const KEEP_SEGMENTS = 0x40;
const SUBARCHITECTURE_LGUEST = 1;
const E820_RAM = 1;
/** Guest-physical address of the command line. */
const COMMAND_LINE = 0x1000;
/** A kernel takes that many bytes of it, its zero included. */
const COMMAND_LINE_SIZE = 2048;

/** Writes the page at guest-physical 0, and the command line behind it. */
export function writeBootParameters(memory: GuestMemory, commandLine: string): void {
  const text = Buffer.from(`${commandLine}\0`, 'latin1');
  if (text.length > COMMAND_LINE_SIZE) {
    throw new LauncherError(`The command line has more than ${COMMAND_LINE_SIZE - 1} characters`); // LAUNCH-22
  }
  memory.write8(BootParameter.e820Entries, 1); // LAUNCH-21
  memory.write32(BootParameter.e820FirstAddress, 0);
  memory.write32(BootParameter.e820FirstSize, memory.ram);
  memory.write32(BootParameter.e820FirstType, E820_RAM);
  memory.write16(BootParameter.version, BOOT_PROTOCOL);
  memory.write8(BootParameter.loadFlags, KEEP_SEGMENTS);
  memory.write32(BootParameter.commandLinePointer, COMMAND_LINE);
  memory.write32(BootParameter.hardwareSubarchitecture, SUBARCHITECTURE_LGUEST);
  memory.store(COMMAND_LINE, text);
}

/** Puts an initial RAM disk at the end of RAM and tells the kernel where (LAUNCH-23). */
export function loadRamdisk(memory: GuestMemory, ramdisk: Uint8Array): void {
  const size = Math.ceil(ramdisk.length / PAGE_SIZE) * PAGE_SIZE;
  const address = memory.ram - size;
  if (address < 0) throw new LauncherError('The initial RAM disk does not fit into memory');
  memory.store(address, ramdisk);
  memory.write8(BootParameter.typeOfLoader, UNKNOWN_LOADER);
  memory.write32(BootParameter.ramdiskImage, address);
  memory.write32(BootParameter.ramdiskSize, size);
}
