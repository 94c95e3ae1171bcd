// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 09: how a guest starts. */

import { EFLAGS_FIXED, EFLAGS_IF, GUEST_PL, KERNEL_CS, KERNEL_DS } from './layout.js';
import { setupGuestGdt } from './segments.js';
import type { LgCpu } from './state.js';

/**
 * `lguest_arch_setup_regs`. What is not set here stays zero: ESI = 0 is the guest-physical address of the boot
 * parameters.
 * @param start address of the first instruction
 */
export function lguestArchSetupRegs(cpu: LgCpu, start: number): void {
  const { regs } = cpu;
  regs.ds = KERNEL_DS | GUEST_PL; // REGS-1
  regs.es = KERNEL_DS | GUEST_PL;
  regs.ss = KERNEL_DS | GUEST_PL;
  regs.cs = KERNEL_CS | GUEST_PL;
  regs.eflags = EFLAGS_IF | EFLAGS_FIXED;
  regs.eip = start;
  setupGuestGdt(cpu); // REGS-2 REGS-3
}
