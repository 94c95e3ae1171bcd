// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * Chapter 16: who owns the FPU. A guest's FPU state is that of the launcher's task; CR0.TS is set while the FPU holds
 * somebody else's, and the first use then traps.
 */

import type { Kernel } from './kernel.js';
import type { Host } from './state.js';

/** `unlazy_fpu`: takes the FPU away from the current task, if it has it. */
export function unlazyFpu({ kernel, hardened }: Host): void {
  const { task } = kernel;
  kernel.event({ e: 'unlazy_fpu' });
  if (task.usedfpu === 0) {
    task.fpu_counter = 0; // FPU-13
    if (hardened) setTaskSwitched(kernel); // E-20
    return;
  }
  kernel.observer?.note('FPU-12', 'ts is set: the FPU is saved and CR0.TS set');
  if (kernel.reportsFpu) kernel.event({ e: 'fpu_save' });
  task.usedfpu = 0;
  setTaskSwitched(kernel);
}

/** `stts`: the next use of the FPU traps. */
function setTaskSwitched(kernel: Kernel): void {
  kernel.setTaskSwitched(true);
  if (kernel.reportsFpu) kernel.event({ e: 'stts' });
}

/** `math_state_restore`: gives the FPU to the current task, with the task's state. */
export function mathStateRestore(host: Host): void {
  const { kernel } = host;
  const { task } = kernel;
  kernel.event({ e: 'math_state_restore' });
  if (task.used_math === 0 && !initFpu(host)) return; // FPU-23 FPU-24
  kernel.observer?.note('FPU-22', 'CR0.TS is cleared and the FPU loaded with the state of the task');
  kernel.setTaskSwitched(false);
  if (kernel.reportsFpu) {
    kernel.event({ e: 'clts' });
    kernel.event({ e: 'fpu_restore' });
  }
  task.usedfpu = 1;
  task.fpu_counter = (task.fpu_counter + 1) & 0xff;
}

/**
 * `init_fpu`: memory for the task's first FPU state. It may sleep, so interrupts are on meanwhile. Without memory the
 * task is killed, and interrupts stay on.
 */
function initFpu({ kernel, hardened }: Host): boolean {
  const ok = !kernel.failures.init_fpu;
  if (kernel.reportsFpu) {
    kernel.event({ e: 'local_irq_enable' });
    kernel.event({ e: 'init_fpu', ok });
  }
  kernel.world.interruptsOn(); // FPU-25
  if (ok) kernel.task.used_math = 1;
  else kernel.signal_pending = true;
  if (kernel.reportsFpu && (ok || hardened)) kernel.event({ e: 'local_irq_disable' }); // E-21
  return ok;
}
