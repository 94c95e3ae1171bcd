// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 07: loading and removing the module. Each step can fail, and then those before it are undone. */

import { signedDecimal, unsignedDecimal } from './format.js';
import { lguestArchHostFini, lguestArchHostInit } from './host-initialisation.js';
import type { Kernel } from './kernel.js';
import {
  IDT_ENTRIES,
  LGUEST_PAGES_SIZE,
  PAGE_KERNEL_FLAGS,
  PAGE_SIZE,
  Physical,
  SHARED_SWITCHER_PAGES,
  SWITCHER_ADDR,
  SYSCALL_VECTOR,
} from './layout.js';
import { pfnPte, populateSwitcherPtePage, switcherPtePage } from './shadow-page-tables.js';
import { ENOMEM, type Host } from './state.js';
import { SWITCHER_IMAGE } from './switcher-image.js';

const NO_ENTRIES = new Uint8Array(PAGE_SIZE);

const EPERM = 1;
const EBUSY = 16;
const EINVAL = 22;

/** Vectors that every host kernel uses: exceptions, the legacy interrupts and its own system call. */
const KERNEL_VECTORS = [...range(0, 32), ...range(0x30, 0x40), SYSCALL_VECTOR];
/** Where the fixed mappings begin in a host kernel of the usual configuration. */
const USUAL_FIXADDR_START = 0xfff4f000;

/** The part of the host kernel that deals with modules, and what this one has been given by it. */
export class ModuleSurroundings {
  /** The host is itself a guest of something. */
  paravirt_enabled = false;
  /** Lowest address of the fixed mappings at the top of the address space. */
  fixaddr_start = USUAL_FIXADDR_START;
  /** The addresses of the window are taken. */
  vm_area_fails = false;
  /** Negated error numbers; 0: the service succeeds. */
  map_vm_area_error = 0;
  misc_register_error = 0;
  readonly used_vectors = new Set<number>(KERNEL_VECTORS);
  device_registered = false;
}

/** One step of loading. */
interface LoadStep {
  /** @returns 0, or a negated error number with nothing left behind */
  load(host: Host, around: ModuleSurroundings): number;
  unload(host: Host, around: ModuleSurroundings): void;
}

const SWITCHER: LoadStep = { load: mapSwitcher, unload: unmapSwitcher };
const PAGE_TABLES: LoadStep = { load: initPagetables, unload: freePagetables };
const INTERRUPTS: LoadStep = { load: initInterrupts, unload: freeInterrupts };
const DEVICE: LoadStep = { load: lguestDeviceInit, unload: lguestDeviceRemove };
const ARCHITECTURE: LoadStep = {
  load: (host) => {
    lguestArchHostInit(host);
    return 0;
  },
  unload: lguestArchHostFini,
};

const LOADING = [SWITCHER, PAGE_TABLES, INTERRUPTS, DEVICE, ARCHITECTURE]; // HOST-14
const REMOVING = [DEVICE, INTERRUPTS, PAGE_TABLES, SWITCHER, ARCHITECTURE]; // HOST-25 E-113
/** Nobody can make a guest before the host is ready (E-111). */
const LOADING_HARDENED = [SWITCHER, PAGE_TABLES, INTERRUPTS, ARCHITECTURE, DEVICE];

/** `init` of the module: 0, or a negated error number. */
export function lguestInit(host: Host, around: ModuleSurroundings): number {
  if (around.paravirt_enabled) {
    printk(host.kernel, 'lguest is afraid of being a guest'); // HOST-15
    return -EPERM;
  }
  const done: LoadStep[] = [];
  for (const step of host.hardened ? LOADING_HARDENED : LOADING) {
    const error = step.load(host, around);
    if (error !== 0) {
      for (const undone of done.reverse()) undone.unload(host, around); // HOST-24
      return error;
    }
    done.push(step);
  }
  return 0;
}

/** `fini` of the module. */
export function lguestFini(host: Host, around: ModuleSurroundings): void {
  for (const step of host.hardened ? LOADING_HARDENED.toReversed() : REMOVING) step.unload(host, around);
}

// ---------------------------------------------------------------------------------------------- the Switcher

/** How many pages the window has: the Switcher's code, and two for each host CPU (HOST-11). */
function totalSwitcherPages(kernel: Kernel): number {
  return SHARED_SWITCHER_PAGES + (LGUEST_PAGES_SIZE / PAGE_SIZE) * kernel.nr_cpu_ids;
}

/** `map_switcher`: gets the pages of the window, maps them and copies the Switcher's code into the first. */
function mapSwitcher(host: Host, around: ModuleSurroundings): number {
  const { kernel } = host;
  const pages = totalSwitcherPages(kernel);
  if (kernel.failures.kzalloc) return -ENOMEM; // HOST-16
  for (let page = 0; page < pages; page++) {
    if (kernel.getZeroedPageAt(Physical.switcherText + page * PAGE_SIZE)) continue;
    freePages(kernel, page); // HOST-17
    return -ENOMEM;
  }
  const error = mapWindow(host, pages, around);
  if (error !== 0) freePages(kernel, pages);
  return error;
}

function mapWindow(host: Host, pages: number, around: ModuleSurroundings): number {
  const { kernel } = host;
  const guardEnd = SWITCHER_ADDR + (pages + 1) * PAGE_SIZE;
  if (guardEnd > around.fixaddr_start) {
    printk(kernel, 'lguest: mapping switcher would thwack fixmap'); // HOST-18
    return -ENOMEM;
  }
  kernel.event({ e: 'get_vm_area', ok: !around.vm_area_fails });
  if (around.vm_area_fails) {
    printk(kernel, 'lguest: could not map switcher pages high'); // HOST-19
    return -ENOMEM;
  }
  const error = around.map_vm_area_error;
  kernel.event({ e: 'map_vm_area', ok: error === 0 });
  if (error !== 0) {
    printk(kernel, `lguest: map_vm_area failed: ${signedDecimal(error >>> 0)}`); // HOST-20
    kernel.event({ e: 'vunmap' });
    return error;
  }
  writeWindow(host);
  printk(kernel, `lguest: mapped switcher at ${SWITCHER_ADDR.toString(16)}`); // HOST-21
  return 0;
}

/** The window in the host's own page tables, with the Switcher's code in it. */
export function writeWindow(host: Host): void {
  const { memory } = host;
  const pages = totalSwitcherPages(host.kernel);
  for (let page = 0; page < pages; page++) {
    const frame = (Physical.switcherText >>> 12) + page;
    memory.write32(Physical.hostSwitcherTable + page * 4, pfnPte(host, frame, PAGE_KERNEL_FLAGS)); // HOST-21
  }
  memory.load(Physical.switcherText, SWITCHER_IMAGE.text);
}

function unmapSwitcher(host: Host): void {
  const pages = totalSwitcherPages(host.kernel);
  host.kernel.event({ e: 'vunmap' });
  host.memory.load(Physical.hostSwitcherTable, new Uint8Array(pages * 4));
  freePages(host.kernel, pages);
}

function freePages(kernel: Kernel, count: number): void {
  for (let page = 0; page < count; page++) kernel.event({ e: 'free_page' });
}

// --------------------------------------------------------------------------- the window as guests will see it

/** `init_pagetables`: a page table of the window for each host CPU. */
function initPagetables(host: Host): number {
  const { kernel } = host;
  for (let hostCpu = 0; hostCpu < kernel.nr_cpu_ids; hostCpu++) {
    if (!kernel.getZeroedPageAt(switcherPtePage(hostCpu))) {
      freeTables(host, hostCpu); // HOST-22
      return -ENOMEM;
    }
    populateSwitcherPtePage(host, hostCpu);
  }
  return 0;
}

function freePagetables(host: Host): void {
  freeTables(host, host.kernel.nr_cpu_ids);
}

function freeTables({ kernel, memory }: Host, count: number): void {
  freePages(kernel, count);
  for (let hostCpu = 0; hostCpu < count; hostCpu++) memory.load(switcherPtePage(hostCpu), NO_ENTRIES);
}

// ------------------------------------------------------------------------------ the vector and the device

/** `init_interrupts`: reserves the vector by which guests make system calls, when it is not the host's own. */
function initInterrupts(host: Host, { used_vectors }: ModuleSurroundings): number {
  const { kernel } = host;
  const vector = kernel.syscall_vector;
  if (vector === SYSCALL_VECTOR) return 0; // HOST-23
  if (vector >= IDT_ENTRIES && host.hardened) return -EINVAL; // E-112
  /* v8 ignore next 3 -- @preserve: the original writes past its map here, so that no case may say what happens (E-112) */
  if (vector >= IDT_ENTRIES) {
    kernel.event({ e: 'host_overflow', array: 'used_vectors', how: 'copy', bytes: 1, room: 0 });
  }
  if (used_vectors.has(vector)) {
    printk(kernel, `lg: couldn't reserve syscall ${unsignedDecimal(vector)}`);
    return -EBUSY;
  }
  used_vectors.add(vector);
  return 0;
}

function freeInterrupts({ kernel }: Host, { used_vectors }: ModuleSurroundings): void {
  if (kernel.syscall_vector !== SYSCALL_VECTOR) used_vectors.delete(kernel.syscall_vector);
}

function lguestDeviceInit({ kernel }: Host, around: ModuleSurroundings): number {
  const error = around.misc_register_error;
  kernel.event({ e: 'misc_register', ok: error === 0 });
  around.device_registered = error === 0;
  return error;
}

function lguestDeviceRemove({ kernel }: Host, around: ModuleSurroundings): void {
  kernel.event({ e: 'misc_deregister' });
  around.device_registered = false;
}

function printk(kernel: Kernel, message: string): void {
  kernel.event({ e: 'printk', message });
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}
