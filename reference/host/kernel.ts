// SPDX-License-Identifier: GPL-2.0-or-later

import type { Processor, RunLimits } from '../processor/interface.js';
import type { PhysicalMemory } from '../processor/memory.js';
import type { HostEvent } from './events.js';
import type { LauncherMemory } from './launcher-memory.js';
import { CR0_TS, MSR_IA32_SYSENTER_CS, PAGE_SIZE, Physical } from './layout.js';

export type Profile = 'linux-2.6.29' | 'hardened';

/* v8 ignore start -- @preserve: where the original harms its host no case may say what happens (E-6, E-82) */
/** An assertion of the host failed: the original would oops. The state is that at the assertion. */
export class HostBug extends Error {
  constructor(
    readonly file: string,
    readonly line: number,
  ) {
    super(`host BUG at ${file}:${line}`);
    this.name = 'HostBug';
  }
}

/** The host has been given a loop that keeps it busy for hours, without a way out. */
export class HostHang extends Error {
  constructor(what: string) {
    super(`host hangs: ${what}`);
    this.name = 'HostHang';
  }
}
/* v8 ignore stop -- @preserve */

/** Told what the host does and by which clause, for a person to read. */
export interface HostObserver {
  note(clause: string, sentence: string): void;
  event?(event: HostEvent): void;
  /** A hypercall is about to be carried out: its number and arguments, and whether it waited in the ring. */
  hypercall?(args: readonly number[], fromRing: boolean): void;
}

/** What the world around the host does when the host lets it. */
export interface World {
  /** The task sleeps until something wakes it. */
  schedule(): void;
  /** The host may suspend now; whatever happens meanwhile finds a task that does not sleep. */
  freeze(): void;
  random32(): number;
  /** What comes to the processor from outside while it is in the guest, and when it must come back. */
  runLimits(): RunLimits;
  /** A device of the host has interrupted the guest, and the host's handler runs. */
  hostInterrupt(vector: number): void;
  /** Interrupts have been enabled: the scheduler may move the task. */
  interruptsOn(): void;
  /** The task sleeps until another task releases it (false) or a signal comes (true). */
  waitForRelease(): boolean;
  /** The timer of the virtual CPU that runs has been armed, to expire in so many nanoseconds. */
  timerStarted(nanoseconds: number): void;
}

/** Which of the tasks that share an open file. Threads of one process are different tasks. */
export type TaskNumber = number;
export const LAUNCHER_TASK: TaskNumber = 0;

/** The launcher's task, as far as the FPU goes. */
export interface Task {
  /** TS_USEDFPU: the FPU holds this task's state. */
  usedfpu: number;
  /** PF_USED_MATH: the task has an FPU state at all. */
  used_math: number;
  /** How often in a row the FPU was restored by a trap; 8 bits. */
  fpu_counter: number;
}

export interface BootCpu {
  sep: boolean;
  pge: boolean;
  constant_tsc: boolean;
}

/** Services that can be told to fail. */
export interface Failures {
  /** Numbers of the page allocations that fail, counted from 0 at the start of the operation. */
  get_zeroed_page: readonly number[];
  kasprintf: boolean;
  /** No memory for a structure that is smaller than a page. */
  kzalloc: boolean;
  init_fpu: boolean;
  /** The launcher's buffer: 1 read-only, 2 unmapped. */
  user_buffer_access: number;
}

/**
 * The host kernel that lguest lives in: one task (the launcher), its CPUs and the few services that lguest asks for.
 * Whatever can be seen from outside is recorded as an event.
 */
export class Kernel {
  readonly boot_cpu: BootCpu = {
    sep: true,
    pge: true,
    constant_tsc: true,
  };
  readonly task: Task = { usedfpu: 0, used_math: 1, fpu_counter: 0 };
  readonly failures: Failures = {
    get_zeroed_page: [],
    kasprintf: false,
    kzalloc: false,
    init_fpu: false,
    user_buffer_access: 0,
  };
  /** Physical address of the current task's page directory. */
  pgd: number = Physical.launcherPgd;
  /** Which host CPU the task runs on. */
  host_cpu = 0;
  nr_cpu_ids = 2;
  signal_pending = false;
  /** Module parameter: the system call vector beside 80h that a guest may use. */
  syscall_vector = 0x80;
  tsc_khz = 2_000_000;
  tsc_unstable = false;
  now_sec = 0;
  now_nsec = 0;
  /** References to the launcher's address space: its own, and one for each virtual CPU. */
  mm_users = 1;
  /** How many `struct lguest` have been allocated and not been freed. */
  lguest_structures = 0;
  /** The word that was stored for the launcher. */
  user_buffer: number | null = null;
  events: HostEvent[] = [];
  /** Whether the events inside `unlazy_fpu` and `math_state_restore` are reported. */
  reportsFpu = false;
  observer: HostObserver | undefined;
  private allocations = 0;
  private nextFreshPage: number = Physical.pagePool;
  private readonly freePages: number[] = [];

  constructor(
    readonly memory: PhysicalMemory,
    /** One for each host CPU. */
    readonly processors: readonly Processor[],
    readonly world: World,
  ) {}

  /** Forgets what belongs to one operation. */
  beginOperation(): void {
    this.events = [];
    this.allocations = 0;
    this.user_buffer = null;
  }

  event(event: HostEvent): void {
    this.events.push(event);
    this.observer?.event?.(event);
  }

  /* v8 ignore next 4 -- @preserve: an assertion of the host, which no case may expect (E-6) */
  bug(file: string, line: number): never {
    this.event({ e: 'host_bug', file, line });
    throw new HostBug(file, line);
  }

  // ---------------------------------------------------------------------------------------------- processors

  /** The processor of a host CPU; without a number, that of the CPU that the task runs on. */
  processor(hostCpu: number = this.host_cpu): Processor {
    return this.processors[hostCpu];
  }

  /** Writes IA32_SYSENTER_CS of this CPU, the only MSR that lguest touches. */
  wrmsrSysenterCs(selector: number): void {
    const registers = this.processor().registers();
    registers.sysenter_cs = selector;
    this.processor().setRegisters(registers);
    this.event({ e: 'wrmsr', msr: MSR_IA32_SYSENTER_CS, low: selector, high: 0 });
  }

  readCr2(): number {
    const value = this.processor().registers().cr2;
    this.event({ e: 'read_cr2', value });
    return value;
  }

  /** Sets or clears CR0.TS of this CPU. */
  setTaskSwitched(on: boolean): void {
    const registers = this.processor().registers();
    registers.cr0 = (on ? registers.cr0 | CR0_TS : registers.cr0 & ~CR0_TS) >>> 0;
    this.processor().setRegisters(registers);
  }

  /** Runs `work` on every online CPU and waits for all. */
  onEachCpu(work: (hostCpu: number) => void, argument: number): void {
    this.event({ e: 'on_each_cpu', arg: argument, wait: 1 });
    for (const hostCpu of this.onlineCpus()) work(hostCpu);
  }

  /** Numbers of the CPUs, in ascending order. */
  onlineCpus(): number[] {
    return Array.from({ length: this.nr_cpu_ids }, (_, hostCpu) => hostCpu);
  }

  /** The host's own handler of an interrupt that came while the guest ran. */
  handleInterrupt(vector: number): void {
    this.event({ e: 'host_interrupt', vector });
    this.world.hostInterrupt(vector);
  }

  // -------------------------------------------------------------------------------------------------- memory

  /** Physical address of a zeroed page, or null when there is none. */
  getZeroedPage(): number | null {
    const ok = !this.failures.get_zeroed_page.includes(this.allocations++);
    this.event({ e: 'get_zeroed_page', ok });
    return ok ? this.takePage() : null;
  }

  /**
   * A zeroed page at a place of the reference's own choice, for what other modules find there.
   * @param at physical address
   * @returns false when there is no page
   */
  getZeroedPageAt(at: number): boolean {
    const ok = !this.failures.get_zeroed_page.includes(this.allocations++);
    this.event({ e: 'get_zeroed_page', ok });
    if (ok) this.memory.load(at, ZEROED_PAGE);
    return ok;
  }

  /** @param page null: there is none, and nothing is freed */
  freePage(page: number | null): void {
    if (page === null) {
      this.event({ e: 'free_page', null: true });
      return;
    }
    this.event({ e: 'free_page' });
    this.freePages.push(page);
  }

  /** Memory for a `struct lguest`: false when there is none. */
  allocateStructure(): boolean {
    if (this.failures.kzalloc) return false;
    this.lguest_structures++;
    return true;
  }

  freeStructure(): void {
    this.lguest_structures--;
  }

  /** A zeroed page for state that exists before the operation. */
  takePage(): number {
    const recycled = this.freePages.pop();
    if (recycled !== undefined) {
      this.memory.load(recycled, ZEROED_PAGE);
      return recycled;
    }
    const page = this.nextFreshPage;
    /* v8 ignore next -- @preserve: a fault of the reference, never the outcome of a case */
    if (page >= Physical.pagePoolEnd) throw new Error('the page pool is empty');
    this.nextFreshPage += PAGE_SIZE;
    return page;
  }

  /**
   * `get_user_pages_fast` for one page: pins the page at a user page number and gives its frame, or null.
   * @param page user page number
   */
  getUserPage(launcher: LauncherMemory, page: number, write: boolean): number | null {
    const offset = ((page << 12) - (launcher.mem_base & ~0xfff)) >>> 0;
    const ok = launcher.isPageAccessible(offset, write);
    this.event({ e: 'get_user_pages_fast', guest_pfn: offset >>> 12, write, ok });
    return ok ? launcher.firstFrame + (offset >>> 12) : null;
  }

  /** Drops a reference to a page of the launcher. */
  putPage(launcher: LauncherMemory, frame: number): void {
    this.event({ e: 'put_page', guest_pfn: (frame - launcher.firstFrame) & 0xfffff });
  }

  /** Stores a word in the buffer of the launcher's read(): false when it faults. */
  putUserBuffer(value: number): boolean {
    if (!this.isUserBufferWritable()) return false;
    this.user_buffer = value;
    return true;
  }

  isUserBufferWritable(): boolean {
    return this.failures.user_buffer_access === 0;
  }

  // ----------------------------------------------------------------------------------------- tasks and clocks

  isSignalPending(): boolean {
    this.event({ e: 'signal_pending', value: this.signal_pending });
    return this.signal_pending;
  }

  localIrqDisable(): void {
    this.event({ e: 'local_irq_disable' });
  }

  localIrqEnable(): void {
    this.event({ e: 'local_irq_enable' });
    this.world.interruptsOn();
  }

  tryToFreeze(): void {
    this.event({ e: 'try_to_freeze' });
    this.world.freeze();
  }

  schedule(): void {
    this.event({ e: 'schedule' });
    this.world.schedule();
  }

  /** `wait_event_interruptible`: whether a signal ended the sleep. */
  waitEventInterruptible(): boolean {
    this.event({ e: 'wait_event_interruptible' });
    return this.world.waitForRelease();
  }

  /** `mmput`: gives back a reference to the launcher's address space. */
  mmput(): void {
    this.event({ e: 'mmput' });
    this.mm_users--;
  }

  random32(): number {
    const value = this.world.random32();
    this.event({ e: 'random32', value });
    return value;
  }
}

const ZEROED_PAGE = new Uint8Array(PAGE_SIZE);
