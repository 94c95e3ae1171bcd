// SPDX-License-Identifier: GPL-2.0-or-later

/** The machine on which a launcher runs: one processor, a host kernel, and the module loaded into it. */

import type { HostEvent } from '../host/events.js';
import { Kernel, type Profile, type World } from '../host/kernel.js';
import { Physical } from '../host/layout.js';
import { bootKernel, hostRegisters } from '../host/machine.js';
import { lguestInit, ModuleSurroundings } from '../host/module.js';
import { Host } from '../host/state.js';
import { SWITCHER_IMAGE } from '../host/switcher-image.js';
import { createProcessor, type ModelName } from '../processor/index.js';
import type { ProcessorObserver } from '../processor/interface.js';
import { PhysicalMemory } from '../processor/memory.js';

const CR4_PGE = 0x80;
const CR0_TS = 0x8;
/** Physical memory is made of whole large pages. */
const MEMORY_UNIT = 0x400000;

/** A kernel that keeps no events: a guest that boots makes millions. */
class BootingKernel extends Kernel {
  override event(event: HostEvent): void {
    this.observer?.event?.(event);
  }
}

/**
 * @param guestBytes how much physical memory the guest takes, its devices included
 * @param memoryOf physical memory of a size, all zero; absent: new memory
 */
export function createHost(
  profile: Profile,
  guestBytes: number,
  world: World,
  model: ModelName,
  observer?: ProcessorObserver,
  memoryOf: (size: number) => PhysicalMemory = (size) => new PhysicalMemory(size),
): Host {
  const size = Math.ceil((Physical.guestMemory + guestBytes) / MEMORY_UNIT) * MEMORY_UNIT;
  const memory = memoryOf(size);
  const processor = createProcessor(memory, undefined, observer, model);
  const registers = hostRegisters(0, Physical.launcherPgd);
  processor.setRegisters({
    ...registers,
    cr0: (registers.cr0 | CR0_TS) >>> 0,
    cr4: registers.cr4 | CR4_PGE,
  });
  const kernel = new BootingKernel(memory, [processor], world);
  kernel.nr_cpu_ids = 1;
  kernel.tsc_unstable = true;
  const host = new Host(kernel, profile);
  host.start_switcher_text = SWITCHER_IMAGE.start_switcher_text;
  host.switch_to_guest = SWITCHER_IMAGE.switch_to_guest;
  host.default_idt_entries = SWITCHER_IMAGE.default_idt_entries;
  bootKernel(host, Physical.launcherPgd);
  const error = lguestInit(host, new ModuleSurroundings());
  if (error !== 0) throw new Error(`the module cannot be loaded: ${error}`);
  return host;
}
