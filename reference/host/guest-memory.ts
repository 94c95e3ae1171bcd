// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 06: access to guest memory at addresses that a guest has given. Nothing here asks whether it is dead (MEM-13). */

import { prefixedHex, unsignedDecimal } from './format.js';
import { ENTRIES_PER_TABLE, PAGE_MASK, PageFlag } from './layout.js';
import { killGuest, type LgCpu, type Lguest } from './state.js';

/** `lguest_address_ok`: whether a range of guest-physical addresses belongs to the guest. */
export function lguestAddressOk(lg: Lguest, address: number, length: number): boolean {
  const end = (address + length) >>> 0;
  return end >>> 12 < lg.pfn_limit && end >= address; // MEM-1 MEM-2 MEM-3 E-50
}

/** `lgread` of a word: zero, and a dead guest, if it cannot be read. */
export function lgread32(cpu: LgCpu, address: number): number {
  const word = lguestAddressOk(cpu.lg, address, 4)
    ? cpu.lg.launcher.getUser32(userAddress(cpu, address))
    : null;
  if (word === null) badRead(cpu, address, 4);
  return word ?? 0; // MEM-4 MEM-5
}

/** `lgread` of a byte. */
export function lgread8(cpu: LgCpu, address: number): number {
  const byte = lguestAddressOk(cpu.lg, address, 1)
    ? cpu.lg.launcher.getUser8(userAddress(cpu, address))
    : null;
  if (byte === null) badRead(cpu, address, 1);
  return byte ?? 0;
}

/** `lgread` of `length` bytes. */
export function lgread(cpu: LgCpu, address: number, length: number): Uint8Array {
  const bytes = lguestAddressOk(cpu.lg, address, length)
    ? cpu.lg.launcher.copyFromUser(userAddress(cpu, address), length)
    : null;
  if (bytes === null) badRead(cpu, address, length);
  return bytes ?? new Uint8Array(length);
}

/**
 * `lgread` into an array of the host. Where the guest asks for more than there is room for, the original writes past the
 * end of its array; here that is an event, and only the room is written (erratum E-63).
 * @param to physical address of the array
 */
export function lgreadInto(
  cpu: LgCpu,
  address: number,
  length: number,
  to: number,
  room: number,
  array: string,
): void {
  const { memory, kernel } = cpu.lg.host;
  const readable =
    lguestAddressOk(cpu.lg, address, length) &&
    cpu.lg.launcher.accessible(userAddress(cpu, address), length, false) === length;
  const written = Math.min(length, room);
  const bytes = readable ? cpu.lg.launcher.copyFromUser(userAddress(cpu, address), written) : null;
  /* v8 ignore next 3 -- @preserve: the original overwrites its host here, so that no case may say what happens (E-63) */
  if (length > room) {
    kernel.event({ e: 'host_overflow', array, how: readable ? 'copy' : 'zero', bytes: length, room });
  }
  if (!readable && cpu.lg.host.hardened) badRead(cpu, address, length); // E-158: the kill ends it here
  memory.load(to, bytes ?? new Uint8Array(written));
  if (!readable) badRead(cpu, address, length);
}

/** `lgwrite` of bytes. A range that runs into a page that cannot be written is stored up to that page. */
export function lgwrite(cpu: LgCpu, address: number, bytes: Uint8Array): void {
  const ok =
    lguestAddressOk(cpu.lg, address, bytes.length) &&
    cpu.lg.launcher.copyToUser(userAddress(cpu, address), bytes); // MEM-6 MEM-8
  if (!ok) badWrite(cpu, address, bytes.length); // MEM-7
}

/** `lgwrite` of a word. */
export function lgwrite32(cpu: LgCpu, address: number, value: number): void {
  if (lguestAddressOk(cpu.lg, address, 4) && cpu.lg.launcher.putUser32(userAddress(cpu, address), value))
    return;
  const word = new Uint8Array(4); // refused, or a part of it can be stored
  new DataView(word.buffer).setUint32(0, value, true);
  lgwrite(cpu, address, word);
}

function userAddress(cpu: LgCpu, address: number): number {
  return (cpu.lg.mem_base + address) >>> 0;
}

function badRead(cpu: LgCpu, address: number, length: number): void {
  cpu.lg.host.kernel.observer?.note('MEM-5', `${prefixedHex(address)} cannot be read and counts as zero`);
  killGuest(cpu, () => `bad read address ${prefixedHex(address)} len ${unsignedDecimal(length)}`);
}

function badWrite(cpu: LgCpu, address: number, length: number): void {
  killGuest(cpu, () => `bad write address ${prefixedHex(address)} len ${unsignedDecimal(length)}`);
}

/** Guest-physical address of the guest's page directory entry for a virtual address. */
export function gpgdAddress(cpu: LgCpu, vaddr: number): number {
  return (cpu.lg.pgdirs[cpu.cpu_pgd].gpgdir + (vaddr >>> 22) * 4) >>> 0;
}

/** Guest-physical address of the guest's page table entry, by way of a page directory entry that is present. */
export function gpteAddress(cpu: LgCpu, gpgd: number, vaddr: number): number {
  /* v8 ignore next -- @preserve: an assertion of the host, which no case may expect (E-6) */
  if ((gpgd & PageFlag.present) === 0) cpu.lg.host.kernel.bug('page_tables.c', 107); // E-6
  return ((gpgd & PAGE_MASK) >>> 0) + ((vaddr >>> 12) % ENTRIES_PER_TABLE) * 4; // MEM-17 E-51
}

/** `guest_pa`: where a guest-virtual address lies, by the guest's own page tables. */
export function guestPa(cpu: LgCpu, vaddr: number): number {
  const gpgd = lgread32(cpu, gpgdAddress(cpu, vaddr)); // MEM-16
  if ((gpgd & PageFlag.present) === 0) killBadAddress(cpu, vaddr); // MEM-19
  const gpte = lgread32(cpu, gpteAddress(cpu, gpgd, vaddr));
  if ((gpte & PageFlag.present) === 0) killBadAddress(cpu, vaddr); // MEM-18 E-52
  const physical = ((gpte & PAGE_MASK) | (vaddr & 0xfff)) >>> 0; // MEM-20
  cpu.lg.host.kernel.observer?.note(
    'MEM-16',
    `by the guest's page tables ${prefixedHex(vaddr)} is guest-physical ${prefixedHex(physical)}`,
  );
  return physical;
}

function killBadAddress(cpu: LgCpu, vaddr: number): void {
  killGuest(cpu, () => `Bad address ${prefixedHex(vaddr)}`);
}
