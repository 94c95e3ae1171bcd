// SPDX-License-Identifier: GPL-2.0-or-later

/** The part of a machine that is the same in most cases: it is made once and put back for each. */

import { lguestArchHostInit } from '../../../reference/host/host-initialisation.js';
import { IDT_ENTRIES, Physical, SWITCHER_ADDR } from '../../../reference/host/layout.js';
import { bootKernel, bootMachine } from '../../../reference/host/machine.js';
import type { Host } from '../../../reference/host/state.js';
import { SWITCHER_IMAGE } from '../../../reference/host/switcher-image.js';
import { type MemorySnapshot, PhysicalMemory } from '../../../reference/processor/memory.js';
import type { Moment } from '../../../reference/processor/moment.js';
import { flagAt, listAt, MalformedCase, type Tree, treeAt, wordAt } from './fields.js';

const SMALLEST_MEMORY = 0x02000000;
const memories = new Map<number, PhysicalMemory>();

/**
 * Physical memory with room for so many bytes of guests: the same one again and again, as the last case left it until
 * `installHost` restores it.
 */
export function memoryFor(guestBytes: number): PhysicalMemory {
  let size = SMALLEST_MEMORY;
  while (size < Physical.guestMemory + guestBytes) size *= 2;
  if (size > 0x40000000) throw new MalformedCase('guests of so much memory do not fit');
  let memory = memories.get(size);
  if (memory === undefined) {
    memory = new PhysicalMemory(size);
    memories.set(size, memory);
  }
  return memory;
}

const moments = new WeakMap<PhysicalMemory, Moment>();

/** The moment that the answers about a memory look back to. */
export function momentOf(memory: PhysicalMemory): Moment {
  const known = moments.get(memory) ?? memory.moment();
  moments.set(memory, known);
  return known;
}

/** What a host's part of memory and its tables depend on. */
export interface HostImage {
  memory: MemorySnapshot;
  default_idt_entries: Readonly<Uint32Array>;
  /** Its state pages as an answer tells them, by host CPU, as far as that was asked. */
  statePages: Tree[];
}

/** Cases differ little in this; a long run of cases that are made up must not fill memory. */
const MOST_IMAGES = 64;
const images = new Map<string, HostImage>();

/** Where the Switcher of class host stands once it has been relocated, unless a case says otherwise. */
const SCRIPTED_HANDLERS = { first: 0xffc00100, step: 10 };
const SCRIPTED_LINK_ADDRESS = 0xc0540000;

/** Where the Switcher was linked. In class system it is the reference's own listing. */
export function setUpSwitcher(
  host: Host,
  tree: Tree,
  conformanceClass: 'host' | 'system',
  initialised: boolean,
): void {
  if (conformanceClass === 'system') {
    host.start_switcher_text = SWITCHER_IMAGE.start_switcher_text;
    host.switch_to_guest = SWITCHER_IMAGE.switch_to_guest;
    host.default_idt_entries = SWITCHER_IMAGE.default_idt_entries;
    return;
  }
  const entries = treeAt(tree, 'default_idt_entries');
  const step = wordAt(entries, 'step', SCRIPTED_HANDLERS.step);
  host.start_switcher_text = wordAt(tree, 'start_switcher_text', SCRIPTED_LINK_ADDRESS);
  host.switch_to_guest = wordAt(tree, 'switch_to_guest', host.start_switcher_text);
  const relocation = SWITCHER_ADDR - host.start_switcher_text;
  const linkedFirst = SCRIPTED_HANDLERS.first - relocation;
  // A host that is initialised already is given the relocated addresses.
  const first = initialised
    ? wordAt(entries, 'first', SCRIPTED_HANDLERS.first) - relocation
    : wordAt(entries, 'first', linkedFirst);
  host.default_idt_entries = handlersFrom(first, step);
}

/** The handlers that were asked for last: mostly the next case has the same. */
let lastHandlers = { first: 0, step: 0, addresses: new Uint32Array(IDT_ENTRIES) };

function handlersFrom(first: number, step: number): Readonly<Uint32Array> {
  if (first !== lastHandlers.first || step !== lastHandlers.step) {
    const addresses = new Uint32Array(IDT_ENTRIES).map((_, vector) => first + step * vector);
    lastHandlers = { first, step, addresses };
  }
  return lastHandlers.addresses;
}

/** How far the module is when a case begins: not there, its window mapped, or ready for guests. */
export type Installation = 'not loaded' | 'mapped' | 'initialised';

/** The host's part of memory, as far as the case does not set it up itself. It is kept for the next case. */
export function installHost(
  host: Host,
  tree: Tree,
  conformanceClass: 'host' | 'system',
  installation: Installation,
): HostImage {
  const { memory, kernel } = host;
  const initialised = installation === 'initialised';
  const hadPge = flagAt(tree, 'cpu_had_pge', initialised && flagAt(tree, 'feature_pge', true));
  host.cpu_had_pge = hadPge;
  if (hadPge) host.cpus_with_pge = kernel.onlineCpus();
  const key = `${conformanceClass} ${memory.size} ${installation}`;
  let known = imagesOf.get(tree);
  if (known?.key !== key) {
    known = { key, image: imageFor(host, tree, conformanceClass, installation) };
    imagesOf.set(tree, known);
  }
  const { image } = known;
  memory.restore(image.memory);
  host.default_idt_entries = image.default_idt_entries;
  host.relocated = initialised;
  return image;
}

/** The image that was used last for what is given of a host, which many cases share; `key`: for what else. */
const imagesOf = new WeakMap<Tree, { key: string; image: HostImage }>();

/** The image of a host as it has been set up so far, made when there is none yet. */
function imageFor(
  host: Host,
  tree: Tree,
  conformanceClass: 'host' | 'system',
  installation: Installation,
): HostImage {
  const { memory, kernel } = host;
  // Nobody walks the directory in class host: there the number alone counts, and may be any.
  const pgd = conformanceClass === 'system' ? kernel.pgd : Physical.launcherPgd;
  const key = [
    conformanceClass,
    memory.size,
    installation,
    host.cpu_had_pge || kernel.boot_cpu.pge,
    kernel.nr_cpu_ids,
    pgd,
    listAt(tree, 'store_idt'),
    host.start_switcher_text,
    host.switch_to_guest,
    host.default_idt_entries[0],
    host.default_idt_entries[1],
  ].join(' ');
  const known = images.get(key);
  if (known !== undefined) return known;
  memory.clear();
  if (installation === 'not loaded') bootKernel(host, pgd);
  else bootMachine(host, pgd);
  if (installation === 'initialised') initialiseSilently(host);
  const { default_idt_entries } = host;
  const image: HostImage = { memory: memory.snapshot(), default_idt_entries, statePages: [] };
  if (images.size === MOST_IMAGES) images.clear();
  images.set(key, image);
  return image;
}

/** Initialisation that happened before the case: PGE is off already and must not be touched. */
function initialiseSilently(host: Host): void {
  const { boot_cpu } = host.kernel;
  const pge = boot_cpu.pge;
  boot_cpu.pge = false;
  lguestArchHostInit(host);
  boot_cpu.pge = pge;
  host.kernel.beginOperation();
}
