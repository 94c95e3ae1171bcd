// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 22: /dev/lguest, the character device by which a launcher makes a guest, runs it, interrupts it and ends it. */

import { prefixedHex } from './format.js';
import { initGuestPagetable } from './initial-page-tables.js';
import { lguestArchSetupRegs } from './initial-registers.js';
import { initClockdev, setInterrupt } from './interrupts.js';
import type { TaskNumber } from './kernel.js';
import type { LauncherMemory } from './launcher-memory.js';
import { LGUEST_IRQS, PAGE_OFFSET, PAGE_SIZE } from './layout.js';
import { runGuest } from './run-loop.js';
import { freeGuestPagetable } from './shadow-page-tables.js';
import { type Death, ENOMEM, type Host, LgCpu, Lguest } from './state.js';

/** What the first word of a write asks for. */
export const Lhreq = {
  initialize: 0,
  irq: 2,
  break: 3,
} as const;

/** Error numbers; the calls return them negated. */
const EPERM = 1;
const ENOENT = 2;
const EFAULT = 14;
const EBUSY = 16;
const EINVAL = 22;
const ERESTARTSYS = 512;

const WORD_SIZE = 4;
/** The words of INITIALIZE after the request: base, pfn_limit and start. */
const INITIALIZE_WORDS = 3;
/** Offsets that are different from one another in their low 32 bits. */
const OFFSETS = 2 ** 32;

/** What a read gives: the number that the call returns, and the bytes that it has stored in the launcher's buffer. */
export interface ReadResult {
  result: number;
  bytes: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/** One open file of the device. A guest hangs on the file, not on the process that has opened it (DEV-1). */
export class LguestFile {
  /** The file's guest; null before INITIALIZE. */
  lg: Lguest | null = null;

  /**
   * @param launcher the part of the launcher's address space in which it keeps a guest's memory
   * @param archAt physical address of the page for the tables of the guest's virtual CPU
   */
  constructor(
    private readonly host: Host,
    private readonly launcher: LauncherMemory,
    private readonly archAt: number,
  ) {}

  /**
   * write(2): makes the guest, or tells it something.
   * @param offset the number of the virtual CPU, as a file offset
   * @param words what can be read from the launcher's buffer; what lies behind them faults (DEV-4 E-110)
   * @returns 0, the number of bytes that INITIALIZE has used, or a negated error number
   */
  write(task: TaskNumber, offset: number, words: readonly number[]): number {
    if (offset < 0) return -EINVAL; // DEV-3
    const [request, ...rest] = words;
    if (request === undefined) return -EFAULT; // DEV-6
    if (request === Lhreq.initialize) return this.initialize(task, rest);
    const cpu = this.cpuAt(offset);
    if (cpu === null) return -EINVAL; // DEV-7
    if (cpu.lg.dead !== null && !releasesSleepers(cpu, request, rest)) return -ENOENT; // DEV-8
    if (task !== cpu.tsk && request !== Lhreq.break) return -EPERM; // DEV-9
    switch (request) {
      case Lhreq.irq:
        return userSendIrq(cpu, rest);
      case Lhreq.break:
        return breakGuestOut(cpu, rest);
      default:
        return -EINVAL; // DEV-10
    }
  }

  /**
   * read(2): runs the guest, or tells why it is dead.
   * @param offset the number of the virtual CPU, as a file offset
   * @param size of the launcher's buffer, in bytes
   */
  read(task: TaskNumber, offset: number, size: number): ReadResult {
    const cpu = this.cpuAt(offset);
    if (cpu === null) return failed(-EINVAL); // DEV-32 DEV-3
    if (task !== cpu.tsk) return failed(-EPERM); // DEV-32
    const { kernel } = cpu.lg.host;
    if (cpu.lg.dead !== null) return this.tellDeath(cpu.lg.dead, size);
    if (size < WORD_SIZE && this.host.hardened) return failed(-EINVAL); // E-105
    kernel.user_buffer = null;
    cpu.pending_notify = 0; // DEV-36
    const result = runGuest(cpu); // DEV-37 DEV-39
    if (kernel.user_buffer === null) return failed(result);
    const bytes = new Uint8Array(WORD_SIZE);
    new DataView(bytes.buffer).setUint32(0, kernel.user_buffer, true); // DEV-38
    return { result, bytes };
  }

  /** Closing the file ends its guest. */
  close(): number {
    const { lg, host } = this;
    if (lg === null) return 0; // DEV-40
    const { kernel } = host;
    // DEV-41: the order
    freeGuestPagetable(lg);
    for (const cpu of lg.cpus) {
      kernel.event({ e: 'hrtimer_cancel' });
      kernel.freePage(cpu.regs.regsPage);
      kernel.mmput();
    }
    if (host.hardened) kernel.freeStructure(); // E-108
    this.lg = null;
    return 0;
  }

  /** The virtual CPU that an offset names; null: the file has no guest, or the guest has no such virtual CPU. */
  private cpuAt(offset: number): LgCpu | null {
    if (offset >= OFFSETS && this.host.hardened) return null; // E-106
    return this.lg?.cpus[offset % OFFSETS] ?? null; // DEV-2
  }

  // -------------------------------------------------------------------------------------------------- INITIALIZE

  /** LHREQ_INITIALIZE: the offset does not count (DEV-21). */
  private initialize(task: TaskNumber, words: readonly number[]): number {
    const { host } = this;
    if (this.lg !== null) return -EBUSY; // DEV-12
    if (words.length < INITIALIZE_WORDS) return -EFAULT; // DEV-13
    const [base, pfnLimit, start] = words;
    if (host.hardened && !isLauncherRange(base, pfnLimit)) return -EINVAL; // E-101
    if (!host.kernel.allocateStructure()) return -ENOMEM; // DEV-14
    const lg = new Lguest(host, this.launcher);
    lg.mem_base = base; // DEV-15
    lg.pfn_limit = pfnLimit;
    const error = this.startGuest(lg, task, start);
    if (error !== 0) {
      host.kernel.freeStructure();
      return error; // DEV-20
    }
    this.lg = lg; // DEV-19
    host.kernel.observer?.note(
      'DEV-19',
      `a guest is made: it starts at ${prefixedHex(start)}, its memory at user address ${prefixedHex(base)}`,
    );
    return INITIALIZE_WORDS * WORD_SIZE;
  }

  /** Virtual CPU 0 and the first page tables: 0, or a negated error number with the pages given back. */
  private startGuest(lg: Lguest, task: TaskNumber, start: number): number {
    const { kernel } = this.host;
    const cpu = this.startCpu(lg, task, start);
    if (cpu === null) return -ENOMEM; // DEV-16
    const error = initGuestPagetable(cpu);
    if (error === 0) return 0;
    kernel.freePage(cpu.regs.regsPage); // DEV-18
    if (this.host.hardened) kernel.mmput(); // E-100
    return error;
  }

  /** `lg_cpu_start`: null when there is no page for the registers. */
  private startCpu(lg: Lguest, task: TaskNumber, start: number): LgCpu | null {
    const { kernel, memory } = this.host;
    initClockdev(lg); // DEV-16
    const regsPage = kernel.getZeroedPage();
    if (regsPage === null) return null;
    memory.load(this.archAt, new Uint8Array(PAGE_SIZE));
    const cpu = new LgCpu(lg, this.archAt, regsPage);
    lg.cpus.push(cpu);
    lguestArchSetupRegs(cpu, start); // DEV-17
    cpu.tsk = task; // DEV-11
    kernel.mm_users++;
    return cpu;
  }

  // ------------------------------------------------------------------------------------------------------- death

  /** Tells why the guest is dead: as often as it is asked (DEV-34). */
  private tellDeath(dead: Death, size: number): ReadResult {
    this.host.kernel.observer?.note('DEV-32', 'the guest is dead: the launcher is told why');
    if (typeof dead === 'number') return failed(dead); // DEV-33
    const text = Buffer.from(`${dead}\0`, 'latin1');
    const count = Math.min(size, text.length); // DEV-34 E-102
    if (count > 0 && !this.host.kernel.isUserBufferWritable()) return failed(-EFAULT); // DEV-35
    return { result: count, bytes: text.subarray(0, count) };
  }
}

function failed(result: number): ReadResult {
  return { result, bytes: NOTHING };
}

/** Whether the pages of a guest begin at a page of user space and end in it. */
function isLauncherRange(base: number, pfnLimit: number): boolean {
  return base % PAGE_SIZE === 0 && pfnLimit > 0 && base + pfnLimit * PAGE_SIZE <= PAGE_OFFSET;
}

/** LHREQ_IRQ: makes a virtual interrupt pending. A virtual CPU that has halted is not woken (DEV-25). */
function userSendIrq(cpu: LgCpu, [irq]: readonly number[]): number {
  if (irq === undefined) return -EFAULT; // DEV-22
  if (irq >= LGUEST_IRQS) return -EINVAL; // DEV-23
  cpu.lg.host.kernel.observer?.note('DEV-24', `the launcher raises virtual interrupt ${irq}`);
  setInterrupt(cpu, irq); // DEV-24
  return 0;
}

/** LHREQ_BREAK: takes the owner out of read(), and keeps it out until the request is made again with 0. */
function breakGuestOut(cpu: LgCpu, [on]: readonly number[]): number {
  const { kernel } = cpu.lg.host;
  if (on === undefined) return -EFAULT; // DEV-26
  if (on === 0) {
    cpu.break_out = 0; // DEV-29
    kernel.event({ e: 'wake_up' });
    return 0;
  }
  kernel.observer?.note(
    'DEV-27',
    'the owner is to come out of its read, and this task sleeps until it may go on',
  );
  cpu.break_out = 1; // DEV-27
  kernel.event({ e: 'wake_up_process' });
  return kernel.waitEventInterruptible() ? -ERESTARTSYS : 0; // DEV-28
}

/** In the profile `hardened` a BREAK with 0 is heard when the guest is dead too, so that nobody sleeps for ever (E-103). */
function releasesSleepers(cpu: LgCpu, request: number, [on]: readonly number[]): boolean {
  return cpu.lg.host.hardened && request === Lhreq.break && on === 0;
}
