// SPDX-License-Identifier: GPL-2.0-or-later

import { guestPa, lgread, lguestAddressOk, lgwrite } from '../../../reference/host/guest-memory.js';
import { lguestArchHostFini, lguestArchHostInit } from '../../../reference/host/host-initialisation.js';
import { doHypercalls, pageTableGuestDataInit } from '../../../reference/host/hypercalls.js';
import { initGuestPagetable } from '../../../reference/host/initial-page-tables.js';
import { lguestArchSetupRegs } from '../../../reference/host/initial-registers.js';
import { guestSetClockevent, maybeDoInterrupt, timerFires } from '../../../reference/host/interrupts.js';
import { GDT_ENTRIES, State, statePhysical } from '../../../reference/host/layout.js';
import { lguestArchRunGuest } from '../../../reference/host/leaving-the-guest.js';
import { demandPage } from '../../../reference/host/page-fault.js';
import { runGuest } from '../../../reference/host/run-loop.js';
import { copyGdt, copyGdtTls, guestLoadTls, loadGuestGdt } from '../../../reference/host/segments.js';
import { guestPagetableFlushUser, guestSetPmd, guestSetPte } from '../../../reference/host/shadow-page-tables.js';
import {
  guestNewPagetable,
  guestPagetableClearAll,
  guestSetStack,
  pinStackPages,
} from '../../../reference/host/stack-pages.js';
import type { Host, LgCpu } from '../../../reference/host/state.js';
import { deliverTrap } from '../../../reference/host/trap-delivery.js';
import { lguestArchHandleTrap } from '../../../reference/host/trap-dispatch.js';
import { copyTraps, loadGuestIdtEntry } from '../../../reference/host/trap-gates.js';
import { bytesAt, type Tree, wordAt } from './fields.js';

/** What an operation gives back beside the state: `return`, `bytes`. */
export type Returned = { return?: number; bytes?: string };

/** Operations of the host as a whole. */
export const HOST_OPERATIONS: Record<string, (host: Host) => Returned> = {
  lguest_arch_host_init: (host) => nothing(lguestArchHostInit(host)),
  lguest_arch_host_fini: (host) => nothing(lguestArchHostFini(host)),
};

/** Operations on one virtual CPU, with their arguments by name. */
export const CPU_OPERATIONS: Record<string, (cpu: LgCpu, args: Tree) => Returned> = {
  run_guest: (cpu) => ({ return: runGuest(cpu) }),
  lguest_arch_run_guest: (cpu) => nothing(lguestArchRunGuest(cpu)),
  handle_trap: (cpu) => nothing(lguestArchHandleTrap(cpu)),
  deliver_trap: (cpu, args) => ({ return: Number(deliverTrap(cpu, wordAt(args, 'num'))) }),
  demand_page: (cpu, args) => ({
    return: Number(demandPage(cpu, wordAt(args, 'vaddr'), wordAt(args, 'errcode'))),
  }),
  guest_pa: (cpu, args) => ({ return: guestPa(cpu, wordAt(args, 'vaddr')) }),
  lguest_address_ok: (cpu, args) => ({
    return: Number(lguestAddressOk(cpu.lg, wordAt(args, 'addr'), wordAt(args, 'len'))),
  }),
  lgread: (cpu, args) => ({
    bytes: Buffer.from(lgread(cpu, wordAt(args, 'addr'), wordAt(args, 'len'))).toString('hex'),
  }),
  lgwrite: (cpu, args) => nothing(lgwrite(cpu, wordAt(args, 'addr'), bytesAt(args, 'bytes'))),
  lguest_arch_setup_regs: (cpu, args) => nothing(lguestArchSetupRegs(cpu, wordAt(args, 'start'))),
  copy_traps: (cpu) => nothing(copyTraps(cpu, thisStatePage(cpu) + State.guest_idt)),
  copy_gdt: (cpu) => nothing(copyGdt(cpu, thisStatePage(cpu) + State.guest_gdt)),
  copy_gdt_tls: (cpu) => nothing(copyGdtTls(cpu, thisStatePage(cpu) + State.guest_gdt)),
  load_guest_gdt: (cpu, args) =>
    nothing(loadGuestGdt(cpu, wordAt(args, 'table'), wordAt(args, 'num', GDT_ENTRIES))),
  guest_load_tls: (cpu, args) => nothing(guestLoadTls(cpu, wordAt(args, 'tls_array'))),
  load_guest_idt_entry: (cpu, args) =>
    nothing(loadGuestIdtEntry(cpu, wordAt(args, 'num'), wordAt(args, 'lo'), wordAt(args, 'hi'))),
  do_hypercalls: (cpu) => nothing(doHypercalls(cpu)),
  maybe_do_interrupt: (cpu) => nothing(maybeDoInterrupt(cpu)),
  guest_set_clockevent: (cpu, args) => nothing(guestSetClockevent(cpu, wordAt(args, 'delta'))),
  timer_fires: (cpu) => {
    timerFires(cpu);
    return { return: 0 };
  },
  guest_set_stack: (cpu, args) =>
    nothing(guestSetStack(cpu, wordAt(args, 'seg'), wordAt(args, 'esp'), wordAt(args, 'pages'))),
  pin_stack_pages: (cpu) => nothing(pinStackPages(cpu)),
  guest_new_pagetable: (cpu, args) => nothing(guestNewPagetable(cpu, wordAt(args, 'pgtable'))),
  guest_set_pte: (cpu, args) =>
    nothing(guestSetPte(cpu, wordAt(args, 'gpgdir'), wordAt(args, 'vaddr'), wordAt(args, 'gpte'))),
  guest_set_pmd: (cpu, args) => nothing(guestSetPmd(cpu, wordAt(args, 'gpgdir'), wordAt(args, 'idx'))),
  guest_pagetable_flush_user: (cpu) => nothing(guestPagetableFlushUser(cpu)),
  guest_pagetable_clear_all: (cpu) => nothing(guestPagetableClearAll(cpu)),
  page_table_guest_data_init: (cpu) => nothing(pageTableGuestDataInit(cpu)),
  init_guest_pagetable: (cpu) => ({ return: initGuestPagetable(cpu) }),
};

function nothing(_: void): Returned {
  return {};
}

/** Physical address of the state page of the host CPU that the task runs on. */
function thisStatePage(cpu: LgCpu): number {
  return statePhysical(cpu.lg.host.kernel.host_cpu);
}
