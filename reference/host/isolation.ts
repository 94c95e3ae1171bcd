// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * Chapter 23: watches whether the host keeps its promises while a guest runs. It changes nothing; what it finds ends the
 * run, since a host that breaks one of these promises has no outcome worth reporting.
 */

import type { Registers } from '../processor/interface.js';
import { prefixedHex } from './format.js';
import { HOST_CODE } from './host-code-bytes.js';
import { hostGdtPhysical } from './host-initialisation.js';
import { IsolationBroken } from './isolation-broken.js';
import { checkGates, checkSegments, checkTaskState } from './isolation-tables.js';
import { checkTranslations, shadowTablesOf } from './isolation-translations.js';
import {
  CR4_PGE,
  kernelVirtual,
  PAGE_SIZE,
  PageFlag,
  Physical,
  State,
  SWITCHER_ADDR,
  statePhysical,
} from './layout.js';
import { type ChangedPage, PageCopies } from './page-copies.js';
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

/** How the pages of memory that a visit must not change may change all the same. */
type Exception = 'any' | 'used bits' | 'host_sp' | 'none';

/** One visit to a guest. */
interface Visit {
  cpu: LgCpu;
  /** Physical address of the shadow page directory. */
  pgdir: number;
  exceptions: Map<number, Exception>;
}

/** Watches over the visits to the guests of one host. */
export class IsolationGuard implements VisitGuard {
  private visit: Visit | null = null;
  private readonly before: PageCopies;

  constructor(private readonly host: Host) {
    this.before = PageCopies.of(host.memory);
  }

  enter(cpu: LgCpu): void {
    const { kernel, memory } = this.host;
    const hostCpu = kernel.host_cpu;
    const pgdir = pgdirOf(currentSlot(cpu));
    checkRegisters(this.host, kernel.processor().registers());
    checkTranslations(cpu, hostCpu);
    checkSegments(this.host, hostCpu);
    checkGates(this.host, hostCpu);
    checkTaskState(this.host, hostCpu);
    const exceptions = exceptionsOf(cpu, hostCpu);
    this.before.clear();
    for (const page of memory.touchedPages()) if (!isOwn(cpu, page)) this.before.add(page);
    // What each visit brings into use is watched even where nothing has been written yet.
    this.before.add(hostGdtPhysical(hostCpu) / PAGE_SIZE);
    for (const page of exceptions.keys()) this.before.add(page);
    this.visit = { cpu, pgdir, exceptions };
  }

  leave(): void {
    const { visit } = this;
    this.visit = null;
    if (visit === null) return;
    const { before } = this;
    for (const change of before.changed()) checkChange(change, visit.exceptions.get(change.page) ?? 'none');
    // ISO-1: what was not in use before must not have come into use either
    for (const page of this.host.memory.touchedPages()) {
      if (before.has(page) || isOwn(visit.cpu, page)) continue;
      throw new IsolationBroken('ISO-1', `memory at ${prefixedHex(page * PAGE_SIZE)} was written by a guest`);
    }
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

function hostStackPages(hostCpu: number): number[] {
  const first = Physical.hostStack / PAGE_SIZE + hostCpu * 2;
  return [first, first + 1];
}

/** The documented words: ISO-1. */
function exceptionsOf(cpu: LgCpu, hostCpu: number): Map<number, Exception> {
  const exceptions = new Map<number, Exception>();
  exceptions.set(cpu.regs.regsPage / PAGE_SIZE, 'any');
  exceptions.set(statePhysical(hostCpu) / PAGE_SIZE, 'host_sp');
  for (const page of hostStackPages(hostCpu)) exceptions.set(page, 'any');
  for (const table of shadowTablesOf(cpu)) exceptions.set(table / PAGE_SIZE, 'used bits');
  return exceptions;
}

/** Looks at each double word of a page that has changed during a visit. */
function checkChange({ page, old, now }: ChangedPage, exception: Exception): void {
  if (exception === 'any') return;
  for (let offset = 0; offset < PAGE_SIZE; offset += 4) {
    const was = old.readUInt32LE(offset);
    const is = now.readUInt32LE(offset);
    const changed = was ^ is;
    if (changed === 0) continue;
    if (exception === 'used bits' && (changed & ~USED_BITS) === 0) continue;
    if (exception === 'host_sp' && offset === State.host_sp) continue;
    const at = prefixedHex(page * PAGE_SIZE + offset);
    const values = `${prefixedHex(was)} to ${prefixedHex(is)}`;
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
