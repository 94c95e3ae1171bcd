// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 20: the page tables that the host writes into a guest's memory before the guest runs. */

import { ENTRIES_PER_TABLE, PAGE_OFFSET, PAGE_SIZE, PageFlag } from './layout.js';
import { ENOMEM, type LgCpu, type Lguest } from './state.js';

/** Guest-physical addresses of two fields of the boot parameters. */
const E820_FIRST_SIZE = 0x2d8;
const RAMDISK_SIZE = 0x21c;

const ENTRY_FLAGS = PageFlag.present | PageFlag.rw | PageFlag.user;
const EFAULT = 14;

/**
 * `init_guest_pagetable`: the first page directory of the guest, and an empty shadow for it.
 * @returns 0 or a negated error number
 */
export function initGuestPagetable(cpu: LgCpu): number {
  const { lg } = cpu;
  const [slot] = lg.pgdirs;
  const top = setupPagetables(lg);
  if (top === null) {
    slot.gpgdir = -EFAULT >>> 0; // SHADOW-10
    return -EFAULT;
  }
  slot.gpgdir = top;
  slot.pgdir = lg.host.kernel.getZeroedPage();
  if (slot.pgdir === null) return -ENOMEM; // SHADOW-11
  cpu.cpu_pgd = 0;
  return 0;
}

/**
 * `setup_pagetables`: maps all memory at 0 and at PAGE_OFFSET, with the tables at the end of memory, below the ramdisk.
 * @returns guest-physical address of the page directory; null: the launcher's memory cannot be accessed
 */
function setupPagetables(lg: Lguest): number | null {
  const size = getGuest(lg, E820_FIRST_SIZE); // SHADOW-6 SHADOW-9
  const ramdiskSize = getGuest(lg, RAMDISK_SIZE);
  if (size === null || ramdiskSize === null) return null;
  const pages = size >>> 12;
  const tables = Math.ceil(pages / ENTRIES_PER_TABLE);
  const top = (size - ramdiskSize - PAGE_SIZE) >>> 0;
  const linear = (top - tables * PAGE_SIZE) >>> 0;

  // SHADOW-7
  for (let page = 0; page < pages; page++) {
    if (!putGuest(lg, linear + page * 4, (page << 12) | ENTRY_FLAGS)) return null;
  }
  // SHADOW-8 E-165
  for (let table = 0; table < tables; table++) {
    const entry = (linear + table * PAGE_SIZE) | ENTRY_FLAGS;
    if (!putGuest(lg, top + table * 4, entry)) return null;
    if (!putGuest(lg, top + ((PAGE_OFFSET >>> 22) + table) * 4, entry)) return null;
  }
  return top;
}

/** A word of the launcher's memory; the guest's limit does not count here. */
function getGuest(lg: Lguest, address: number): number | null {
  return lg.launcher.getUser32((lg.mem_base + address) >>> 0);
}

function putGuest(lg: Lguest, address: number, value: number): boolean {
  return lg.launcher.putUser32((lg.mem_base + address) >>> 0, value >>> 0);
}
