// SPDX-License-Identifier: GPL-2.0-or-later

import { guestPa, lgread, lguestAddressOk, lgwrite } from '../../../reference/host/guest-memory.js';
import { lguestArchHostFini, lguestArchHostInit } from '../../../reference/host/host-initialisation.js';
import { doHypercalls, pageTableGuestDataInit } from '../../../reference/host/hypercalls.js';
import { initGuestPagetable } from '../../../reference/host/initial-page-tables.js';
import { lguestArchSetupRegs } from '../../../reference/host/initial-registers.js';
import { guestSetClockevent, maybeDoInterrupt, timerFires } from '../../../reference/host/interrupts.js';
import { State, statePhysical } from '../../../reference/host/layout.js';
import { lguestArchRunGuest } from '../../../reference/host/leaving-the-guest.js';
import { demandPage } from '../../../reference/host/page-fault.js';
import { runGuest } from '../../../reference/host/run-loop.js';
import { copyGdt, copyGdtTls, guestLoadTls, loadGuestGdt } from '../../../reference/host/segments.js';
import {
  guestPagetableFlushUser,
  guestSetPmd,
  guestSetPte,
} from '../../../reference/host/shadow-page-tables.js';
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

type CpuOperation = (cpu: LgCpu, args: Tree) => Returned;

/** An operation that returns nothing. */
function act(work: (cpu: LgCpu, args: Tree) => void): CpuOperation {
  return (cpu, args) => {
    work(cpu, args);
    return {};
  };
}

/** An operation that returns a number, or whether something is so. */
function ask(work: (cpu: LgCpu, args: Tree) => number | boolean): CpuOperation {
  return (cpu, args) => ({ return: Number(work(cpu, args)) });
}

/** Operations of the host as a whole. */
export const HOST_OPERATIONS: Record<string, (host: Host) => void> = {
  lguest_arch_host_init: lguestArchHostInit,
  lguest_arch_host_fini: lguestArchHostFini,
};

/** Operations on one virtual CPU, with their arguments by name. */
export const CPU_OPERATIONS: Record<string, CpuOperation> = {
  run_guest: ask(runGuest),
  lguest_arch_run_guest: act(lguestArchRunGuest),
  handle_trap: act(lguestArchHandleTrap),
  deliver_trap: ask((cpu, args) => deliverTrap(cpu, wordAt(args, 'num'))),
  demand_page: ask((cpu, args) => demandPage(cpu, wordAt(args, 'vaddr'), wordAt(args, 'errcode'))),
  guest_pa: ask((cpu, args) => guestPa(cpu, wordAt(args, 'vaddr'))),
  lguest_address_ok: ask((cpu, args) => lguestAddressOk(cpu.lg, wordAt(args, 'addr'), wordAt(args, 'len'))),
  lgread: (cpu, args) => ({
    bytes: Buffer.from(lgread(cpu, wordAt(args, 'addr'), wordAt(args, 'len'))).toString('hex'),
  }),
  lgwrite: act((cpu, args) => lgwrite(cpu, wordAt(args, 'addr'), bytesAt(args, 'bytes'))),
  lguest_arch_setup_regs: act((cpu, args) => lguestArchSetupRegs(cpu, wordAt(args, 'start'))),
  copy_traps: act((cpu) => copyTraps(cpu, thisStatePage(cpu) + State.guest_idt)),
  copy_gdt: act((cpu) => copyGdt(cpu, thisStatePage(cpu) + State.guest_gdt)),
  copy_gdt_tls: act((cpu) => copyGdtTls(cpu, thisStatePage(cpu) + State.guest_gdt)),
  load_guest_gdt: act((cpu, args) => loadGuestGdt(cpu, wordAt(args, 'table'), wordAt(args, 'num'))),
  guest_load_tls: act((cpu, args) => guestLoadTls(cpu, wordAt(args, 'tls_array'))),
  load_guest_idt_entry: act((cpu, args) =>
    loadGuestIdtEntry(cpu, wordAt(args, 'num'), wordAt(args, 'lo'), wordAt(args, 'hi')),
  ),
  do_hypercalls: act(doHypercalls),
  maybe_do_interrupt: act(maybeDoInterrupt),
  guest_set_clockevent: act((cpu, args) => guestSetClockevent(cpu, wordAt(args, 'delta'))),
  timer_fires: ask((cpu) => {
    timerFires(cpu);
    return 0;
  }),
  guest_set_stack: act((cpu, args) =>
    guestSetStack(cpu, wordAt(args, 'seg'), wordAt(args, 'esp'), wordAt(args, 'pages')),
  ),
  pin_stack_pages: act(pinStackPages),
  guest_new_pagetable: act((cpu, args) => guestNewPagetable(cpu, wordAt(args, 'pgtable'))),
  guest_set_pte: act((cpu, args) =>
    guestSetPte(cpu, wordAt(args, 'gpgdir'), wordAt(args, 'vaddr'), wordAt(args, 'gpte')),
  ),
  guest_set_pmd: act((cpu, args) => guestSetPmd(cpu, wordAt(args, 'gpgdir'), wordAt(args, 'idx'))),
  guest_pagetable_flush_user: act(guestPagetableFlushUser),
  guest_pagetable_clear_all: act(guestPagetableClearAll),
  page_table_guest_data_init: act(pageTableGuestDataInit),
  init_guest_pagetable: ask(initGuestPagetable),
};

/** Physical address of the state page of the host CPU that the task runs on. */
function thisStatePage(cpu: LgCpu): number {
  return statePhysical(cpu.lg.host.kernel.host_cpu);
}
