// SPDX-License-Identifier: GPL-2.0-or-later

import { type Data, type DataMap, isMap } from '../cases/case.js';
import { memoryRun, memoryRuns } from '../cases/memory.js';
import type { ConformanceClass } from '../protocol.js';
import { runsOf } from './processor.js';
import { rangesOf } from './ranges.js';

/** Guest kernels map their memory linearly from here. */
const KERNEL_ADDRESS = 0xc0000000;

const REGS = zeros('eax ebx ecx edx esi edi ebp gs fs ds es trapnum errcode eip cs eflags esp ss');
const CPU: DataMap = {
  ...zeros(
    'ts esp1 ss1 changed halted break_out pending_notify next_hcall irqs_pending last_pagefault cpu_pgd',
  ),
  hcall_pending: false,
  timer_armed: false,
  last_pages: null,
};
const LG: DataMap = {
  ...zeros('pfn_limit kernel_address noirq_start noirq_end stack_pages mem_base'),
  lguest_data: null,
  dead: null,
  dead_errno: 0,
  restart: false,
};
const PGDIRS = 4;
const NO_PGDIR: DataMap = { gpgdir: 0, allocated: false };

const CR0 = 0x80050033;
const CR0_TS = 0x08;
const CR4 = 0x610;
export const CR4_PGE = 0x80;
const HOST_SYSENTER_CS = 0x60;

/** Where the Switcher of class host stands; see spec/protocol.md. */
const SWITCHER = 0xffc00000;
const DEFAULT_IDT_ENTRIES: DataMap = { first: SWITCHER + 0x100, step: 10 };

const HOST: DataMap = {
  initialised: true,
  feature_sep: 1,
  feature_pge: 1,
  feature_constant_tsc: 1,
  tsc_unstable: 0,
  tsc_khz: 2_000_000,
  now_sec: 1_000_000,
  now_nsec: 5,
  host_cpu: 0,
  nr_cpu_ids: 2,
  cr2: 0,
  signal_pending: 0,
  syscall_vector: 128,
  user_buffer_access: 0,
  kasprintf_fails: 0,
  kzalloc_fails: 0,
  init_fpu_fails: 0,
  random32: [],
  get_zeroed_page_fails: [],
  last_cpu_is_this: false,
  pgd: 0x00101000,
  store_idt: [2047, 0xc0500000],
};
/** What surrounds a module that is not loaded yet. */
const MODULE: DataMap = {
  paravirt_enabled: 0,
  fixaddr_start: 0xfff4f000,
  vm_area_fails: 0,
  map_vm_area_error: 0,
  misc_register_error: 0,
  used_vectors: [],
};
const TASK: DataMap = { usedfpu: 0, used_math: 1, fpu_counter: 0 };

function zeros(names: string): DataMap {
  return Object.fromEntries(names.split(' ').map((name) => [name, 0]));
}

/** The state of a case as it is sent: every key that has a default has its value; see spec/protocol.md. */
export function hostGiven(given: DataMap, conformanceClass: ConformanceClass): DataMap {
  const { code, pages, host, guests, file, module, launcher } = given;
  const result: DataMap = Array.isArray(guests)
    ? { guests: guests.map((entry) => severalVcpus(map(entry))) }
    : oneGuest(given, code);
  result.host = hostWithDefaults(
    isMap(host) ? host : NOTHING_GIVEN,
    conformanceClass === 'system' ? 'system' : 'host',
  );
  if (pages !== undefined) result.pages = pages;
  if (given.mem_base !== undefined) result.mem_base = given.mem_base;
  if (file !== undefined) result.file = fileWithDefaults(map(file), guests);
  if (module !== undefined) result.module = { ...MODULE, ...map(module) };
  if (isMap(launcher)) result.launcher = plainLauncher(launcher);
  if (conformanceClass === 'host') {
    result.script = given.script ?? [];
    result.schedule_script = given.schedule_script ?? [];
    if (given.freeze_script !== undefined) result.freeze_script = given.freeze_script;
  }
  return result;
}

/** An open file of the device; absent in most cases. */
function fileWithDefaults(given: DataMap, guests: Data | undefined): DataMap {
  const guest = truth(given.guest ?? true);
  const [first] = Array.isArray(guests) ? guests : [];
  const vcpus = isMap(first) && Array.isArray(first.vcpus) ? first.vcpus.length : 1;
  return {
    guest,
    other_task_owns: false,
    mm_users: guest ? 1 + vcpus : 1,
    structures: guest ? 1 : 0,
    ...given,
  };
}

/** What a launcher boots, with its files in runs of bytes. */
function plainLauncher(given: DataMap): DataMap {
  const plain: DataMap = { ...given };
  for (const file of ['image', 'initrd']) {
    if (given[file] !== undefined) plain[file] = fileRuns(given[file]);
  }
  if (Array.isArray(given.disks)) {
    plain.disks = given.disks.map((disk) => ({ ...map(disk), content: fileRuns(map(disk).content) }));
  }
  return plain;
}

function fileRuns(items: Data | undefined): DataMap[] {
  return memoryRuns(items).map(({ at, hex }) => ({ at, hex }));
}

function map(value: Data | undefined): DataMap {
  return isMap(value) ? value : {};
}

/** A map whose keys that are not given have their defaults. */
function withDefaults(defaults: DataMap, given: Data | undefined): DataMap {
  const result: DataMap = { ...defaults };
  const named = map(given);
  for (const key in named) result[key] = named[key] ?? null;
  return result;
}

function oneGuest(guest: DataMap, code: Data | undefined): DataMap {
  return {
    regs: withDefaults(REGS, guest.regs),
    cpu: withDefaults(CPU, guest.cpu),
    gdt: guest.gdt ?? {},
    idt: guest.idt ?? {},
    ...guestMachine(guest, code),
  };
}

function severalVcpus(guest: DataMap): DataMap {
  const vcpus = Array.isArray(guest.vcpus) ? guest.vcpus.map(map) : [];
  return {
    vcpus: vcpus.map((vcpu) => ({
      regs: withDefaults(REGS, vcpu.regs),
      cpu: withDefaults(CPU, vcpu.cpu),
      gdt: vcpu.gdt ?? {},
      idt: vcpu.idt ?? {},
    })),
    ...guestMachine(guest, undefined),
  };
}

function guestMachine(guest: DataMap, code: Data | undefined): DataMap {
  const memory = runsOf(guest.memory).slice();
  if (isMap(code)) memory.push(memoryRun({ ...code, at: guestPhysical(Number(code.at)) }));
  const lg = withDefaults(LG, guest.lg);
  lg.pgdirs = fourPgdirs(Array.isArray(lg.pgdirs) ? lg.pgdirs : []);
  const shadow = map(guest.shadow);
  return {
    lg,
    shadow: { pde: shadow.pde ?? [], pte: shadow.pte ?? [] },
    mem_size: guest.mem_size ?? 0,
    memory: memory as unknown as Data[],
    page_access: guest.page_access ?? [],
  };
}

function fourPgdirs(given: Data[]): Data[] {
  if (given.length === PGDIRS) return given;
  return Array.from({ length: PGDIRS }, (_, index) => given[index] ?? NO_PGDIR);
}

/** `code.at` is an address of the linear map. */
function guestPhysical(address: number): number {
  return address >= KERNEL_ADDRESS ? address - KERNEL_ADDRESS : address;
}

/** Hosts with defaults, by what was given of them: cases of one file mostly share it. */
const knownHosts = { host: new WeakMap<DataMap, DataMap>(), system: new WeakMap<DataMap, DataMap>() };
const NOTHING_GIVEN: DataMap = {};

function hostWithDefaults(given: DataMap, conformanceClass: 'host' | 'system'): DataMap {
  const known = knownHosts[conformanceClass].get(given);
  if (known !== undefined) return known;
  const host = completeHost(given, conformanceClass);
  knownHosts[conformanceClass].set(given, host);
  return host;
}

function completeHost(given: DataMap, conformanceClass: 'host' | 'system'): DataMap {
  const host: DataMap = { ...HOST, ...given };
  const cpus = Number(host.nr_cpu_ids);
  const task = { ...TASK, ...map(given.task) };
  const everyCpu = (value: number): number[] => Array.from({ length: cpus }, () => value);
  const pgeWasOn = truth(host.initialised) && truth(host.feature_pge);
  const pgeIsOn = !truth(host.initialised) && truth(host.feature_pge);
  host.task = task;
  host.cr0 ??= everyCpu(truth(task.usedfpu) ? CR0 : CR0 | CR0_TS).map((value) => value >>> 0);
  host.cr4 ??= everyCpu(pgeIsOn ? CR4 | CR4_PGE : CR4);
  host.sysenter_cs ??= everyCpu(HOST_SYSENTER_CS);
  host.cpu_had_pge ??= pgeWasOn;
  if (conformanceClass === 'host' && truth(host.initialised))
    host.default_idt_entries ??= DEFAULT_IDT_ENTRIES;
  return host;
}

export function truth(value: Data | undefined): boolean {
  return value === true || value === 1;
}

// ----------------------------------------------------------------------------------- the state before a step

/** The part of `given` that an answer's `state` has too: what the frame rule compares with. */
export function stateOfGiven(given: DataMap, conformanceClass: ConformanceClass): DataMap {
  const { host, pages, guests } = given;
  const full = map(host);
  const shared: DataMap = { host: observableHost(full), user_buffer: null };
  if (conformanceClass === 'host') shared.pages = pagesBefore(pages, full, Array.isArray(guests));
  else if (pages !== undefined) shared.pages = pages;
  if (isMap(given.file)) shared.file = given.file;
  if (given.module !== undefined) shared.module = moduleBefore(full, given.module);
  if (Array.isArray(guests)) return { guests: guests.map((guest) => observableGuest(map(guest))), ...shared };
  const { regs = null, cpu = null, lg = null, gdt = null, idt = null, shadow = null, memory = null } = given;
  return { regs, cpu, lg, gdt, idt, shadow, memory, ...shared };
}

/** Vectors that every host kernel uses: exceptions, the legacy interrupts and its own system call. */
const KERNEL_VECTORS = [...range(0, 32), ...range(0x30, 0x40), 0x80];

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

/** A module that has not been loaded. */
function moduleBefore(host: DataMap, module: Data): DataMap {
  return {
    window: {},
    text_copied: false,
    guest_windows: Array.from({ length: Number(host.nr_cpu_ids) }, () => ({})),
    device_registered: false,
    vectors_in_use: rangesOf([...KERNEL_VECTORS, ...numbersIn(map(module).used_vectors)]),
  };
}

function numbersIn(list: Data | undefined): number[] {
  return Array.isArray(list) ? list.map(Number) : [];
}

function observableGuest({ mem_size: _size, page_access: _access, ...guest }: DataMap): DataMap {
  return guest;
}

const knownStates = new WeakMap<DataMap, DataMap>();

function observableHost(host: DataMap): DataMap {
  const known = knownStates.get(host);
  if (known !== undefined) return known;
  const state: DataMap = {};
  for (const key of ['host_cpu', 'cr0', 'cr2', 'cr4', 'sysenter_cs', 'cpu_had_pge', 'task']) {
    state[key] = host[key] ?? null;
  }
  // In `given` the capability is that before initialisation, which clears it.
  state.feature_pge = truth(host.feature_pge) && !truth(host.initialised);
  knownStates.set(host, state);
  return state;
}

/** The read-only state pages before the operation, given or as initialisation leaves them. */
function pagesBefore(pages: Data | undefined, host: DataMap, severalCpus: boolean): Data {
  const ready = truth(host.initialised);
  const one = (given: Data | undefined, cpu: number): DataMap => {
    const base = ready ? pageBefore(cpu, host) : {};
    return isMap(given) ? { ...base, ...given } : base;
  };
  const cpus = Number(host.nr_cpu_ids);
  if (severalCpus || Array.isArray(pages) || !ready) {
    const list = Array.isArray(pages) ? pages : [];
    return Array.from({ length: Math.max(cpus, list.length) }, (_, cpu) => one(list[cpu], cpu));
  }
  return one(pages, Number(host.host_cpu));
}

const PAGES_PER_CPU = 2;
const PAGE = 0x1000;
/** Offset of `regs` in its page, and of the IDT and GDT in the read-only page. */
const REGS_SIZE = 72;

const knownPages = new WeakMap<DataMap, DataMap[]>();

/** One CPU's page after initialisation; the same object for the same host, so that comparing it is quick. */
function pageBefore(cpu: number, host: DataMap): DataMap {
  const pages = knownPages.get(host) ?? [];
  knownPages.set(host, pages);
  pages[cpu] ??= { ...initialPage(cpu, host), guest_idt: defaultIdt(map(host.default_idt_entries)) };
  return pages[cpu];
}

/** One CPU's read-only page after `lguest_arch_host_init`, without its IDT. */
function initialPage(cpu: number, host: DataMap): DataMap {
  const state = SWITCHER + PAGE + cpu * PAGES_PER_CPU * PAGE + PAGE;
  return {
    host_cr3: 0,
    host_idt_desc: host.store_idt ?? [0, 0],
    host_gdt_desc_size: 255,
    guest_idt_desc_size: 2047,
    guest_idt_desc_at: state + 0x88,
    guest_gdt_desc_size: 255,
    guest_gdt_desc_at: state + 0x888,
    sp0: state,
    ss0: 0x58,
    sp1: 0,
    ss1: 0,
    io_bitmap_base: 104,
    state_at: state,
    regs_at: state - REGS_SIZE,
    guest_gdt: {
      10: [0x0000ffff, 0x00cf9b00],
      11: [0x0000ffff, 0x00cf9300],
      16: taskDescriptor(state + 0x20),
    },
  };
}

/** An available 32-bit TSS of 104 bytes. */
function taskDescriptor(base: number): Data {
  const high = (base & 0xff000000) | ((base >>> 16) & 0xff) | 0x00008900;
  return [(((base & 0xffff) << 16) | 0x0067) >>> 0, high >>> 0];
}

/** Vectors whose default entry the guest may reach with INT: the hypercall. */
const HYPERCALL_VECTOR = 31;
const GATE_FOR_HOST = 0x8e00;
const GATE_FOR_GUEST = 0xae00;
const LGUEST_CS = 0x50;

const knownIdts = new Map<string, DataMap>();

/** The IDT that sends every vector to the Switcher; the same object for the same addresses. */
function defaultIdt({ first, step }: DataMap): DataMap {
  const key = `${first} ${step}`;
  const known = knownIdts.get(key);
  if (known !== undefined) return known;
  const table: DataMap = {};
  for (let vector = 0; vector < 256; vector++) {
    const handler = Number(first) + Number(step) * vector;
    const gate = vector === HYPERCALL_VECTOR ? GATE_FOR_GUEST : GATE_FOR_HOST;
    table[vector] = [((LGUEST_CS << 16) | (handler & 0xffff)) >>> 0, ((handler & 0xffff0000) | gate) >>> 0];
  }
  knownIdts.set(key, table);
  return table;
}
