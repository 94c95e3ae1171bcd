// SPDX-License-Identifier: GPL-2.0-or-later

import { writeEntry } from '../../../reference/host/descriptors.js';
import { GUEST_REGISTERS } from '../../../reference/host/guest-registers.js';
import { Kernel, type Profile, type World } from '../../../reference/host/kernel.js';
import { LauncherMemory } from '../../../reference/host/launcher-memory.js';
import {
  CR0_TS,
  CR4_PGE,
  GDT_ENTRIES,
  IDT_ENTRIES,
  LHCALL_RING_SIZE,
  NR_CPUS,
  PAGE_MASK,
  PAGE_SIZE,
  PGDIR_SLOTS,
  Physical,
  State,
  SWITCHER_PGD_INDEX,
  statePhysical,
  Tss,
} from '../../../reference/host/layout.js';
import { hostRegisters } from '../../../reference/host/machine.js';
import { spteAddress, switcherPtePage } from '../../../reference/host/shadow-page-tables.js';
import { Host, LgCpu, Lguest } from '../../../reference/host/state.js';
import type { Processor, Registers } from '../../../reference/processor/interface.js';
import type { PhysicalMemory } from '../../../reference/processor/memory.js';
import type { Moment } from '../../../reference/processor/moment.js';
import { isObject } from '../../protocol.js';
import { type MachineWithDevice, openFile, setStepFailures } from './device.js';
import {
  elementAt,
  entryAt,
  flagAt,
  indexAt,
  listAt,
  MalformedCase,
  optionalWordAt,
  sharedBytesAt,
  type Tree,
  treeAt,
  treesAt,
  wordAt,
} from './fields.js';
import {
  type HostImage,
  type Installation,
  installHost,
  memoryFor,
  momentOf,
  setUpSwitcher,
} from './host-image.js';
import { type MachineWithModule, moduleSurroundings } from './module.js';

/** A host with its guests, built from the `given` of a case. */
export interface HostMachine extends MachineWithDevice, MachineWithModule {
  /** The state has the key `guests` and a list of pages, one for each host CPU. */
  severalGuests: boolean;
  /** `pages` in the answer is a list. */
  listsPages: boolean;
  /** `lguest_arch_host_init` had run before the case. */
  initialised: boolean;
  /** The host's part of memory, as it was put there before the case changed anything. */
  image: HostImage;
  /** When `told` was so. */
  moment: Moment;
  /** What is known of the state before the step, and of which guests, and need not be told anew; null: all of it must be. */
  told: { state: Tree; guests: readonly Lguest[] } | null;
}

/** How the processors of a class are made. */
export type MakeProcessor = (memory: PhysicalMemory, registers: Registers) => Processor;

// ------------------------------------------------------------------------------------------------- the host

export function buildMachine(
  given: Tree,
  profile: Profile,
  conformanceClass: 'host' | 'system',
  world: World,
  makeProcessor: MakeProcessor,
): HostMachine {
  const severalGuests = Array.isArray(given.guests);
  const guestTrees = severalGuests ? treesAt(given, 'guests') : [given];
  const guestBytes = guestTrees.reduce((sum, guest) => sum + roundUp(wordAt(guest, 'mem_size')), 0);
  const memory = memoryFor(guestBytes);
  const hostTree = treeAt(given, 'host');

  const initialised = flagAt(hostTree, 'initialised', true);
  const nr_cpu_ids = wordAt(hostTree, 'nr_cpu_ids', 2);
  if (nr_cpu_ids < 1 || nr_cpu_ids > NR_CPUS) throw new MalformedCase('nr_cpu_ids is from 1 to 4');
  const pgd = wordAt(hostTree, 'pgd', Physical.launcherPgd);
  if (conformanceClass === 'system' && !hasRoomForPgd(pgd))
    throw new MalformedCase(`pgd cannot be at ${pgd}`);
  const processors: Processor[] = [];
  for (let hostCpu = 0; hostCpu < nr_cpu_ids; hostCpu++) {
    processors.push(makeProcessor(memory, givenRegisters(hostTree, hostCpu)));
  }
  const kernel = new Kernel(memory, processors, world);
  const host = new Host(kernel, profile);
  kernel.pgd = pgd;
  kernel.nr_cpu_ids = nr_cpu_ids;
  setUpKernel(kernel, hostTree, initialised);
  setUpSwitcher(host, hostTree, conformanceClass, initialised);
  const image = installHost(host, hostTree, conformanceClass, installationOf(given, initialised));

  const machine: HostMachine = {
    host,
    kernel,
    guests: [],
    severalGuests,
    listsPages: severalGuests || Array.isArray(given.pages) || !initialised,
    initialised,
    device: null,
    module: moduleSurroundings(given),
    image,
    moment: momentOf(memory),
    told: null,
  };
  setUpPages(machine, given);
  let physical: number = Physical.guestMemory;
  for (const tree of guestTrees) {
    const guest = buildGuest(host, tree, physical);
    for (const vcpu of severalGuests ? treesAt(tree, 'vcpus') : [given]) addVirtualCpu(machine, guest, vcpu);
    machine.guests.push(guest);
    physical += roundUp(guest.launcher.size);
  }
  if (flagAt(hostTree, 'last_cpu_is_this')) {
    host.last_cpu[kernel.host_cpu] = machine.guests[0]?.cpus[0] ?? null;
  }
  machine.device = openFile(machine, given);
  return machine;
}

/** How far the module is when the case begins. */
function installationOf(given: Tree, initialised: boolean): Installation {
  if (given.module !== undefined) {
    if (initialised) throw new MalformedCase('a module that is not loaded cannot have been initialised');
    return 'not loaded';
  }
  return initialised ? 'initialised' : 'mapped';
}

/** Whether the launcher's page directory can be at a physical address: a page that nothing else is in. */
function hasRoomForPgd(pgd: number): boolean {
  return pgd % PAGE_SIZE === 0 && pgd >= Physical.launcherPgd && pgd < Physical.hostIdt;
}

/** To whole pages. */
export function roundUp(bytes: number): number {
  return Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE;
}

function setUpKernel(kernel: Kernel, tree: Tree, initialised: boolean): void {
  const task = treeAt(tree, 'task');
  kernel.boot_cpu.sep = flagAt(tree, 'feature_sep', true);
  // In `given` the capability is that before initialisation, which clears it.
  kernel.boot_cpu.pge = flagAt(tree, 'feature_pge', true) && !initialised;
  kernel.boot_cpu.constant_tsc = flagAt(tree, 'feature_constant_tsc', true);
  kernel.tsc_unstable = flagAt(tree, 'tsc_unstable');
  kernel.tsc_khz = wordAt(tree, 'tsc_khz', 2_000_000);
  kernel.now_sec = wordAt(tree, 'now_sec', 1_000_000);
  kernel.now_nsec = wordAt(tree, 'now_nsec', 5);
  kernel.host_cpu = indexAt(tree, 'host_cpu', kernel.nr_cpu_ids);
  kernel.signal_pending = flagAt(tree, 'signal_pending');
  kernel.syscall_vector = wordAt(tree, 'syscall_vector', 0x80);
  kernel.failures.init_fpu = flagAt(tree, 'init_fpu_fails');
  setStepFailures(kernel, tree, {});
  kernel.task.usedfpu = wordAt(task, 'usedfpu');
  kernel.task.used_math = wordAt(task, 'used_math', 1);
  kernel.task.fpu_counter = wordAt(task, 'fpu_counter');
}

/** Registers by what is given of the host, which many cases share. */
const knownRegisters = new WeakMap<Tree, Registers[]>();

/** The registers of a host CPU at the start of a case; the caller may change them. */
function givenRegisters(host: Tree, hostCpu: number): Registers {
  const known = knownRegisters.get(host) ?? [];
  knownRegisters.set(host, known);
  known[hostCpu] ??= readRegisters(host, hostCpu);
  return { ...known[hostCpu] };
}

function readRegisters(tree: Tree, hostCpu: number): Registers {
  const initialised = flagAt(tree, 'initialised', true);
  const registers = hostRegisters(hostCpu, wordAt(tree, 'pgd', Physical.launcherPgd));
  const usedfpu = flagAt(treeAt(tree, 'task'), 'usedfpu');
  const pgeOn = flagAt(tree, 'feature_pge', true) && !initialised;
  const { idtr } = registers;
  registers.cr0 = elementAt(tree, 'cr0', hostCpu, (usedfpu ? registers.cr0 : registers.cr0 | CR0_TS) >>> 0);
  registers.cr4 = elementAt(tree, 'cr4', hostCpu, pgeOn ? registers.cr4 | CR4_PGE : registers.cr4);
  registers.sysenter_cs = elementAt(tree, 'sysenter_cs', hostCpu, registers.sysenter_cs);
  registers.cr2 = wordAt(tree, 'cr2');
  registers.idtr = {
    limit: elementAt(tree, 'store_idt', 0, idtr.limit),
    base: elementAt(tree, 'store_idt', 1, idtr.base),
  };
  return registers;
}

// --------------------------------------------------------------------------------------------- its state pages

/** What a case says about the state pages: one for the CPU that the task runs on, or one for each. */
function setUpPages(machine: HostMachine, given: Tree): void {
  if (given.pages === undefined || given.pages === null) return;
  const list = Array.isArray(given.pages) ? listAt(given, 'pages') : [];
  if (!Array.isArray(given.pages)) list[machine.kernel.host_cpu] = given.pages;
  list.forEach((page, hostCpu) => {
    if (isObject(page)) setUpStatePage(machine.host.memory, statePhysical(hostCpu), page);
  });
}

function setUpStatePage(memory: PhysicalMemory, state: number, page: Tree): void {
  const tss = state + State.guest_tss;
  memory.write32(state + State.host_cr3, wordAt(page, 'host_cr3', memory.read32(state + State.host_cr3)));
  memory.write32(tss + Tss.sp1, wordAt(page, 'sp1', memory.read32(tss + Tss.sp1)));
  memory.write16(tss + Tss.ss1, wordAt(page, 'ss1', memory.read16(tss + Tss.ss1)));
  if (page.guest_gdt !== undefined)
    setTable(memory, state + State.guest_gdt, GDT_ENTRIES, treeAt(page, 'guest_gdt'));
  if (page.guest_idt !== undefined)
    setTable(memory, state + State.guest_idt, IDT_ENTRIES, treeAt(page, 'guest_idt'));
}

/** Sets a whole table: entries that are not named are zero. */
function setTable(memory: PhysicalMemory, table: number, size: number, entries: Tree): void {
  memory.load(table, new Uint8Array(size * 8));
  setEntries(memory, table, size, entries);
}

/** Sets the named entries of a table that has room for `size`. */
function setEntries(memory: PhysicalMemory, table: number, size: number, entries: Tree): void {
  for (const index in entries) {
    if (!(Number(index) < size)) throw new MalformedCase(`there is no table entry ${index}`);
    writeEntry(memory, table, Number(index), entryAt(entries, index));
  }
}

// -------------------------------------------------------------------------------------------------- guests

function buildGuest(host: Host, tree: Tree, physical: number): Lguest {
  const lgTree = treeAt(tree, 'lg');
  const launcher = new LauncherMemory(
    host.memory,
    wordAt(tree, 'mem_base', wordAt(lgTree, 'mem_base')),
    physical,
    wordAt(tree, 'mem_size'),
  );
  const lg = new Lguest(host, launcher);
  lg.mem_base = wordAt(lgTree, 'mem_base');
  lg.pfn_limit = wordAt(lgTree, 'pfn_limit');
  lg.kernel_address = wordAt(lgTree, 'kernel_address');
  lg.noirq_start = wordAt(lgTree, 'noirq_start');
  lg.noirq_end = wordAt(lgTree, 'noirq_end');
  lg.stack_pages = wordAt(lgTree, 'stack_pages');
  const lguestData = optionalWordAt(lgTree, 'lguest_data');
  lg.lguest_data = lguestData === null ? 0 : (lg.mem_base + lguestData) >>> 0;
  lg.dead = givenDeath(lgTree);
  for (const run of treesAt(tree, 'memory')) storeRun(launcher, run);
  for (const exception of treesAt(tree, 'page_access')) {
    if (exception.access !== 'readonly' && exception.access !== 'unmapped') {
      throw new MalformedCase(`page_access is readonly or unmapped, not ${JSON.stringify(exception.access)}`);
    }
    launcher.setPageAccess(wordAt(exception, 'guest_pfn'), exception.access);
  }
  setUpPgdirs(lg, lgTree);
  setUpShadow(lg, treeAt(tree, 'shadow'));
  return lg;
}

function givenDeath(tree: Tree): string | number | null {
  const errno = tree.dead_errno;
  if (typeof errno === 'number' && errno !== 0) return errno | 0;
  if (typeof tree.dead === 'string') return tree.dead;
  return flagAt(tree, 'restart') ? -85 : null;
}

/** Stores a run of bytes into guest memory, whatever its pages permit. */
export function storeRun(launcher: LauncherMemory, run: Tree): void {
  const at = wordAt(run, 'at');
  const bytes = sharedBytesAt(run, 'hex');
  if (at + bytes.length > roundUp(launcher.size))
    throw new MalformedCase(`memory at ${at} is outside mem_size`);
  launcher.memory.load(launcher.physical + at, bytes);
}

function setUpPgdirs(lg: Lguest, tree: Tree): void {
  const slots = treesAt(tree, 'pgdirs');
  if (slots.length > PGDIR_SLOTS) throw new MalformedCase('there are four pgdirs');
  slots.forEach((slot, index) => {
    const target = lg.pgdirs[index];
    if (target === undefined) return;
    target.gpgdir = wordAt(slot, 'gpgdir');
    if (flagAt(slot, 'allocated')) target.pgdir = lg.host.kernel.takePage();
  });
}

/** The shadow page tables that exist already. */
function setUpShadow(lg: Lguest, tree: Tree): void {
  const { memory, kernel } = lg.host;
  for (const pde of treesAt(tree, 'pde')) {
    const index = wordAt(pde, 'vaddr') >>> 22;
    const table = index === SWITCHER_PGD_INDEX ? switcherPtePage(kernel.host_cpu) : kernel.takePage();
    memory.write32(pdeAddress(lg, pde), (table | wordAt(pde, 'flags')) >>> 0);
  }
  for (const pte of treesAt(tree, 'pte')) {
    const spgd = memory.read32(pdeAddress(lg, pte));
    if ((spgd & PAGE_MASK) === 0) throw new MalformedCase('a shadow pte without a pde');
    const guestPage = optionalWordAt(pte, 'guest_pfn');
    const frame = guestPage === null ? 0xfffff : lg.launcher.firstFrame + guestPage;
    memory.write32(spteAddress(spgd, wordAt(pte, 'vaddr')), ((frame << 12) | wordAt(pte, 'flags')) >>> 0);
  }
}

function pdeAddress(lg: Lguest, entry: Tree): number {
  const pgdir = lg.pgdirs[wordAt(entry, 'pgdir')]?.pgdir;
  if (pgdir === undefined || pgdir === null)
    throw new MalformedCase('a shadow entry in a slot without a directory');
  return pgdir + (wordAt(entry, 'vaddr') >>> 22) * 4;
}

function addVirtualCpu(machine: HostMachine, lg: Lguest, tree: Tree): void {
  const { memory } = machine.host;
  const number = machine.guests.reduce((sum, guest) => sum + guest.cpus.length, lg.cpus.length);
  const cpu = new LgCpu(lg, Physical.virtualCpus + number * 2 * PAGE_SIZE);
  lg.cpus.push(cpu);
  const regs = treeAt(tree, 'regs');
  for (const name of GUEST_REGISTERS) cpu.regs.write(name, wordAt(regs, name));
  const fields = treeAt(tree, 'cpu');
  cpu.ts = wordAt(fields, 'ts');
  cpu.esp1 = wordAt(fields, 'esp1');
  cpu.ss1 = wordAt(fields, 'ss1');
  cpu.changed = wordAt(fields, 'changed');
  cpu.halted = wordAt(fields, 'halted');
  cpu.break_out = wordAt(fields, 'break_out');
  cpu.pending_notify = wordAt(fields, 'pending_notify');
  cpu.next_hcall = indexAt(fields, 'next_hcall', LHCALL_RING_SIZE);
  cpu.irqs_pending = wordAt(fields, 'irqs_pending');
  cpu.last_pagefault = wordAt(fields, 'last_pagefault');
  cpu.cpu_pgd = indexAt(fields, 'cpu_pgd', PGDIR_SLOTS);
  cpu.hcall = flagAt(fields, 'hcall_pending');
  cpu.timer_armed = flagAt(fields, 'timer_armed');
  cpu.last_pages = optionalWordAt(fields, 'last_pages');
  setEntries(memory, cpu.gdt, GDT_ENTRIES, treeAt(tree, 'gdt'));
  setEntries(memory, cpu.idt, IDT_ENTRIES, treeAt(tree, 'idt'));
}
