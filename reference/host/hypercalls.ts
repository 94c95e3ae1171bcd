// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 18: what a guest asks for by INT 1Fh, and the ring of requests that it does not wait for. */

import { cString, pointer, prefixedHex, signedDecimal } from './format.js';
import { lgread, lguestAddressOk } from './guest-memory.js';
import { guestSetClockevent, writeTimestamp } from './interrupts.js';
import { LguestData, LHCALL_RING_SIZE, SWITCHER_PGD_INDEX } from './layout.js';
import { guestLoadTls, loadGuestGdt } from './segments.js';
import { guestPagetableFlushUser, guestSetPmd, guestSetPte } from './shadow-page-tables.js';
import { guestNewPagetable, guestPagetableClearAll, guestSetStack } from './stack-pages.js';
import { ERESTART, HCALL_REGISTERS, type HcallArgs, killGuest, type LgCpu } from './state.js';
import { couldBeSyscall, loadGuestIdtEntry } from './trap-gates.js';

/** Numbers of the hypercalls. */
const Lhcall = {
  flushAsync: 0,
  lguestInit: 1,
  shutdown: 2,
  loadGdt: 3,
  newPgtable: 4,
  flushTlb: 5,
  loadIdtEntry: 6,
  setStack: 7,
  ts: 8,
  setClockevent: 9,
  halt: 10,
  setPte: 14,
  setPmd: 15,
  loadTls: 16,
  notify: 17,
} as const;

const SHUTDOWN_RESTART = 2;
const SHUTDOWN_MESSAGE_SIZE = 128;
/** A slot of the ring that holds no request. */
const HCALL_DONE = 0xff;
/** Of each slot of the ring, in memory order: arg0, arg2, arg3, arg1. */
const HCALL_ARGS_SIZE = 16;
/** How much of its memory the guest must leave to the host, at the top of the address space. */
const RESERVE_MEM = 0x00400000;

/** `do_hypercalls`: the ring first, then the hypercall that the guest waits for. */
export function doHypercalls(cpu: LgCpu): void {
  if (cpu.lg.lguest_data === 0) {
    const args = directArguments(cpu);
    tell(cpu, args, false);
    initialize(cpu, args);
    cpu.hcall = false;
    return;
  }
  doAsyncHcalls(cpu); // HCALL-10
  if (cpu.pending_notify === 0) {
    const args = directArguments(cpu);
    tell(cpu, args, false);
    doHcall(cpu, args);
    cpu.hcall = false; // HCALL-3
  }
}

function tell(cpu: LgCpu, { arg0, arg1, arg2, arg3 }: HcallArgs, fromRing: boolean): void {
  cpu.lg.host.kernel.observer?.hypercall?.([arg0, arg1, arg2, arg3], fromRing);
}

/** The arguments are the guest's saved registers, which no call changes (HCALL-1 HCALL-2). */
function directArguments(cpu: LgCpu): HcallArgs {
  return {
    arg0: cpu.regs.read(HCALL_REGISTERS.arg0),
    arg1: cpu.regs.read(HCALL_REGISTERS.arg1),
    arg2: cpu.regs.read(HCALL_REGISTERS.arg2),
    arg3: cpu.regs.read(HCALL_REGISTERS.arg3),
  };
}

// ------------------------------------------------------------------------------------------ initialisation

/** `initialize`: the first hypercall tells where `struct lguest_data` is. Only a wrong number ends it early. */
function initialize(cpu: LgCpu, args: HcallArgs): void {
  if (args.arg0 !== Lhcall.lguestInit) {
    // HCALL-4
    killGuest(cpu, () => `hypercall ${signedDecimal(args.arg0)} before INIT`);
    return;
  }
  if (!lguestArchInitHypercalls(cpu, args.arg1)) killBadGuestPage(cpu); // HCALL-5 E-62
  if (!readNoirqRange(cpu)) killBadGuestPage(cpu);
  writeTimestamp(cpu);
  pageTableGuestDataInit(cpu);
  guestPagetableClearAll(cpu);
}

function killBadGuestPage(cpu: LgCpu): void {
  killGuest(cpu, () => `bad guest page ${pointer(cpu.lg.lguest_data)}`);
}

/** `lguest_arch_init_hypercalls`: false when `struct lguest_data` cannot be used. */
function lguestArchInitHypercalls(cpu: LgCpu, address: number): boolean {
  const { lg } = cpu;
  const { kernel } = lg.host;
  if (!lguestAddressOk(lg, address, LguestData.size)) return false; // HCALL-7
  const userAddress = (lg.mem_base + address) >>> 0;
  if (lg.host.hardened && userAddress === 0) return false; // E-144
  lg.lguest_data = userAddress;
  // HCALL-6
  const tscKhz = kernel.boot_cpu.constant_tsc && !kernel.tsc_unstable ? kernel.tsc_khz : 0;
  if (!putData(cpu, LguestData.tsc_khz, tscKhz)) return false;
  const vector = getData(cpu, LguestData.syscall_vec);
  if (vector === null || !couldBeSyscall(lg.host, vector)) killGuest(cpu, () => 'bad syscall vector');
  return true;
}

/** The range of the guest's code in which it must not be interrupted. */
function readNoirqRange(cpu: LgCpu): boolean {
  const start = getData(cpu, LguestData.noirq_start);
  cpu.lg.noirq_start = start ?? 0;
  if (start === null) return false;
  const end = getData(cpu, LguestData.noirq_end);
  cpu.lg.noirq_end = end ?? 0;
  return end !== null;
}

/** `page_table_guest_data_init`: where the guest's kernel begins, and what the host tells it in return. */
export function pageTableGuestDataInit(cpu: LgCpu): void {
  const { lg } = cpu;
  const kernelAddress = getData(cpu, LguestData.kernel_address);
  lg.kernel_address = kernelAddress ?? 0;
  const told =
    kernelAddress !== null &&
    putData(cpu, LguestData.reserve_mem, RESERVE_MEM) &&
    putData(cpu, LguestData.pgdir, lg.pgdirs[0].gpgdir);
  if (!told) killBadGuestPage(cpu);
  if (lg.kernel_address >>> 22 >= SWITCHER_PGD_INDEX) {
    killGuest(cpu, () => `bad kernel address ${prefixedHex(lg.kernel_address)}`);
  }
}

/** A field of `struct lguest_data`, whose address is not checked again (MEM-21); null when it faults. No others are touched (HCALL-8). */
function getData(cpu: LgCpu, offset: number): number | null {
  return cpu.lg.launcher.getUser32((cpu.lg.lguest_data + offset) >>> 0);
}

/** Stores a field whole or not at all (MEM-22). */
function putData(cpu: LgCpu, offset: number, value: number): boolean {
  return cpu.lg.launcher.putUser32((cpu.lg.lguest_data + offset) >>> 0, value);
}

// ------------------------------------------------------------------------------------------------ the ring

/** `do_async_hcalls`: what waits in the ring, from the cursor on, at most once around. */
function doAsyncHcalls(cpu: LgCpu): void {
  const { launcher, lguest_data } = cpu.lg;
  const statusAt = (lguest_data + LguestData.hcall_status) >>> 0;
  const status = launcher.copyFromUser(statusAt, LHCALL_RING_SIZE);
  if (status === null) return; // HCALL-11 E-155

  for (let done = 0; done < LHCALL_RING_SIZE; done++) {
    const slot = cpu.next_hcall;
    if (status[slot] === HCALL_DONE) return; // HCALL-12 HCALL-13
    cpu.next_hcall = (slot + 1) % LHCALL_RING_SIZE;
    const args = ringArguments(cpu, slot);
    if (args === null) {
      // HCALL-14
      killGuest(cpu, () => 'Fetching async hypercalls');
      return;
    }
    tell(cpu, args, true);
    doHcall(cpu, args); // HCALL-17
    if (!launcher.copyToUser((statusAt + slot) >>> 0, Uint8Array.of(HCALL_DONE))) {
      killGuest(cpu, () => 'Writing result for async hypercall'); // HCALL-15
      return;
    }
    if (cpu.pending_notify !== 0) return; // HCALL-16
  }
}

/** The arguments in a slot, as they are now (E-156); null when they cannot be read. */
function ringArguments(cpu: LgCpu, slot: number): HcallArgs | null {
  const at = (cpu.lg.lguest_data + LguestData.hcalls + slot * HCALL_ARGS_SIZE) >>> 0;
  const bytes = cpu.lg.launcher.copyFromUser(at, HCALL_ARGS_SIZE);
  if (bytes === null) return null;
  const words = new DataView(bytes.buffer);
  return {
    arg0: words.getUint32(0, true),
    arg2: words.getUint32(4, true),
    arg3: words.getUint32(8, true),
    arg1: words.getUint32(12, true),
  };
}

// ------------------------------------------------------------------------------------------ one hypercall

/** `do_hcall` and `lguest_arch_do_hcall`. No hypercall returns anything to the guest. */
function doHcall(cpu: LgCpu, { arg0, arg1, arg2, arg3 }: HcallArgs): void {
  cpu.lg.host.kernel.observer?.note(
    'HCALL-1',
    `hypercall ${signedDecimal(arg0)}, argument ${prefixedHex(arg1)}`,
  );
  switch (arg0) {
    case Lhcall.flushAsync:
      return; // HCALL-18
    case Lhcall.lguestInit:
      killGuest(cpu, () => 'already have lguest_data'); // HCALL-9
      return;
    case Lhcall.shutdown:
      shutdown(cpu, arg1, arg2);
      return;
    case Lhcall.loadGdt:
      loadGuestGdt(cpu, arg1, arg2);
      return;
    case Lhcall.newPgtable:
      guestNewPagetable(cpu, arg1);
      return;
    case Lhcall.flushTlb:
      if (arg1 !== 0) guestPagetableClearAll(cpu);
      else guestPagetableFlushUser(cpu);
      return;
    case Lhcall.loadIdtEntry:
      loadGuestIdtEntry(cpu, arg1, arg2, arg3);
      return;
    case Lhcall.setStack:
      guestSetStack(cpu, arg1, arg2, arg3);
      return;
    case Lhcall.ts:
      cpu.ts = arg1; // HCALL-20
      return;
    case Lhcall.setClockevent:
      guestSetClockevent(cpu, arg1);
      return;
    case Lhcall.halt:
      cpu.halted = 1; // HCALL-21
      return;
    case Lhcall.setPte:
      guestSetPte(cpu, arg1, arg2, arg3);
      return;
    case Lhcall.setPmd:
      guestSetPmd(cpu, arg1, arg2);
      return;
    case Lhcall.loadTls:
      guestLoadTls(cpu, arg1);
      return;
    case Lhcall.notify:
      cpu.pending_notify = arg1; // HCALL-22 E-65
      return;
    default:
      killGuest(cpu, () => `Bad hypercall ${signedDecimal(arg0)}\n`); // HCALL-34 E-142
  }
}

/**
 * SHUTDOWN: HCALL-19.
 * @param message guest-physical address of the guest's last words
 */
function shutdown(cpu: LgCpu, message: number, reason: number): void {
  const { lg } = cpu;
  const keepsItsReason = lg.host.hardened && lg.dead !== null; // E-141
  const text = lgread(cpu, message, SHUTDOWN_MESSAGE_SIZE).subarray(0, SHUTDOWN_MESSAGE_SIZE - 1);
  try {
    killGuest(cpu, () => `CRASH: ${cString(text)}`);
  } finally {
    if (reason === SHUTDOWN_RESTART && !keepsItsReason) lg.dead = -ERESTART;
  }
}
