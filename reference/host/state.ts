// SPDX-License-Identifier: GPL-2.0-or-later

/** What lguest keeps: for the host, for each guest and for each virtual CPU. */

import type { PhysicalMemory } from '../processor/memory.js';
import { type GuestRegister, GuestRegisters } from './guest-registers.js';
import { type Kernel, LAUNCHER_TASK, type Profile, type TaskNumber } from './kernel.js';
import type { LauncherMemory } from './launcher-memory.js';
import { Arch, IDT_ENTRIES, PAGE_SIZE, PGDIR_SLOTS } from './layout.js';

/** Told when a guest is entered and when it has been left. What it finds wrong it throws. */
export interface VisitGuard {
  /** All is ready; the Switcher is next. */
  enter(cpu: LgCpu): void;
  /** The Switcher is back. */
  leave(): void;
}

const NO_ENTRIES = new Uint32Array(IDT_ENTRIES);

/** What lguest keeps once for the whole host. */
export class Host {
  readonly memory: PhysicalMemory;
  /** Addresses of the Switcher's handler for each vector; as linked, then as copied. Replaced, never changed in place. */
  default_idt_entries: Readonly<Uint32Array> = NO_ENTRIES;
  /** Where the Switcher was linked: its first byte, and its entry point. */
  start_switcher_text = 0;
  switch_to_guest = 0;
  /** `default_idt_entries` have been relocated. */
  relocated = false;
  /** The host had PGE before lguest turned it off. */
  cpu_had_pge = false;
  /** The CPUs on which it was on. */
  cpus_with_pge: readonly number[] = [];
  /** Per host CPU: the virtual CPU that ran there last. */
  readonly last_cpu: (LgCpu | null)[] = [];
  /** Watches over the visits to guests; absent: nobody does. */
  guard: VisitGuard | undefined;

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

/** A slot without a page directory is used: the state is none that a host comes to. */
export class NoPageDirectory extends Error {
  constructor() {
    super('a guest that is used needs a page directory: lg.pgdirs[cpu.cpu_pgd] is not allocated');
    this.name = 'NoPageDirectory';
  }
}

/** A shadow page directory: which page directory of the guest it shadows, and the page it is in. */
export interface PgdirSlot {
  /** Guest-physical address, exactly as the guest named it. */
  gpgdir: number;
  /** Physical address; null: the slot has no directory yet. */
  pgdir: number | null;
}

/** Why a guest is dead: a text for the launcher, or an error number (negative). */
export type Death = string | number;

export const ERESTART = 85;
export const ENOMEM = 12;

/** `struct lguest`: one guest. */
export class Lguest {
  /** User address of the guest's `struct lguest_data`; 0: the guest has not introduced itself. */
  lguest_data = 0;
  readonly cpus: LgCpu[] = [];
  /** User address of guest-physical 0, as the launcher has named it. */
  mem_base: number;
  pfn_limit = 0;
  kernel_address = 0;
  readonly pgdirs: PgdirSlot[] = [];
  noirq_start = 0;
  noirq_end = 0;
  stack_pages = 0;
  dead: Death | null = null;

  constructor(
    readonly host: Host,
    readonly launcher: LauncherMemory,
  ) {
    this.mem_base = launcher.mem_base;
    for (let slot = 0; slot < PGDIR_SLOTS; slot++) this.pgdirs.push({ gpgdir: 0, pgdir: null });
  }
}

/** `struct lg_cpu`: one virtual CPU. Its saved registers and its tables are bytes in physical memory. */
export class LgCpu {
  readonly regs: GuestRegisters;
  /** Physical addresses of the virtual CPU's own tables. */
  readonly gdt: number;
  readonly idt: number;
  ts = 0;
  esp1 = 0;
  private stackSelector = 0;
  changed = 0;
  /** The value of NOTIFY for the launcher; 0: none. */
  pending_notify = 0;
  /** The host CPU whose pages were used for the last entry. */
  last_pages: number | null = null;
  /** Which slot of `pgdirs` is in use. */
  cpu_pgd = 0;
  /** A hypercall waits: its arguments are in `regs`. */
  hcall = false;
  next_hcall = 0;
  timer_armed = false;
  break_out = 0;
  halted = 0;
  irqs_pending = 0;
  /** The task that owns the virtual CPU: only it may run it. */
  tsk: TaskNumber = LAUNCHER_TASK;

  /** @param physical where `struct arch` is; the page after it is the regs_page, unless another is given */
  constructor(
    readonly lg: Lguest,
    physical: number,
    regsPage: number = physical + PAGE_SIZE,
  ) {
    const memory = lg.host.memory;
    this.gdt = physical + Arch.gdt;
    this.idt = physical + Arch.idt;
    this.lastPagefaultAt = physical + Arch.last_pagefault;
    this.regs = new GuestRegisters(memory, regsPage);
  }

  private readonly lastPagefaultAt: number;

  get last_pagefault(): number {
    return this.lg.host.memory.read32(this.lastPagefaultAt);
  }
  set last_pagefault(address: number) {
    this.lg.host.memory.write32(this.lastPagefaultAt, address);
  }

  /** The guest kernel's stack selector: 8 bits wide. */
  get ss1(): number {
    return this.stackSelector;
  }
  set ss1(selector: number) {
    this.stackSelector = selector & 0xff; // E-145
  }
}

/** Arguments of a hypercall. */
export interface HcallArgs {
  arg0: number;
  arg1: number;
  arg2: number;
  arg3: number;
}

/** The registers that carry the arguments. */
export const HCALL_REGISTERS: { readonly [argument in keyof HcallArgs]: GuestRegister } = {
  arg0: 'eax',
  arg1: 'edx',
  arg2: 'ebx',
  arg3: 'ecx',
};

/** In the profile `hardened` a kill ends the operation in progress (E-7). */
export class GuestKilled extends Error {
  constructor() {
    super('the guest has been killed');
    this.name = 'GuestKilled';
  }
}

/**
 * `kill_guest`: marks the guest as dead and, as the original is written, ends nothing (MEM-12).
 * @param message not evaluated for a guest that is already dead
 */
export function killGuest(cpu: LgCpu, message: () => string): void {
  recordDeath(cpu.lg, message);
  if (cpu.lg.host.hardened) throw new GuestKilled(); // E-7
}

function recordDeath(lg: Lguest, message: () => string): void {
  const { kernel } = lg.host;
  if (lg.dead !== null) {
    kernel.observer?.note('MEM-11', 'the guest is dead already: the first reason stays');
    return;
  }
  if (kernel.failures.kasprintf) {
    kernel.event({ e: 'kasprintf', ok: false });
    lg.dead = -ENOMEM; // MEM-14
    return;
  }
  lg.dead = message();
  kernel.observer?.note('MEM-10', `the guest is killed: ${JSON.stringify(lg.dead)}`);
  kernel.event({ e: 'kill_guest', message: lg.dead });
}
