// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 21: virtual interrupts of a guest, and the clock that raises the first of them. */

import { readEntry } from './descriptors.js';
import { EFLAGS_IF, FIRST_EXTERNAL_VECTOR, LGUEST_IRQS, LguestData } from './layout.js';
import { killGuest, type LgCpu, type Lguest } from './state.js';
import { setGuestInterrupt } from './trap-delivery.js';
import { isGatePresent } from './trap-gates.js';

const TIMER_IRQ = 0;

/** `maybe_do_interrupt`: delivers the lowest pending interrupt that the guest has not blocked, if it may have one now. */
export function maybeDoInterrupt(cpu: LgCpu): void {
  const { lg } = cpu;
  const irq = interruptToOffer(cpu);
  if (irq === null || !wakeOrCheckEnabled(cpu)) return;

  const gate = readEntry(lg.host.memory, cpu.idt, FIRST_EXTERNAL_VECTOR + irq);
  if (isGatePresent(gate)) {
    lg.host.kernel.observer?.note('DELIV-27', `virtual interrupt ${irq} is delivered to the guest`);
    cpu.irqs_pending = (cpu.irqs_pending & ~(1 << irq)) >>> 0;
    setGuestInterrupt(cpu, gate, false);
  }
  writeTimestamp(cpu); // DELIV-28 VIRQ-6 E-153
}

/** The interrupt that the guest may have next, unless it has interrupts off; null: none. */
export function interruptToOffer(cpu: LgCpu): number | null {
  const { lg, regs } = cpu;
  if (lg.lguest_data === 0) return null; // DELIV-22
  const blocked = lg.launcher.getUser32((lg.lguest_data + LguestData.blocked_interrupts) >>> 0);
  if (blocked === null) return null;
  if (regs.eip >= lg.noirq_start && regs.eip < lg.noirq_end) return null; // DELIV-24
  return lowestBit(cpu.irqs_pending & ~blocked); // DELIV-23
}

/** A virtual CPU that has halted is woken, with interrupts on; one that runs must have them on. */
function wakeOrCheckEnabled(cpu: LgCpu): boolean {
  const irqEnabledAt = (cpu.lg.lguest_data + LguestData.irq_enabled) >>> 0;
  if (cpu.halted === 0) return (cpu.lg.launcher.getUser32(irqEnabledAt) ?? 0) !== 0; // DELIV-26
  // DELIV-25
  if (!cpu.lg.launcher.putUser32(irqEnabledAt, EFLAGS_IF)) killGuest(cpu, () => 'Re-enabling interrupts');
  cpu.halted = 0;
  return true;
}

function lowestBit(word: number): number | null {
  // VIRQ-16
  for (let bit = 0; bit < LGUEST_IRQS; bit++) if ((word & (1 << bit)) !== 0) return bit;
  return null;
}

/** `write_timestamp`: the wall clock, for the guest to read. */
export function writeTimestamp(cpu: LgCpu): void {
  const { lg } = cpu;
  const { kernel } = lg.host;
  kernel.event({ e: 'ktime_get_real_ts' });
  const time = new Uint8Array(8);
  const view = new DataView(time.buffer);
  view.setUint32(0, kernel.now_sec, true);
  view.setUint32(4, kernel.now_nsec, true);
  if (!lg.launcher.copyToUser((lg.lguest_data + LguestData.time) >>> 0, time)) {
    killGuest(cpu, () => 'Writing timestamp');
  }
}

/** `set_interrupt`: makes an interrupt pending, whatever the guest thinks of it (VIRQ-1). */
export function setInterrupt(cpu: LgCpu, irq: number): void {
  cpu.irqs_pending = (cpu.irqs_pending | (1 << irq)) >>> 0;
}

/** `init_clockdev`: prepares the timer of a new virtual CPU, by the wall clock (CLOCK_REALTIME is clock 0). */
export function initClockdev(lg: Lguest): void {
  lg.host.kernel.event({ e: 'hrtimer_init', mode: 0 });
}

/**
 * `guest_set_clockevent`: arms the guest's timer.
 * @param delta nanoseconds from now; 0 cancels it
 */
export function guestSetClockevent(cpu: LgCpu, delta: number): void {
  const { kernel } = cpu.lg.host;
  if (delta === 0) {
    // VIRQ-9
    kernel.event({ e: 'hrtimer_cancel' });
    cpu.timer_armed = false;
    return;
  }
  kernel.event({ e: 'ktime_get_real' });
  kernel.event({ e: 'hrtimer_start', delta_ns: delta, mode: 'abs' });
  kernel.world.timerStarted(delta);
  cpu.timer_armed = true; // VIRQ-7 VIRQ-8 E-154
}

/** `clockdev_fn`: the timer has expired. It does not start again by itself. */
export function timerFires(cpu: LgCpu): void {
  cpu.timer_armed = false; // VIRQ-10
  setInterrupt(cpu, TIMER_IRQ);
  if (cpu.halted !== 0) cpu.lg.host.kernel.event({ e: 'wake_up_process' }); // VIRQ-11
}
