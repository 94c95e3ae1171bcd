// SPDX-License-Identifier: GPL-2.0-or-later

/** Addresses, sizes and offsets that the host, its Switcher and its guests agree on. All offsets are in bytes. */

export const PAGE_SIZE = 0x1000;
export const PAGE_MASK = 0xfffff000;
export const PAGE_OFFSET = 0xc0000000;
export const ENTRIES_PER_TABLE = 1024;

export const NR_CPUS = 4;
export const LGUEST_IRQS = 32;
export const IDT_ENTRIES = 256;
export const GDT_ENTRIES = 32;
export const GUEST_PL = 1;
export const LGUEST_TRAP_ENTRY = 31;
export const FIRST_EXTERNAL_VECTOR = 32;
export const SYSCALL_VECTOR = 0x80;
export const LHCALL_RING_SIZE = 64;
export const PGDIR_SLOTS = 4;

/** Put into the `trapnum` slot before each entry: no trap has this number. */
export const IMPOSSIBLE_TRAP = 256;

export const MSR_IA32_SYSENTER_CS = 0x174;
export const CR0_TS = 0x8;
export const CR4_PGE = 0x80;
export const EFLAGS_FIXED = 0x2;
export const EFLAGS_IF = 0x200;

/** Entries of the Global Descriptor Table. */
export const GdtEntry = {
  tlsFirst: 6,
  tlsLast: 8,
  lguestCs: 10,
  lguestDs: 11,
  kernelCs: 12,
  kernelDs: 13,
  tss: 16,
  doubleFaultTss: 31,
} as const;

export const LGUEST_CS = GdtEntry.lguestCs * 8;
export const LGUEST_DS = GdtEntry.lguestDs * 8;
export const KERNEL_CS = GdtEntry.kernelCs * 8;
export const KERNEL_DS = GdtEntry.kernelDs * 8;

/** Bits of page table and page directory entries. */
export const PageFlag = {
  present: 0x001,
  rw: 0x002,
  user: 0x004,
  accessed: 0x020,
  dirty: 0x040,
  pse: 0x080,
  global: 0x100,
  iomap: 0x400,
} as const;

/** Present, writable, user, accessed, dirty: all that a guest's page directory entry may have. */
export const PAGE_TABLE_FLAGS = 0x067;
/** Present, writable, dirty, accessed, global: the host kernel's own pages. */
export const PAGE_KERNEL_FLAGS = 0x163;
/** The registers page of the window before a guest has run there. */
export const REGS_PTE_FLAGS_BEFORE_FIRST_RUN = 0x023;
/** Present and accessed, supervisor, read-only: the Switcher as a guest sees it. */
export const PAGE_KERNEL_READONLY_FLAGS = 0x021;

/** The Switcher's window: one page of text, then two pages for each host CPU. */
export const SWITCHER_ADDR = 0xffc00000;
export const SWITCHER_PGD_INDEX = 1023;
export const SHARED_SWITCHER_PAGES = 1;
/** `struct lguest_pages`: the page that holds the guest's registers, then the page with the read-only state. */
export const LGUEST_PAGES_SIZE = 2 * PAGE_SIZE;

/** Address of `struct lguest_pages` of a host CPU in the Switcher's window. */
export function lguestPages(hostCpu: number): number {
  return SWITCHER_ADDR + SHARED_SWITCHER_PAGES * PAGE_SIZE + hostCpu * LGUEST_PAGES_SIZE;
}

/** Offset of `struct lguest_regs` in its page: it ends where the page ends (ENTER-25). */
export const REGS_OFFSET = 0xfb8;

/** `struct lguest_ro_state`, from the start of the state page. A descriptor is a 16-bit size and a 32-bit address. */
export const State = {
  host_cr3: 0x000,
  host_idt_desc: 0x004,
  host_gdt_desc: 0x00a,
  host_sp: 0x010,
  guest_idt_desc: 0x014,
  guest_gdt_desc: 0x01a,
  guest_tss: 0x020,
  guest_idt: 0x088,
  guest_gdt: 0x888,
} as const;

/** The fields of a 32-bit task state segment that the host writes. */
export const Tss = {
  sp0: 0x04,
  ss0: 0x08,
  sp1: 0x0c,
  ss1: 0x10,
  io_bitmap_base: 0x66,
  size: 0x68,
} as const;

/** `struct lguest_data`, which lies in the guest's memory. */
export const LguestData = {
  irq_enabled: 0,
  blocked_interrupts: 4,
  cr2: 8,
  time: 12,
  hcall_status: 20,
  hcalls: 84,
  reserve_mem: 1108,
  tsc_khz: 1112,
  pgdir: 1116,
  noirq_start: 1120,
  noirq_end: 1124,
  kernel_address: 1128,
  syscall_vec: 1132,
  size: 1136,
} as const;

/** `struct lguest_vcpu arch`: the virtual CPU's own tables, one behind the other. */
export const Arch = {
  gdt: 0,
  idt: 256,
  last_pagefault: 2304,
} as const;

/** Bits of `changed`: what must be copied into the host CPU's tables before the next entry. */
export const Changed = {
  idt: 1,
  gdt: 2,
  gdtTls: 4,
  /** Without the TLS bit: the copy of the whole table covers it (E-159). */
  all: 3,
} as const;

/** Where things lie in simulated physical memory; the implementation's own choice. */
export const Physical = {
  /** The launcher's page directory. */
  launcherPgd: 0x00101000,
  hostIdt: 0x00500000,
  hostCode: 0x00502000,
  /** Each of these areas has a page (the stacks: two) for each host CPU. */
  hostGdt: 0x00510000,
  hostTss: 0x00520000,
  hostStack: 0x00530000,
  /** The page table of the Switcher's window in the host's address space. */
  hostSwitcherTable: 0x005f0000,
  switcherText: 0x00600000,
  /** Two pages for each host CPU, as in the window. */
  lguestPages: 0x00601000,
  /** One page table of the Switcher's window for each host CPU: what a guest on that CPU sees. */
  switcherPtePages: 0x00620000,
  /** `struct lg_cpu` of virtual CPU n: a page for `arch`, then its regs_page. */
  virtualCpus: 0x00640000,
  /** What the page allocator gives out. */
  pagePool: 0x00700000,
  pagePoolEnd: 0x01000000,
  /** Guest memory lies from here on. */
  guestMemory: 0x01000000,
} as const;

/** Physical address of a page in the Switcher's window, as the host maps it. */
export function lguestPagesPhysical(hostCpu: number): number {
  return Physical.lguestPages + hostCpu * LGUEST_PAGES_SIZE;
}

/** Physical address of a host CPU's read-only state page. */
export function statePhysical(hostCpu: number): number {
  return lguestPagesPhysical(hostCpu) + PAGE_SIZE;
}

/** The host kernel's virtual address of a physical one. */
export function kernelVirtual(physical: number): number {
  return (physical + PAGE_OFFSET) >>> 0;
}
