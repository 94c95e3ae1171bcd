// SPDX-License-Identifier: GPL-2.0-or-later

import { type Data, type DataMap, isMap } from '../../cases/case.js';
import { MemoryImage } from '../../expand/image.js';
import type { Random } from '../../generate/random.js';
import type { MemoryRun } from '../../protocol.js';
import { hexByte, interestingWord, littleEndian } from '../values.js';
import { listIn, mapIn, numberIn } from './case.js';

const PAGE = 0x1000;
const PAGE_FRAME = 0xfffff000;
const KERNEL_ADDRESS = 0xc0000000;
const PRESENT = 1;
const MOST_RUNS = 80;

/** Offsets in a page at which an access of some bytes stays, touches or crosses the end. */
const OFFSETS = [0, 0, 0, 1, 4, 8, 0x10, 0x7fc, 0xf80, 0xff0, 0xff8, 0xffc, 0xffd, 0xffe, 0xfff];
/** Places of the address space that a host treats in its own way. */
const LANDMARKS = [
  ...[0, 0xfff, 0x1000, 0x3fffff, 0x400000, 0xbfffffff, 0xc0000000, 0xc0400000, 0xffbfffff, 0xffc00000],
  ...[0xffc01000, 0xffc02000, 0xffffe000, 0xfffff000, 0xffffffff],
];
/** Flags of page table entries: those of ordinary pages, one bit less or more, large, global, reserved for the kernel. */
const ENTRY_FLAGS = [
  ...[0x67, 0x67, 0x67, 0x65, 0x63, 0x61, 0x47, 0x27, 0x25, 0x07, 0x05, 0x03, 0x01, 0, 0x66, 0x06, 0x40],
  ...[0xe7, 0x87, 0x167, 0x107, 0x77, 0x6f, 0x267, 0x467, 0x867, 0x1e7],
];

/** A guest and one of its virtual CPUs in the state of a case; what it writes changes that state. */
export class Guest {
  private constructor(
    /** `lg`, `memory`, `shadow`, `page_access`, `mem_size`. */
    readonly guest: DataMap,
    /** `regs`, `cpu`, `gdt`, `idt`. */
    readonly vcpu: DataMap,
    private readonly random: Random,
  ) {}

  /** One of the guests; the state itself when there is only one. */
  static in(given: DataMap, random: Random): Guest {
    if (!Array.isArray(given.guests)) return new Guest(given, given, random);
    const guests = given.guests.filter(isMap);
    if (guests.length === 0) return new Guest({}, {}, random);
    const guest = random.pick(guests);
    const vcpus = (Array.isArray(guest.vcpus) ? guest.vcpus : []).filter(isMap);
    return new Guest(guest, vcpus.length === 0 ? {} : random.pick(vcpus), random);
  }

  /** Every virtual CPU of every guest. */
  static all(given: DataMap, random: Random): Guest[] {
    if (!Array.isArray(given.guests)) return [new Guest(given, given, random)];
    return given.guests.filter(isMap).flatMap((guest) => {
      const vcpus = Array.isArray(guest.vcpus) ? guest.vcpus.filter(isMap) : [];
      return vcpus.map((vcpu) => new Guest(guest, vcpu, random));
    });
  }

  get regs(): DataMap {
    return mapIn(this.vcpu, 'regs');
  }

  get cpu(): DataMap {
    return mapIn(this.vcpu, 'cpu');
  }

  get lg(): DataMap {
    return mapIn(this.guest, 'lg');
  }

  get memSize(): number {
    return numberIn(this.guest, 'mem_size');
  }

  /** Guest-physical address of `struct lguest_data`. */
  get data(): number {
    return numberIn(this.lg, 'lguest_data');
  }

  /** Guest-physical address of the guest's current page directory. */
  get directory(): number {
    const slots = listIn(this.lg, 'pgdirs').filter(isMap);
    const slot = slots[numberIn(this.cpu, 'cpu_pgd')] ?? slots[0];
    return slot === undefined ? 0 : numberIn(slot, 'gpgdir');
  }

  /** The slots that have a shadow directory. */
  slots(): number[] {
    return listIn(this.lg, 'pgdirs').flatMap((slot, index) =>
      isMap(slot) && slot.allocated === true ? [index] : [],
    );
  }

  /** A guest-physical address: in the guest's memory, at its end, or beyond. */
  physical(): number {
    const { random } = this;
    const pages = Math.max(1, this.memSize / PAGE);
    switch (random.below(6)) {
      case 0:
        return (this.memSize + random.pick([-8, -5, -4, -3, -2, -1, 0, 1, 4, PAGE])) >>> 0;
      case 1:
        return (random.pick([this.data, this.directory, 0, PAGE]) + random.pick(OFFSETS)) >>> 0;
      case 2:
        return interestingWord(random);
      default:
        return random.below(pages) * PAGE + random.pick(OFFSETS);
    }
  }

  /** A virtual address: of the kernel's linear map, of a user page, or a landmark. */
  virtual(): number {
    const { random } = this;
    switch (random.below(5)) {
      case 0:
        return random.pick(LANDMARKS);
      case 1:
        return this.physical();
      case 2:
        return numberIn(this.regs, random.pick(['eip', 'esp', 'edx', 'ebx']));
      default:
        return (KERNEL_ADDRESS + this.physical()) >>> 0;
    }
  }

  /** What a page table may hold: a frame of the guest's memory or beyond, with flags. */
  entry(): number {
    const { random } = this;
    if (random.oneIn(12)) return random.word();
    const frame = random.oneIn(5) ? this.physical() : random.below(Math.max(1, this.memSize / PAGE)) * PAGE;
    return ((frame & PAGE_FRAME) | random.pick(ENTRY_FLAGS)) >>> 0;
  }

  /** A word for a register or an argument of which nothing is known. */
  word(): number {
    switch (this.random.below(4)) {
      case 0:
        return this.virtual();
      case 1:
        return this.physical();
      case 2:
        return this.random.below(32);
      default:
        return interestingWord(this.random);
    }
  }

  memory(): MemoryImage {
    return MemoryImage.of(runsIn(this.guest));
  }

  read32(at: number): number {
    return this.memory().read32(at);
  }

  /** Bytes of memory; nothing happens when they do not fit into what the launcher has mapped. */
  store(at: number, bytes: readonly number[]): void {
    if (at + bytes.length > this.memSize) return;
    const memory = listIn(this.guest, 'memory');
    if (memory.length >= MOST_RUNS) memory.splice(this.random.below(memory.length), 1);
    memory.push({ at, hex: bytes.map(hexByte).join('') });
  }

  store32(at: number, value: number): void {
    this.store(at, littleEndian(value, 4));
  }

  /** Guest-physical addresses of the page directory entry of an address and, if there is a table, of its table entry. */
  entriesOf(address: number): number[] {
    const directoryEntry = this.directory + (address >>> 22) * 4;
    const value = this.read32(directoryEntry);
    if ((value & PRESENT) === 0) return [directoryEntry];
    return [directoryEntry, ((value & PAGE_FRAME) >>> 0) + ((address >>> 12) & 0x3ff) * 4];
  }

  /** The guest-physical address that the guest's page tables give. */
  translate(address: number): number {
    const entry = this.entriesOf(address)[1];
    if (entry === undefined) return 0;
    return ((this.read32(entry) & PAGE_FRAME) | (address & ~PAGE_FRAME)) >>> 0;
  }
}

/** The runs of bytes in the memory of a state. */
export function runsIn({ memory }: DataMap): MemoryRun[] {
  return (Array.isArray(memory) ? memory : []).flatMap((item: Data) =>
    isMap(item) && typeof item.at === 'number' && typeof item.hex === 'string'
      ? [{ at: item.at, hex: item.hex }]
      : [],
  );
}

/** The saved registers of every virtual CPU of a state, as far as they are given. */
export function registersIn(given: DataMap): DataMap[] {
  const map = (value: Data | undefined): DataMap => (isMap(value) ? value : {});
  if (!Array.isArray(given.guests)) return [map(given.regs)];
  return given.guests.flatMap((guest) => {
    const { vcpus } = map(guest);
    return Array.isArray(vcpus) ? vcpus.map((vcpu) => map(map(vcpu).regs)) : [];
  });
}
