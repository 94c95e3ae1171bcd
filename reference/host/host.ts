// SPDX-License-Identifier: GPL-2.0-or-later

import type { PhysicalMemory } from '../processor/memory.js';
import type { LgCpu } from './guest.js';
import type { Kernel, Profile } from './kernel.js';
import { IDT_ENTRIES } from './layout.js';

/** What lguest keeps once for the whole host. */
export class Host {
  readonly memory: PhysicalMemory;
  /** Addresses of the Switcher's handler for each vector; as linked, then as copied. */
  readonly default_idt_entries = new Uint32Array(IDT_ENTRIES);
  /** Where the Switcher was linked: its first byte, and its entry point. */
  start_switcher_text = 0;
  switch_to_guest = 0;
  /** The far pointer by which the Switcher is entered. */
  lguest_entry = { offset: 0, segment: 0 };
  /** The host had PGE before lguest turned it off. */
  cpu_had_pge = false;
  /** Per host CPU: the virtual CPU that ran there last. */
  readonly last_cpu: (LgCpu | null)[] = [];

  constructor(
    readonly kernel: Kernel,
    readonly profile: Profile,
  ) {
    this.memory = kernel.memory;
  }

  /** The profile requires the safe outcome where the original harms itself or a guest. */
  get hardened(): boolean {
    return this.profile === 'hardened';
  }
}
