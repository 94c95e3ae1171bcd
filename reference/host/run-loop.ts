// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 19: the launcher's read() runs the guest until there is something to tell the launcher. */

import { prefixedHex } from './format.js';
import { doHypercalls } from './hypercalls.js';
import { interruptToOffer, maybeDoInterrupt } from './interrupts.js';
import { lguestArchRunGuest } from './leaving-the-guest.js';
import { ERESTART, GuestKilled, type LgCpu } from './state.js';
import { lguestArchHandleTrap } from './trap-dispatch.js';

/** Error numbers; `run_guest` returns them negated. */
const ENOENT = 2;
const EAGAIN = 11;
const EFAULT = 14;
const ERESTARTSYS = 512;
/** How much a notification stores for the launcher. */
const NOTIFICATION_SIZE = 4;

/** `run_guest`: what read() returns. */
export function runGuest(cpu: LgCpu): number {
  try {
    const result = runWhileAlive(cpu);
    if (result !== null) return result;
  } catch (error) {
    /* v8 ignore next -- @preserve: an assertion of the host, which no case may expect (E-6) */
    if (!(error instanceof GuestKilled)) throw error; // E-66: whatever kills ends the loop
  }
  return cpu.lg.dead === -ERESTART ? -ERESTART : -ENOENT; // RUN-2
}

/** @returns null when the guest is dead */
function runWhileAlive(cpu: LgCpu): number | null {
  const { kernel } = cpu.lg.host;
  while (cpu.lg.dead === null) {
    // RUN-1: the order; RUN-13 RUN-14: death counts here and after step 7 only
    if (cpu.hcall) doHypercalls(cpu); // RUN-3
    if (cpu.pending_notify !== 0) return notifyLauncher(cpu); // RUN-4
    if (kernel.isSignalPending()) return -ERESTARTSYS; // RUN-6
    if (cpu.break_out !== 0) return -EAGAIN; // RUN-7
    maybeDoInterrupt(cpu); // RUN-8
    kernel.tryToFreeze(); // RUN-9
    if (cpu.lg.dead !== null) break;
    if (cpu.halted !== 0) {
      sleepHalted(cpu);
      continue;
    }
    kernel.localIrqDisable(); // RUN-11
    lguestArchRunGuest(cpu); // RUN-15
    kernel.localIrqEnable(); // RUN-16
    lguestArchHandleTrap(cpu); // RUN-12
  }
  return null;
}

/** A halted virtual CPU waits for something to do (RUN-10). */
function sleepHalted(cpu: LgCpu): void {
  const { kernel, hardened } = cpu.lg.host;
  kernel.observer?.note('RUN-10', 'the virtual CPU has halted: the task sleeps');
  kernel.event({ e: 'set_current_state', state: 'TASK_INTERRUPTIBLE' });
  if (hardened && (cpu.break_out !== 0 || interruptToOffer(cpu) !== null)) {
    kernel.event({ e: 'set_current_state', state: 'TASK_RUNNING' }); // E-140
    return;
  }
  kernel.schedule();
}

function notifyLauncher(cpu: LgCpu): number {
  cpu.lg.host.kernel.observer?.note('RUN-4', `the launcher is told ${prefixedHex(cpu.pending_notify)}`);
  return cpu.lg.host.kernel.putUserBuffer(cpu.pending_notify) ? NOTIFICATION_SIZE : -EFAULT; // RUN-5
}
