// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 10: what is copied into the host CPU's pages, and the far call into the Switcher. */

import { describeEntry } from './entry-event.js';
import { prefixedHex } from './format.js';
import { unlazyFpu } from './fpu.js';
import { callRunGuestOnce } from './host-code.js';
import { Changed, IMPOSSIBLE_TRAP, lguestPages, State, statePhysical, Tss } from './layout.js';
import { copyGdt, copyGdtTls } from './segments.js';
import { currentSlot, mapSwitcherInGuest, pgdirOf } from './shadow-page-tables.js';
import type { LgCpu } from './state.js';
import { copyTraps } from './trap-gates.js';

/** The first half of `lguest_arch_run_guest`: what must be so before the guest runs. Interrupts are off. */
export function prepareEntry(cpu: LgCpu): void {
  const { kernel } = cpu.lg.host;
  if (cpu.ts !== 0) unlazyFpu(cpu.lg.host); // ENTER-1 FPU-10 FPU-11 FPU-32
  if (kernel.boot_cpu.sep) kernel.wrmsrSysenterCs(0); // ENTER-2 ENTER-3 ENTER-4
}

/** `copy_in_guest_info`: makes the host CPU's pages those of this virtual CPU, copying what has changed. */
function copyInGuestInfo(cpu: LgCpu, hostCpu: number): void {
  const { host } = cpu.lg;
  const { memory } = host;
  if (host.last_cpu[hostCpu] !== cpu || cpu.last_pages !== hostCpu) {
    host.kernel.observer?.note(
      'ENTER-5',
      `host CPU ${hostCpu} has not run this virtual CPU last: all is copied`,
    );
    host.last_cpu[hostCpu] = cpu; // ENTER-6 ENTER-7
    cpu.last_pages = hostCpu;
    cpu.changed = Changed.all;
  }
  const state = statePhysical(hostCpu);
  memory.write32(state + State.host_cr3, host.kernel.pgd); // ENTER-8
  mapSwitcherInGuest(cpu, hostCpu);
  memory.write32(state + State.guest_tss + Tss.sp1, cpu.esp1); // ENTER-9
  memory.write16(state + State.guest_tss + Tss.ss1, cpu.ss1);

  host.kernel.observer?.note('ENTER-12', whatIsCopied(cpu.changed));
  if ((cpu.changed & Changed.idt) !== 0) copyTraps(cpu, state + State.guest_idt); // ENTER-12 ENTER-15
  if ((cpu.changed & Changed.gdt) !== 0)
    copyGdt(cpu, state + State.guest_gdt); // ENTER-16
  else if ((cpu.changed & Changed.gdtTls) !== 0) copyGdtTls(cpu, state + State.guest_gdt); // ENTER-17 ENTER-18
  cpu.changed = 0; // ENTER-19
}

/** `run_guest_once`: into the Switcher, and back when the guest has trapped or been interrupted. */
export function runGuestOnce(cpu: LgCpu): void {
  const { kernel } = cpu.lg.host;
  const hostCpu = kernel.host_cpu;
  copyInGuestInfo(cpu, hostCpu);
  cpu.regs.trapnum = IMPOSSIBLE_TRAP; // ENTER-20
  kernel.observer?.note('SW-1', `into the guest at ${prefixedHex(cpu.regs.eip)} on host CPU ${hostCpu}`);
  const pgdir = pgdirOf(currentSlot(cpu));
  kernel.event(describeEntry(kernel, cpu, pgdir));
  cpu.lg.host.guard?.enter(cpu);
  callRunGuestOnce(kernel, lguestPages(hostCpu), pgdir);
  cpu.lg.host.guard?.leave();
}

/* v8 ignore start -- @preserve: told to a person by `explain`, not to a case */
function whatIsCopied(changed: number): string {
  const parts: string[] = [];
  if ((changed & Changed.idt) !== 0) parts.push('the gates of direct traps');
  if ((changed & Changed.gdt) !== 0) parts.push('the GDT');
  else if ((changed & Changed.gdtTls) !== 0) parts.push('the TLS entries');
  return parts.length === 0 ? 'no table has changed since the last entry' : `copied: ${parts.join(', ')}`;
}
/* v8 ignore stop -- @preserve */
