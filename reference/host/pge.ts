// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 08: Page Global Enable is off on all CPUs while lguest is loaded. */

import { callWriteCr4 } from './host-code.js';
import { CR4_PGE } from './layout.js';
import type { Host } from './state.js';

/** The last part of `lguest_arch_host_init`. */
export function turnOffPge(host: Host): void {
  const { kernel } = host;
  kernel.event({ e: 'get_online_cpus' }); // PGE-10
  if (kernel.boot_cpu.pge) {
    kernel.observer?.note('PGE-11', 'the boot CPU has PGE: it is turned off on every CPU');
    host.cpu_had_pge = true;
    host.cpus_with_pge = kernel.onlineCpus().filter((hostCpu) => hasPge(host, hostCpu));
    kernel.onEachCpu((hostCpu) => adjustPge(host, hostCpu, false), 0);
    kernel.event({ e: 'clear_cpu_cap', feature: 'PGE' });
    kernel.boot_cpu.pge = false;
  } else {
    // PGE-17: so it is when PGE is off already
    kernel.observer?.note('PGE-13', 'the boot CPU has no PGE: CR4 stays as it is on every CPU');
  }
  kernel.event({ e: 'put_online_cpus' });
}

/** `lguest_arch_host_fini`. */
export function restorePge(host: Host): void {
  const { kernel } = host;
  kernel.event({ e: 'get_online_cpus' });
  if (host.cpu_had_pge) {
    kernel.observer?.note('PGE-14', 'the boot CPU had PGE: it is turned on on every CPU');
    kernel.event({ e: 'set_cpu_cap', feature: 'PGE' });
    kernel.boot_cpu.pge = true;
    kernel.onEachCpu((hostCpu) => {
      if (host.hardened && !host.cpus_with_pge.includes(hostCpu)) return; // E-30
      adjustPge(host, hostCpu, true);
    }, 1);
  }
  kernel.event({ e: 'put_online_cpus' }); // PGE-15 PGE-16: nothing else, and cpu_had_pge stays
}

function hasPge(host: Host, hostCpu: number): boolean {
  return (host.kernel.processor(hostCpu).registers().cr4 & CR4_PGE) !== 0;
}

/** `adjust_pge`: one read and one write of CR4 of one CPU, which keeps the other bits (PGE-12). */
function adjustPge(host: Host, hostCpu: number, on: boolean): void {
  const processor = host.kernel.processor(hostCpu);
  const before = processor.registers().cr4;
  host.kernel.event({ e: 'read_cr4', cpu: hostCpu, value: before });
  const after = (on ? before | CR4_PGE : before & ~CR4_PGE) >>> 0;
  callWriteCr4(processor, hostCpu, after);
  host.kernel.event({ e: 'write_cr4', cpu: hostCpu, value: after });
}
