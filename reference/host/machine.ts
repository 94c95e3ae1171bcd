// SPDX-License-Identifier: GPL-2.0-or-later

/** The host machine before lguest: what its kernel has put into memory and into the registers of each CPU. */

import type { Registers, SegmentRegister } from '../processor/interface.js';
import type { PhysicalMemory } from '../processor/memory.js';
import { writeEntry } from './descriptors.js';
import { handlerAddress } from './host-code.js';
import { HOST_CODE } from './host-code-bytes.js';
import { hostGdtPhysical } from './host-initialisation.js';
import {
  GDT_ENTRIES,
  GdtEntry,
  IDT_ENTRIES,
  KERNEL_CS,
  KERNEL_DS,
  kernelVirtual,
  NR_CPUS,
  PAGE_KERNEL_FLAGS,
  PAGE_OFFSET,
  PAGE_SIZE,
  PageFlag,
  Physical,
  SWITCHER_PGD_INDEX,
  Tss,
} from './layout.js';
import { writeWindow } from './module.js';
import { pfnPte, populateSwitcherPtePage } from './shadow-page-tables.js';
import type { Host } from './state.js';

const LARGE_PAGE_SIZE = 0x400000;

const USER_DS = 0x7b;
const PERCPU_SELECTOR = 0xd8;
const PERCPU_ENTRY = PERCPU_SELECTOR / 8;
const USER_DS_ENTRY = 15;

/** Attributes of segment registers: flat code and data, and a busy TSS. */
const CODE_0 = 0xc09b;
const DATA_0 = 0xc093;
const DATA_3 = 0xc0f3;
const BUSY_TSS = 0x008b;

const INITIAL_CR0 = 0x80050033;
const INITIAL_CR4 = 0x610;

/**
 * A machine on which the module has mapped the Switcher, and not yet initialised itself.
 * @param pgd physical address of the launcher's page directory
 */
export function bootMachine(host: Host, pgd: number): void {
  bootKernel(host, pgd);
  writeWindow(host);
  for (let hostCpu = 0; hostCpu < host.kernel.nr_cpu_ids; hostCpu++) populateSwitcherPtePage(host, hostCpu);
}

/** The host kernel's part of memory, before the module is loaded. */
export function bootKernel(host: Host, pgd: number): void {
  const { memory } = host;
  memory.load(Physical.hostCode, Buffer.from(HOST_CODE, 'hex'));
  for (let vector = 0; vector < IDT_ENTRIES; vector++) {
    const handler = handlerAddress(vector);
    writeEntry(memory, Physical.hostIdt, vector, {
      a: ((KERNEL_CS << 16) | (handler & 0xffff)) >>> 0,
      b: ((handler & 0xffff0000) | 0x8e00) >>> 0,
    });
  }
  for (let hostCpu = 0; hostCpu < NR_CPUS; hostCpu++) setUpGdt(memory, hostCpu);
  setUpPageDirectory(host, pgd);
}

function setUpGdt(memory: PhysicalMemory, hostCpu: number): void {
  const gdt = hostGdtPhysical(hostCpu);
  const tss = tssAddress(hostCpu);
  writeEntry(memory, gdt, GdtEntry.kernelCs, { a: 0x0000ffff, b: 0x00cf9b00 });
  writeEntry(memory, gdt, GdtEntry.kernelDs, { a: 0x0000ffff, b: 0x00cf9300 });
  writeEntry(memory, gdt, USER_DS_ENTRY, { a: 0x0000ffff, b: 0x00cff300 });
  writeEntry(memory, gdt, PERCPU_ENTRY, { a: 0x0000ffff, b: 0x00cf9300 });
  writeEntry(memory, gdt, GdtEntry.tss, {
    a: ((Tss.size - 1) | (tss << 16)) >>> 0,
    b: (0x8b00 | (tss & 0xff000000) | ((tss >>> 16) & 0xff)) >>> 0,
  });
}

function tssAddress(hostCpu: number): number {
  return kernelVirtual(Physical.hostTss + hostCpu * PAGE_SIZE);
}

/** The host's address space: all of memory from PAGE_OFFSET on by large pages, and an empty table for the window. */
function setUpPageDirectory(host: Host, pgd: number): void {
  const { memory } = host;
  const largePages = Math.ceil(memory.size / LARGE_PAGE_SIZE);
  for (let page = 0; page < largePages; page++) {
    const frame = (page * LARGE_PAGE_SIZE) >>> 12;
    const entry = pfnPte(host, frame, PAGE_KERNEL_FLAGS | PageFlag.pse);
    memory.write32(pgd + ((PAGE_OFFSET >>> 22) + page) * 4, entry);
  }
  memory.write32(
    pgd + SWITCHER_PGD_INDEX * 4,
    pfnPte(host, Physical.hostSwitcherTable >>> 12, PAGE_KERNEL_FLAGS),
  );
}

function flat(selector: number, attributes: number): SegmentRegister {
  return { selector, base: 0, limit: 0xffffffff, attributes };
}

const NULL_SEGMENT: SegmentRegister = { selector: 0, base: 0, limit: 0, attributes: 0 };

/** The registers of a host CPU that runs its kernel. */
export function hostRegisters(hostCpu: number, pgd: number): Registers {
  return {
    eax: 0,
    ecx: 0,
    edx: 0,
    ebx: 0,
    esp: 0,
    ebp: 0,
    esi: 0,
    edi: 0,
    eip: 0,
    eflags: 0x2,
    cr0: INITIAL_CR0,
    cr2: 0,
    cr3: pgd,
    cr4: INITIAL_CR4,
    cs: flat(KERNEL_CS, CODE_0),
    ss: flat(KERNEL_DS, DATA_0),
    ds: flat(USER_DS, DATA_3),
    es: flat(USER_DS, DATA_3),
    fs: flat(PERCPU_SELECTOR, DATA_0),
    gs: NULL_SEGMENT,
    tr: { selector: GdtEntry.tss * 8, base: tssAddress(hostCpu), limit: Tss.size - 1, attributes: BUSY_TSS },
    ldtr: NULL_SEGMENT,
    gdtr: { base: kernelVirtual(hostGdtPhysical(hostCpu)), limit: GDT_ENTRIES * 8 - 1 },
    idtr: { base: kernelVirtual(Physical.hostIdt), limit: IDT_ENTRIES * 8 - 1 },
    sysenter_cs: KERNEL_CS,
    sysenter_esp: 0,
    sysenter_eip: 0,
  };
}
