// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 23: where the page tables lead that the processor is about to walk for a guest. */

import { prefixedHex } from './format.js';
import { IsolationBroken } from './isolation-broken.js';
import {
  ENTRIES_PER_TABLE,
  lguestPagesPhysical,
  PAGE_MASK,
  PAGE_SIZE,
  PageFlag,
  Physical,
  SHARED_SWITCHER_PAGES,
  SWITCHER_PGD_INDEX,
} from './layout.js';
import { currentSlot, pgdirOf, regsPteIndex, switcherPtePage } from './shadow-page-tables.js';
import type { LgCpu } from './state.js';

const { present, rw, user, pse } = PageFlag;

/** Physical addresses of the directory and tables that a virtual CPU runs on, the Switcher's among them. */
export function shadowTablesOf(cpu: LgCpu): number[] {
  const { words } = cpu.lg.host.memory;
  const pgdir = pgdirOf(currentSlot(cpu));
  const first = pgdir >>> 2;
  const tables = [pgdir];
  for (let index = 0; index < ENTRIES_PER_TABLE; index++) {
    const entry = words[first + index];
    if ((entry & present) !== 0) tables.push((entry & PAGE_MASK) >>> 0);
  }
  return tables;
}

/** ISO-2 to ISO-5, for the shadow directory in use. */
export function checkTranslations(cpu: LgCpu, hostCpu: number): void {
  const { words } = cpu.lg.host.memory;
  const first = pgdirOf(currentSlot(cpu)) >>> 2;
  for (let index = 0; index < SWITCHER_PGD_INDEX; index++) {
    const entry = words[first + index];
    if ((entry & present) !== 0) checkTable(cpu, index, entry);
  }
  checkWindow(cpu, hostCpu, words[first + SWITCHER_PGD_INDEX]);
}

/** One table of the shadow, by its directory entry. */
function checkTable(cpu: LgCpu, index: number, directoryEntry: number): void {
  const { words } = cpu.lg.host.memory;
  const table = (directoryEntry & PAGE_MASK) >>> 0;
  const first = index * ENTRIES_PER_TABLE * PAGE_SIZE;
  if ((directoryEntry & pse) !== 0) throw broken('ISO-4', first, 'is mapped by a large page');
  if (table >= Physical.guestMemory) throw broken('ISO-4', first, `has its page table in guest memory`);
  for (let entry = 0; entry < ENTRIES_PER_TABLE; entry++) {
    const word = words[(table >>> 2) + entry];
    if ((word & present) === 0) continue;
    checkPage(cpu, first + entry * PAGE_SIZE, word, (word & directoryEntry & rw) !== 0);
  }
}

/** One page that the guest can reach. */
function checkPage(cpu: LgCpu, virtual: number, entry: number, writable: boolean): void {
  const { launcher, host } = cpu.lg;
  const offset = ((entry >>> 12) - launcher.firstFrame) * PAGE_SIZE;
  if (offset < 0 || offset >= launcher.size) {
    throw broken(
      'ISO-2',
      virtual,
      `leads to ${prefixedHex((entry & PAGE_MASK) >>> 0)}, which is not its own`,
    );
  }
  if (!host.hardened) return; // E-80
  if (!launcher.isPageAccessible(offset, writable))
    throw broken('ISO-3', virtual, 'has more rights than the launcher');
}

/** ISO-5: the Switcher's window is what chapter 10 says, and nothing else. */
function checkWindow(cpu: LgCpu, hostCpu: number, directoryEntry: number): void {
  const { words } = cpu.lg.host.memory;
  const table = switcherPtePage(hostCpu);
  const window = SWITCHER_PGD_INDEX * ENTRIES_PER_TABLE * PAGE_SIZE;
  if ((directoryEntry & PAGE_MASK) >>> 0 !== table || (directoryEntry & user) !== 0) {
    throw broken('ISO-5', window, `has the directory entry ${prefixedHex(directoryEntry)}`);
  }
  const regsIndex = regsPteIndex(hostCpu);
  for (let index = 0; index < ENTRIES_PER_TABLE; index++) {
    const entry = words[(table >>> 2) + index];
    if ((entry & present) === 0) continue;
    const virtual = window + index * PAGE_SIZE;
    if ((entry & user) !== 0) throw broken('ISO-5', virtual, 'is open to user programs');
    const writable = (entry & rw) !== 0;
    if (writable !== (index === regsIndex) || entry >>> 12 !== windowFrame(cpu, hostCpu, index)) {
      throw broken('ISO-5', virtual, `has the table entry ${prefixedHex(entry)}`);
    }
  }
}

/** The frame that a page of the window must have; null: nothing may be there. */
function windowFrame(cpu: LgCpu, hostCpu: number, index: number): number | null {
  const regsIndex = regsPteIndex(hostCpu);
  if (index < SHARED_SWITCHER_PAGES) return (Physical.switcherText >>> 12) + index;
  if (index === regsIndex) return cpu.regs.regsPage >>> 12;
  return index === regsIndex + 1 ? (lguestPagesPhysical(hostCpu) >>> 12) + 1 : null;
}

function broken(clause: string, virtual: number, what: string): IsolationBroken {
  return new IsolationBroken(clause, `the guest's address ${prefixedHex(virtual >>> 0)} ${what}`);
}
