// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 13: why the guest left, and what is done about it. */

import { prefixedHex, signedDecimal } from './format.js';
import { emulateInsn } from './io-emulation.js';
import { FIRST_EXTERNAL_VECTOR, IDT_ENTRIES, LGUEST_TRAP_ENTRY } from './layout.js';
import { demandPage, writeGuestCr2 } from './page-fault.js';
import { killGuest, type LgCpu } from './state.js';
import { deliverTrap } from './trap-delivery.js';

const DEVICE_NOT_AVAILABLE = 7;
const GENERAL_PROTECTION = 13;
const PAGE_FAULT = 14;

/** `lguest_arch_handle_trap`. Interrupts are on. Neither death nor the guest's level is asked here (TRAP-10 TRAP-11). */
export function lguestArchHandleTrap(cpu: LgCpu): void {
  if (isHandledByHost(cpu, cpu.regs.trapnum)) return;
  if (!deliverTrap(cpu, cpu.regs.trapnum)) killUnhandled(cpu); // TRAP-8
}

/** What the host does itself about a trap; false: the trap is for the guest. */
function isHandledByHost(cpu: LgCpu, trap: number): boolean {
  switch (trap) {
    case GENERAL_PROTECTION:
      return cpu.regs.errcode === 0 && emulateInsn(cpu); // TRAP-1 TRAP-2 IO-12
    case PAGE_FAULT:
      if (demandPage(cpu, cpu.last_pagefault, cpu.regs.errcode)) return true; // TRAP-3 PF-10 PF-11
      writeGuestCr2(cpu);
      return false;
    case DEVICE_NOT_AVAILABLE:
      if (cpu.ts === 0) cpu.lg.host.kernel.observer?.note('FPU-30', 'ts is 0: the guest is not told of #NM');
      return cpu.ts === 0; // TRAP-4 FPU-31
    case LGUEST_TRAP_ENTRY:
      cpu.hcall = true; // TRAP-6
      return true;
    default:
      if (trap < FIRST_EXTERNAL_VECTOR || trap >= IDT_ENTRIES) return false; // TRAP-5 E-146
      cpu.lg.host.kernel.observer?.note('TRAP-7', `vector ${trap} was for the host, whose handler has run`);
      cpu.lg.host.kernel.event({ e: 'cond_resched' });
      return true;
  }
}

/** TRAP-9 PF-15: only the text is made. */
function killUnhandled(cpu: LgCpu): void {
  const { regs } = cpu;
  killGuest(cpu, () => {
    const detail = regs.trapnum === PAGE_FAULT ? cpu.last_pagefault : regs.errcode;
    return `unhandled trap ${signedDecimal(regs.trapnum)} at ${prefixedHex(regs.eip)} (${prefixedHex(detail)})`;
  });
}
