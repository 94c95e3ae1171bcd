// SPDX-License-Identifier: GPL-2.0-or-later

import { type Data, type DataMap, isMap } from '../../cases/case.js';
import { Random } from '../../generate/random.js';
import { littleEndian } from '../values.js';
import { type HostFuzzCase, listIn, mapIn } from './case.js';
import { CPU, HOST, hypercall, LG, LGUEST_DATA, type Make, REGS } from './fields.js';
import { Guest, runsIn } from './guest.js';
import { makePossible } from './possible.js';
import { writeProgram } from './programs.js';
import { changeArgument, changeScript, changeSteps, changeSystemParameters } from './steps.js';

/** Changes a case, which belongs to nobody else. */
type Mutation = (entry: HostFuzzCase, random: Random) => void;

const MOST_MUTATIONS = 6;
/** Between the random numbers of one input and those of the next. */
const STRIDE = 1_000_003;

/** The input of this number: it depends on seed, number and what there is to begin with. */
export function makeHostCase(seed: number, number: number, origins: readonly HostFuzzCase[]): HostFuzzCase {
  const random = new Random((Math.imul(seed, STRIDE) ^ Math.imul(number + 1, 0x9e3779b1)) >>> 0);
  random.word();
  const origin = random.pick(origins);
  const entry = { ...structuredClone(origin), id: `fuzz-${origin.class}-${seed}-${number}` };
  const mutations = entry.class === 'system' ? SYSTEM_MUTATIONS : MUTATIONS;
  const count = random.between(1, MOST_MUTATIONS);
  for (let i = 0; i < count; i++) random.pick(mutations)(entry, random);
  makePossible(entry, random);
  return entry;
}

/** Another value for one field of a map of the state. */
const field =
  (makers: Readonly<Record<string, Make>>, map: (guest: Guest, entry: HostFuzzCase) => DataMap): Mutation =>
  (entry, random) => {
    const guest = Guest.in(entry.given, random);
    const name = random.pick(Object.keys(makers));
    const make = makers[name];
    if (make !== undefined) map(guest, entry)[name] = make(guest, random);
  };

const changeRegister = field(REGS, (guest) => guest.regs);
const changeVirtualCpu = field(CPU, (guest) => guest.cpu);
const changeGuest = field(LG, (guest) => guest.lg);
const changeHost = field(HOST, (_, { given }) => mapIn(given, 'host'));

/** A slot for a shadow directory: one more that is there, another guest directory for it, or another one current. */
const changeSlot: Mutation = ({ given }, random) => {
  const guest = Guest.in(given, random);
  const slots = listIn(guest.lg, 'pgdirs');
  const at = random.below(4);
  while (slots.length <= at) slots.push({ gpgdir: 0, allocated: false });
  if (random.oneIn(3)) {
    const there = guest.slots();
    if (there.length > 0) guest.cpu.cpu_pgd = random.pick(there);
    return;
  }
  slots[at] = { gpgdir: random.oneIn(2) ? guest.directory : guest.physical(), allocated: true };
};

/** An entry of the virtual CPU's GDT or IDT: one bit of one that is there, or a new one. */
const changeTable: Mutation = ({ given }, random) => {
  const guest = Guest.in(given, random);
  const name = random.pick(['gdt', 'idt']);
  const table = mapIn(guest.vcpu, name);
  const known = Object.keys(table);
  const index =
    known.length > 0 && random.oneIn(2) ? random.pick(known) : `${random.below(name === 'gdt' ? 32 : 256)}`;
  const pair = table[index];
  const [low = 0, high = 0] = Array.isArray(pair) ? pair.map(Number) : [random.word(), random.word()];
  const bit = 1 << random.below(32);
  table[index] = random.oneIn(3) ? [(low ^ bit) >>> 0, high] : [low, (high ^ bit) >>> 0];
};

const SWITCHER_WINDOW = 0xffc00000;
const SHADOW_FLAGS = [0x67, 0x65, 0x63, 0x61, 0x27, 0x07, 0];

/** The entry of a page in a shadow table less, spoiled, or more. */
const changeShadow: Mutation = ({ given }, random) => {
  const guest = Guest.in(given, random);
  const shadow = mapIn(guest.guest, 'shadow');
  const list = listIn(shadow, 'pte');
  const at = random.below(list.length + 1);
  const entry = list[at];
  if (isMap(entry) && random.oneIn(3)) list.splice(at, 1);
  else if (isMap(entry) && entry.vaddr !== SWITCHER_WINDOW)
    list[at] = { ...entry, flags: random.pick(SHADOW_FLAGS) };
  else addShadow(guest, shadow, random);
};

/** The entry of a page that the guest has, with the table that it needs. */
function addShadow(guest: Guest, shadow: DataMap, random: Random): void {
  const slots = guest.slots();
  if (slots.length === 0) return;
  const pgdir = random.pick(slots);
  const vaddr = (guest.virtual() & 0xfffff000) >>> 0;
  const tables = listIn(shadow, 'pde');
  const table = (vaddr & 0xffc00000) >>> 0;
  const has = (list: readonly Data[], at: number): boolean =>
    list.some((place) => isMap(place) && place.pgdir === pgdir && place.vaddr === at);
  if (table === SWITCHER_WINDOW) return;
  if (!has(tables, table)) tables.push({ pgdir, vaddr: table, flags: 0x67 });
  const pages = listIn(shadow, 'pte');
  if (has(pages, vaddr)) return;
  const guest_pfn = random.below(Math.max(1, guest.memSize >>> 12));
  const isRestricted = listIn(guest.guest, 'page_access').some(
    (page) => isMap(page) && page.guest_pfn === guest_pfn,
  );
  if (!isRestricted) pages.push({ pgdir, vaddr, flags: random.pick(SHADOW_FLAGS), guest_pfn });
}

/** The guest's own page tables, on the way to an address that matters. */
const changePageTables: Mutation = ({ given }, random) => {
  const guest = Guest.in(given, random);
  const { regs } = guest;
  const address = random.oneIn(3) ? guest.virtual() : Number(regs[random.pick(['eip', 'esp'])] ?? 0);
  const place = random.pick(guest.entriesOf(address));
  const before = guest.read32(place);
  guest.store32(place, random.oneIn(2) ? (before ^ (1 << random.below(12))) >>> 0 : guest.entry());
};

/** One bit, byte or word anywhere in what is not zero. */
const changeMemory: Mutation = ({ given }, random) => {
  const guest = Guest.in(given, random);
  const runs = runsIn(guest.guest);
  if (runs.length === 0) return;
  const { at, hex } = random.pick(runs);
  const place = at + random.below(Math.max(1, hex.length >> 1));
  if (random.oneIn(3)) guest.store32((place & ~3) >>> 0, guest.word());
  else guest.store(place, [(guest.memory().read8(place) ^ (1 << random.below(8))) & 0xff]);
};

/** Code at EIP: instructions that the host emulates, and their neighbours. */
const changeCode: Mutation = ({ given }, random) => {
  const guest = Guest.in(given, random);
  const opcode = random.pick([0xe4, 0xe5, 0xe6, 0xe7, 0xec, 0xed, 0xee, 0xef, 0x6c, 0x90, 0xcd]);
  const bytes = [...(random.oneIn(3) ? [0x66] : []), opcode, 0x1f];
  guest.store(guest.translate(Number(guest.regs.eip ?? 0)), bytes);
};

const changeLguestData: Mutation = ({ given }, random) => {
  const guest = Guest.in(given, random);
  const [offset, make] = random.pick([...LGUEST_DATA]);
  guest.store32(guest.data + offset, Number(make(guest, random)));
};

const STATUSES = 20;
const SLOTS = 84;
const SLOT_BYTES = 16;

/** A hypercall that waits in the ring, where the host looks first or somewhere else. */
const fillRing: Mutation = ({ given }, random) => {
  const guest = Guest.in(given, random);
  const slot = random.oneIn(4)
    ? random.below(64)
    : (Number(guest.cpu.next_hcall ?? 0) + random.below(3)) % 64;
  const [number, first, second, third] = hypercall(guest, random);
  guest.store(guest.data + STATUSES + slot, [random.oneIn(6) ? 0xff : 0]);
  const words = [number, second, third, first].flatMap((value) => littleEndian(value, 4));
  guest.store(guest.data + SLOTS + slot * SLOT_BYTES, words);
};

/** The hypercall that the guest waits for. */
const askByRegisters: Mutation = ({ given }, random) => {
  const guest = Guest.in(given, random);
  const [eax, edx, ebx, ecx] = hypercall(guest, random);
  Object.assign(guest.regs, { eax, edx, ebx, ecx });
  guest.cpu.hcall_pending = true;
};

/** A descriptor or gate in the guest's memory, for the calls that load tables. */
const writeDescriptor: Mutation = ({ given }, random) => {
  const guest = Guest.in(given, random);
  const access = random.pick([
    0x9b,
    0x93,
    0xbb,
    0xb3,
    0xfb,
    0xf3,
    0x89,
    0x82,
    0x8c,
    0xe9,
    0,
    random.below(256),
  ]);
  const words = [random.word(), ((random.word() & 0xffff00ff) | (access << 8)) >>> 0];
  guest.store(
    guest.physical(),
    words.flatMap((value) => littleEndian(value, 4)),
  );
};

/** Pages that a shadow entry leads to: their access is what it was when the entry was made. */
function pagesInShadow({ guest }: Guest): Set<Data> {
  return new Set(
    listIn(mapIn(guest, 'shadow'), 'pte').flatMap((entry) => (isMap(entry) ? [entry.guest_pfn ?? 0] : [])),
  );
}

/** A page that the launcher has mapped read-only, or not at all. */
const changeAccess: Mutation = ({ given }, random) => {
  const guest = Guest.in(given, random);
  const list = listIn(guest.guest, 'page_access');
  if (list.length > 0 && random.oneIn(3)) list.splice(random.below(list.length), 1);
  const eip = Number(guest.regs.eip ?? 0);
  const at = random.pick([guest.physical(), guest.data, guest.directory, guest.translate(eip)]);
  const isMapped = pagesInShadow(guest).has(at >>> 12);
  if (at < guest.memSize && !isMapped)
    list.push({ guest_pfn: at >>> 12, access: random.pick(['readonly', 'unmapped']) });
};

const changeProgram: Mutation = ({ given }, random) => writeProgram(Guest.in(given, random), random);

/** One byte of the code that the case had. */
const spoilCode: Mutation = ({ given }, random) => {
  const guest = Guest.in(given, random);
  const at = guest.translate(Number(guest.regs.eip ?? 0)) + random.below(16);
  const byte = guest.memory().read8(at);
  guest.store(at, [(byte ^ (1 << random.below(8))) & 0xff]);
};

const MUTATIONS: readonly Mutation[] = [
  ...[changeRegister, changeRegister, changeRegister, changeVirtualCpu, changeGuest, changeHost, changeHost],
  ...[changeSlot, changeTable, changeTable, changeShadow, changeShadow, changePageTables, changePageTables],
  ...[changeMemory, changeCode, changeLguestData, fillRing, fillRing, askByRegisters, writeDescriptor],
  ...[changeAccess, changeScript, changeScript, changeSteps, changeSteps, changeSteps, changeArgument],
];

/** The tables of a virtual CPU are as the host has let them be: a hostile guest changes them by hypercalls. */
const SYSTEM_MUTATIONS: readonly Mutation[] = [
  ...[changeProgram, changeProgram, changeProgram, changeProgram, spoilCode, changeSystemParameters],
  ...[changeRegister, changeShadow, changePageTables, changePageTables, changeMemory, askByRegisters],
  ...[changeVirtualCpu, changeHost, changeLguestData, fillRing, writeDescriptor, changeAccess, changeSteps],
];
