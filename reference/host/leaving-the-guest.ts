// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 12: what must be saved before interrupts come on again (LEAVE-8). Guest memory is not written (LEAVE-10). */

import { prepareEntry, runGuestOnce } from './entering-the-guest.js';
import { prefixedHex } from './format.js';
import { mathStateRestore } from './fpu.js';
import { KERNEL_CS } from './layout.js';
import type { LgCpu } from './state.js';

const DEVICE_NOT_AVAILABLE = 7;
const PAGE_FAULT = 14;

/** `lguest_arch_run_guest`: one visit to the guest. Interrupts are off. */
export function lguestArchRunGuest(cpu: LgCpu): void {
  prepareEntry(cpu);
  runGuestOnce(cpu);
  saveExit(cpu);
}

function saveExit(cpu: LgCpu): void {
  const { kernel } = cpu.lg.host;
  const trap = cpu.regs.trapnum;
  kernel.observer?.note(
    'SW-3',
    `the guest has left: trapnum ${trap}, errcode ${prefixedHex(cpu.regs.errcode)}`,
  );
  if (kernel.boot_cpu.sep) kernel.wrmsrSysenterCs(KERNEL_CS); // LEAVE-1 LEAVE-2 LEAVE-7 E-58
  if (trap === PAGE_FAULT)
    cpu.last_pagefault = kernel.readCr2(); // LEAVE-3 LEAVE-4
  else if (trap === DEVICE_NOT_AVAILABLE) mathStateRestore(cpu.lg.host); // LEAVE-5 LEAVE-6 FPU-20 FPU-21
}
