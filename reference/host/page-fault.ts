// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 15: a page fault is either the host's business (the shadow lags behind) or the guest's. */

import { prefixedHex } from './format.js';
import { gpgdAddress, gpteAddress, lgread32, lgwrite32 } from './guest-memory.js';
import { LguestData, PageFlag } from './layout.js';
import {
  checkGpgd,
  checkGpte,
  currentSlot,
  gpteToSpte,
  releasePte,
  spgdAddress,
  spteAddress,
} from './shadow-page-tables.js';
import { killGuest, type LgCpu } from './state.js';

/** Bits of a page fault's error code. */
export const FAULT_WRITE = 2;
const FAULT_USER = 4;

/**
 * `demand_page`: fills in the shadow for one address, if the guest's page tables allow the access.
 * @returns whether the access can be tried again; false: the fault is the guest's
 */
export function demandPage(cpu: LgCpu, vaddr: number, errcode: number): boolean {
  const { memory, kernel } = cpu.lg.host;
  kernel.observer?.note('PF-20', `page fault at ${prefixedHex(vaddr)}, error code ${prefixedHex(errcode)}`);
  const gpgd = lgread32(cpu, gpgdAddress(cpu, vaddr)); // PF-20 PF-32
  if ((gpgd & PageFlag.present) === 0) return false;
  if (cpu.lg.host.hardened && !isAllowed(gpgd, errcode)) return false; // E-10

  const spgdAt = spgdAddress(cpu, currentSlot(cpu), vaddr); // PF-21
  if ((memory.read32(spgdAt) & PageFlag.present) === 0 && !makeShadowTable(cpu, spgdAt, gpgd)) return false; // PF-23 E-160

  const gpteAt = gpteAddress(cpu, gpgd, vaddr);
  let gpte = lgread32(cpu, gpteAt);
  if (!isAllowed(gpte, errcode)) {
    kernel.observer?.note('PF-24', `the guest's entry ${prefixedHex(gpte)} does not allow the access`);
    return false;
  }
  checkGpte(cpu, gpte); // PF-26

  gpte |= PageFlag.accessed; // PF-27
  if ((errcode & FAULT_WRITE) !== 0) gpte |= PageFlag.dirty;
  gpte >>>= 0;

  const spteAt = spteAddress(memory.read32(spgdAt), vaddr);
  releasePte(cpu.lg, memory.read32(spteAt)); // PF-31
  const dirty = (gpte & PageFlag.dirty) !== 0; // PF-28
  memory.write32(spteAt, gpteToSpte(cpu, dirty ? gpte : (gpte & ~PageFlag.rw) >>> 0, dirty));

  lgwrite32(cpu, gpteAt, gpte); // PF-27 PF-34 E-168
  kernel.observer?.note('PF-33', 'the shadow has been filled in: the guest is not told');
  return true;
}

/** Makes an empty shadow page table for a page directory entry of the guest, whose flags it gets. */
function makeShadowTable(cpu: LgCpu, spgdAt: number, gpgd: number): boolean {
  const page = cpu.lg.host.kernel.getZeroedPage();
  if (page === null) {
    // PF-22
    killGuest(cpu, () => 'out of memory allocating pte page');
    return false;
  }
  checkGpgd(cpu, gpgd);
  cpu.lg.host.memory.write32(spgdAt, (page | (gpgd & 0xfff)) >>> 0);
  return true;
}

/** Whether an entry of the guest's tables allows the access that faulted. */
function isAllowed(entry: number, errcode: number): boolean {
  if ((entry & PageFlag.present) === 0) return false; // PF-24 PF-25
  if ((errcode & FAULT_WRITE) !== 0 && (entry & PageFlag.rw) === 0) return false;
  return (errcode & FAULT_USER) === 0 || (entry & PageFlag.user) !== 0;
}

/** Tells the guest where it faulted: `lguest_data.cr2` is the guest's CR2. */
export function writeGuestCr2(cpu: LgCpu): void {
  const { lg } = cpu;
  if (lg.lguest_data === 0) return; // PF-13
  lg.host.kernel.observer?.note('PF-12', `the guest's cr2 becomes ${prefixedHex(cpu.last_pagefault)}`);
  if (!lg.launcher.putUser32((lg.lguest_data + LguestData.cr2) >>> 0, cpu.last_pagefault)) {
    killGuest(cpu, () => 'Writing cr2'); // PF-14 E-14
  }
}
