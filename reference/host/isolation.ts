// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * Chapter 23: watches whether the host keeps its promises while a guest runs. It changes nothing; what it finds ends the
 * run, since a host that breaks one of these promises has no outcome worth reporting.
 */

import type { Registers } from '../processor/interface.js';
import type { Moment, PhysicalMemory, WrittenPage } from '../processor/memory.js';
import { prefixedHex } from './format.js';
import { HOST_CODE } from './host-code-bytes.js';
import { IsolationBroken } from './isolation-broken.js';
import { checkGates, checkSegments, checkTaskState } from './isolation-tables.js';
import { checkTranslations, shadowTablesOf } from './isolation-translations.js';
import {
  CR4_PGE,
  GDT_ENTRIES,
  kernelVirtual,
  PAGE_SIZE,
  PageFlag,
  Physical,
  State,
  SWITCHER_ADDR,
  statePhysical,
} from './layout.js';
import { currentSlot, pgdirOf } from './shadow-page-tables.js';
import type { Host, LgCpu, VisitGuard } from './state.js';
import { SWITCHER_IMAGE } from './switcher-image.js';

const EFLAGS_IF = 1 << 9;
const EFLAGS_IOPL = 3 << 12;
const EFLAGS_VM = 1 << 17;
/** The flags that no guest may change, and how they are while one runs. */
const HELD_FLAGS = EFLAGS_IF | EFLAGS_IOPL | EFLAGS_VM;

/** What the processor sets in an entry that it uses. */
const USED_BITS = PageFlag.accessed | PageFlag.dirty;

const HOST_CODE_ADDRESS = kernelVirtual(Physical.hostCode);
const HOST_CODE_SIZE = HOST_CODE.length / 2;

const HOST_STACK_SIZE = 2 * PAGE_SIZE;
/** Where the GDT in the state page ends. */
const END_OF_DESCRIPTORS = State.guest_gdt + 8 * GDT_ENTRIES;

/** How a page of memory that a visit must not change may change all the same. */
type Exception = 'any' | 'used bits' | 'host_sp' | 'none';

/** One visit to a guest. */
interface Visit {
  cpu: LgCpu;
  hostCpu: number;
  /** Physical address of the shadow page directory. */
  pgdir: number;
}

/** The moments that a guard looks back to. There are two for each memory, since a guard is made for each host. */
interface Moments {
  /** When the guest was entered. */
  entry: Moment;
  /** When the tables were last found to be in order. */
  check: Moment;
}

const momentsOf = new WeakMap<PhysicalMemory, Moments>();

function momentsIn(memory: PhysicalMemory): Moments {
  const known = momentsOf.get(memory) ?? { entry: memory.moment(), check: memory.moment() };
  momentsOf.set(memory, known);
  return known;
}

/** Watches over the visits to the guests of one host. */
export class IsolationGuard implements VisitGuard {
  private visit: Visit | null = null;
  /** The visit before this one: its tables were in order. */
  private last: Visit | null = null;
  private readonly moments: Moments;

  constructor(private readonly host: Host) {
    this.moments = momentsIn(host.memory);
  }

  enter(cpu: LgCpu): void {
    const { kernel } = this.host;
    const visit = { cpu, hostCpu: kernel.host_cpu, pgdir: pgdirOf(currentSlot(cpu)) };
    checkRegisters(this.host, kernel.processor().registers());
    this.checkTables(visit);
    checkTaskState(this.host, visit.hostCpu);
    this.moments.check.begin();
    this.moments.entry.begin();
    this.last = visit;
    this.visit = visit;
  }

  /** Of the tables that were in order at the last visit only those that were written since are looked at. */
  private checkTables(visit: Visit): void {
    const { cpu, hostCpu } = visit;
    const { last } = this;
    const isSame = last?.cpu === cpu && last.hostCpu === hostCpu && last.pgdir === visit.pgdir;
    const written = this.moments.check.written();
    if (!isSame || written.some(({ page }) => isPageOfTables(page))) checkTranslations(cpu, hostCpu);
    const state = written.find(({ page }) => page * PAGE_SIZE === statePhysical(hostCpu));
    if (!isSame || (state !== undefined && hasOtherDescriptors(state))) {
      checkSegments(this.host, hostCpu);
      checkGates(this.host, hostCpu);
    }
  }

  leave(): void {
    const { visit } = this;
    this.visit = null;
    if (visit === null) return;
    for (const written of this.moments.entry.written()) checkChange(written, visit);
  }

  /**
   * Before each instruction.
   * @param linear its address
   */
  boundary(cpl: number, linear: number, eflags: number, cr3: number): void {
    const { visit } = this;
    if (visit === null) return;
    if (cpl === 0) {
      if (!isHostCode(linear, cr3 !== visit.pgdir)) {
        throw new IsolationBroken('ISO-8', `privilege level 0 at ${prefixedHex(linear)}`);
      }
      return;
    }
    if ((eflags & HELD_FLAGS) !== EFLAGS_IF) {
      throw new IsolationBroken('ISO-16', `EFLAGS ${prefixedHex(eflags >>> 0)} at ${prefixedHex(linear)}`);
    }
    if (cr3 !== visit.pgdir) {
      throw new IsolationBroken('ISO-2', `CR3 is ${prefixedHex(cr3)} at ${prefixedHex(linear)}`);
    }
  }
}

/** The guest's own memory: there it may do as it likes. */
function isOwn(cpu: LgCpu, page: number): boolean {
  const { firstFrame, size } = cpu.lg.launcher;
  return page >= firstFrame && page < firstFrame + Math.ceil(size / PAGE_SIZE);
}

/** Whether a page may be one of the shadow tables, or of those of the Switcher's window. */
function isPageOfTables(page: number): boolean {
  const at = page * PAGE_SIZE;
  return at >= Physical.switcherPtePages && at < Physical.pagePoolEnd;
}

/** Whether a state page has other words in its IDT and GDT than it had. */
function hasOtherDescriptors({ old, now }: WrittenPage): boolean {
  for (let word = State.guest_idt >>> 2; word < END_OF_DESCRIPTORS >>> 2; word++) {
    if (old[word] !== now[word]) return true;
  }
  return false;
}

/** What a visit may change: the documented words of ISO-1. */
function exceptionOf(page: number, { cpu, hostCpu, pgdir }: Visit): Exception {
  const at = page * PAGE_SIZE;
  const stack = Physical.hostStack + hostCpu * HOST_STACK_SIZE;
  if (isOwn(cpu, page) || at === cpu.regs.regsPage) return 'any';
  if (at >= stack && at < stack + HOST_STACK_SIZE) return 'any';
  if (at === statePhysical(hostCpu)) return 'host_sp';
  return at === pgdir || shadowTablesOf(cpu).includes(at) ? 'used bits' : 'none';
}

/** Looks at each double word of a page that has been written during a visit. */
function checkChange({ page, old, now }: WrittenPage, visit: Visit): void {
  const exception = exceptionOf(page, visit);
  if (exception === 'any') return;
  for (let word = 0; word < old.length; word++) {
    const changed = old[word] ^ now[word];
    if (changed === 0) continue;
    if (exception === 'used bits' && (changed & ~USED_BITS) === 0) continue;
    if (exception === 'host_sp' && 4 * word === State.host_sp) continue;
    const at = prefixedHex(page * PAGE_SIZE + 4 * word);
    const values = `${prefixedHex(old[word])} to ${prefixedHex(now[word])}`;
    throw new IsolationBroken('ISO-1', `memory at ${at} changed from ${values} while a guest ran`);
  }
}

/** @param hostTables the host's page tables are in use, not the guest's shadow */
function isHostCode(linear: number, hostTables: boolean): boolean {
  if (linear >= SWITCHER_ADDR) return linear - SWITCHER_ADDR < SWITCHER_IMAGE.text.length;
  return hostTables && linear >= HOST_CODE_ADDRESS && linear - HOST_CODE_ADDRESS < HOST_CODE_SIZE;
}

/** What must be so in registers that the Switcher leaves alone. */
function checkRegisters(host: Host, registers: Registers): void {
  if ((registers.cr4 & CR4_PGE) !== 0) {
    throw new IsolationBroken('ISO-6', `CR4 is ${prefixedHex(registers.cr4)}: translations survive`);
  }
  if (host.kernel.boot_cpu.sep && registers.sysenter_cs !== 0) {
    throw new IsolationBroken('ISO-12', `SYSENTER leads to selector ${prefixedHex(registers.sysenter_cs)}`);
  }
}
