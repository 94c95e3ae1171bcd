// SPDX-License-Identifier: GPL-2.0-or-later

/** Values for the fields of a state, by the field's name: those at which a host decides something, and anything. */

import type { Data } from '../../cases/case.js';
import type { Random } from '../../generate/random.js';
import { interestingWord } from '../values.js';
import type { Guest } from './guest.js';

export type Make = (guest: Guest, random: Random) => Data;

/** One of these values, or sometimes any word. */
const oneOf =
  (...values: readonly Data[]): Make =>
  (_, random) =>
    random.oneIn(10) ? interestingWord(random) : random.pick(values);

/** One of these values and nothing else. */
const only =
  (...values: readonly Data[]): Make =>
  (_, random) =>
    random.pick(values);

const below =
  (limit: number): Make =>
  (_, random) =>
    random.below(limit);

const word: Make = (guest) => guest.word();
const virtual: Make = (guest) => guest.virtual();
const physical: Make = (guest) => guest.physical();
const flag = only(0, 1);
const truth = only(false, true);
/** A few numbers below a limit. */
const numbers =
  (limit: number): Make =>
  (_, random) =>
    Array.from({ length: random.below(4) }, () => random.below(limit));

const SELECTORS = [
  0x61, 0x69, 0x73, 0x7b, 0x60, 0x62, 0x63, 0x68, 0x6a, 0x6b, 0, 1, 3, 0x50, 0x51, 0x58, 0x80, 0x10061,
];
const selector = oneOf(...SELECTORS);
const HYPERCALLS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 15, 16, 17, 18, 0xffffffff];

/** EFLAGS of a guest with some bits the other way round. */
const flags: Make = (_, random) =>
  random.oneIn(8) ? random.word() : (0x202 ^ (random.oneIn(2) ? 1 << random.below(22) : 0)) >>> 0;

export const REGS: Readonly<Record<string, Make>> = {
  eax: (_, random) => (random.oneIn(2) ? random.pick(HYPERCALLS) : interestingWord(random)),
  ...{ ebx: word, ecx: word, edx: word, esi: word, edi: word, ebp: word },
  ...{ gs: selector, fs: selector, ds: selector, es: selector, cs: selector, ss: selector },
  trapnum: oneOf(
    13,
    13,
    14,
    14,
    7,
    31,
    32,
    33,
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    8,
    10,
    11,
    12,
    16,
    17,
    18,
    63,
    128,
    255,
    256,
  ),
  errcode: oneOf(0, 0, 1, 2, 3, 4, 5, 6, 7, 0x10, 0x60, 0x8000),
  ...{ eip: virtual, esp: virtual, eflags: flags },
};

export const CPU: Readonly<Record<string, Make>> = {
  ts: oneOf(0, 1),
  esp1: virtual,
  ss1: only(0x69, 0x61, 0x01, 0x79, 0x6a, 0xff),
  changed: below(8),
  halted: flag,
  break_out: flag,
  pending_notify: oneOf(0, 0, 0x1000),
  next_hcall: below(64),
  irqs_pending: (_, random) => (random.oneIn(3) ? random.word() : (1 << random.below(32)) >>> 0),
  last_pagefault: virtual,
  hcall_pending: truth,
  timer_armed: truth,
  last_pages: only(null, 0, 1),
};

export const LG: Readonly<Record<string, Make>> = {
  pfn_limit: (guest, random) => Math.max(0, (guest.memSize >>> 12) + random.pick([-2, -1, 0, 0, 1, 2])),
  kernel_address: oneOf(0xc0000000, 0xc0012345, 0x80000000, 0xffc00000, 0),
  ...{ noirq_start: virtual, noirq_end: virtual },
  stack_pages: only(0, 1, 2),
  lguest_data: (guest, random) => (random.oneIn(4) ? null : physical(guest, random)),
  dead: only(null, null, 'a reason'),
  dead_errno: only(0, 0, -85, -12),
};

export const HOST: Readonly<Record<string, Make>> = {
  ...{ feature_sep: flag, feature_pge: flag, feature_constant_tsc: flag, tsc_unstable: flag },
  tsc_khz: word,
  now_sec: word,
  now_nsec: below(1_000_000_000),
  host_cpu: below(2),
  cr2: virtual,
  signal_pending: flag,
  syscall_vector: oneOf(128, 64, 32, 255),
  user_buffer_access: below(3),
  ...{ kasprintf_fails: flag, kzalloc_fails: flag, init_fpu_fails: flag },
  random32: numbers(8),
  get_zeroed_page_fails: numbers(6),
  last_cpu_is_this: truth,
  sysenter_cs: (_, random) => [random.pick([0, 0x60]), 0x60],
  task: (_, random) => ({
    ...{ usedfpu: random.below(2), used_math: random.below(2), fpu_counter: random.pick([0, 5, 6, 255]) },
  }),
};

/** Fields of `struct lguest_data` by their offset; the ring is filled elsewhere. */
export const LGUEST_DATA: ReadonlyMap<number, Make> = new Map([
  [0, oneOf(0x200, 0x200, 0, 1)],
  [4, (_, random) => (random.oneIn(2) ? 0 : random.word())],
  [8, virtual],
  [1116, physical],
  [1120, virtual],
  [1124, virtual],
  [1128, oneOf(0xc0000000, 0xffc00000, 0xffbfffff)],
  [1132, oneOf(128, 64, 32, 255, 256)],
]);

/** Arguments of the operations of one virtual CPU. */
export const ARGUMENTS: Readonly<Record<string, Readonly<Record<string, Make>>>> = {
  handle_trap: {},
  do_hypercalls: {},
  maybe_do_interrupt: {},
  run_guest: {},
  lguest_arch_run_guest: {},
  copy_traps: {},
  copy_gdt: {},
  copy_gdt_tls: {},
  page_table_guest_data_init: {},
  guest_pagetable_flush_user: {},
  guest_pagetable_clear_all: {},
  pin_stack_pages: {},
  timer_fires: {},
  lguest_arch_setup_regs: { start: virtual },
  demand_page: { vaddr: virtual, errcode: below(32) },
  deliver_trap: {
    num: oneOf(...[0, 1, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 16, 17, 31, 32, 33, 63, 64, 128, 255]),
  },
  load_guest_gdt: { table: physical, num: oneOf(0, 1, 13, 16, 17, 31, 32, 33) },
  load_guest_idt_entry: { num: oneOf(0, 3, 8, 13, 14, 15, 31, 32, 128, 255), lo: word, hi: gateHigh },
  guest_load_tls: { tls_array: physical },
  guest_new_pagetable: { pgtable: directory },
  guest_set_pte: { gpgdir: directory, vaddr: virtual, gpte: (guest) => guest.entry() },
  guest_set_pmd: { gpgdir: directory, idx: oneOf(0, 1, 767, 768, 769, 1022, 1023, 1024) },
  guest_set_stack: { seg: oneOf(0x69, 0x61, 0x68, 0x169, 0x101), esp: virtual, pages: only(0, 1, 1, 2, 3) },
  guest_set_clockevent: { delta: word },
  lguest_address_ok: { addr: physical, len: oneOf(0, 1, 4, 128, 0x1000) },
  lgread: { addr: physical, len: only(0, 1, 2, 4, 128, 256) },
  lgwrite: {
    addr: physical,
    bytes: only('00', 'ff', '0102', 'aabbccdd', '00112233445566778899aabbccddeeff'),
  },
  guest_pa: { vaddr: virtual },
};

/** The second word of a gate: present or not, of any type and level. */
function gateHigh(guest: Guest, random: Random): Data {
  const type = random.pick([0x8e, 0x8f, 0xee, 0xef, 0xae, 0x85, 0x0e, 0x8c, random.below(256)]);
  return ((guest.virtual() & 0xffff0000) | (type << 8) | (random.oneIn(8) ? random.below(256) : 0)) >>> 0;
}

/** A page directory that the guest has, or any address. */
function directory(guest: Guest, random: Random): Data {
  return random.oneIn(3) ? guest.physical() : guest.directory;
}

/** The words of a hypercall that waits in the ring or in the registers: number and three arguments. */
export function hypercall(guest: Guest, random: Random): [number, number, number, number] {
  const number = random.pick(HYPERCALLS);
  const argument = (make: Make): number => Number(make(guest, random));
  switch (number) {
    case 2:
      return [number, guest.physical(), random.pick([1, 2, 3]), guest.word()];
    case 3:
      return [number, guest.physical(), argument(ARGUMENTS.load_guest_gdt?.num ?? word), guest.word()];
    case 4:
      return [number, argument(directory), guest.word(), guest.word()];
    case 6:
      return [number, random.pick([3, 13, 14, 33, 128]), guest.word(), argument(gateHigh)];
    case 7:
      return [number, random.pick([0x69, 0x68, 0x61]), guest.virtual(), random.below(4)];
    case 14:
      return [number, argument(directory), guest.virtual(), guest.entry()];
    case 15:
      return [number, argument(directory), random.pick([0, 1, 767, 768, 1023, 1024]), guest.word()];
    default:
      return [number, guest.word(), guest.word(), guest.word()];
  }
}
