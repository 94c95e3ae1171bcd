// SPDX-License-Identifier: GPL-2.0-or-later

import { readLinear32, segmentOf } from '../../expand/descriptors.js';
import type { MemoryImage } from '../../expand/image.js';
import type { ProcessorRegisters, SegmentRegister } from '../../protocol.js';
import { Unsupported } from '../bare-machine.js';
import { hex } from './machine.js';
import { type NativeLdtEntry, NO_LDT } from './wire.js';

/**
 * The two selectors of the GDT that Linux gives to 32-bit programs. A case that has the same flat segments under the
 * same selectors can use them; all other segments must be in the case's LDT, which is mirrored entry by entry.
 */
const LINUX_CODE = 0x23;
const LINUX_DATA = 0x2b;
const FLAT = { base: 0, limit: 0xffffffff };
const FLAT_CODE = 0xc0fb;
const FLAT_DATA = 0xc0f3;

const TABLE_INDICATOR = 4;
const PRESENT = 0x80;

export function isNull(selector: number): boolean {
  return (selector & ~3) === 0;
}

export function isLocal(selector: number): boolean {
  return (selector & TABLE_INDICATOR) !== 0;
}

/** The case's LDT as far as the kernel can hold it. */
export class LdtMirror {
  readonly entries: NativeLdtEntry[] = [];
  /** Number of the last entry, or `NO_LDT`. */
  readonly limit: number;
  /** Entries that the kernel cannot hold, or not exactly: code must not use them. */
  readonly #missing = new Set<number>();

  constructor(
    private readonly registers: ProcessorRegisters,
    memory: MemoryImage,
  ) {
    const { ldtr } = registers;
    const count = isNull(ldtr.selector) ? 0 : (ldtr.limit + 1) >> 3;
    this.limit = count === 0 ? NO_LDT : Math.min(count, NO_LDT) - 1;
    for (let number = 0; number < count; number++) {
      const low = readLinear32(ldtr.base + 8 * number, registers, memory);
      const high = readLinear32(ldtr.base + 8 * number + 4, registers, memory);
      if (low === 0 && high === 0) continue;
      const entry = userDescriptor(number, low, high);
      if (entry === undefined) this.#missing.add(number);
      else this.entries.push(entry);
    }
  }

  /** Throws `Unsupported` when code could see a difference between this selector's descriptor and the mirror. */
  requireExact(selector: number): void {
    if (this.#missing.has(selector >> 3)) {
      throw new Unsupported(`modify_ldt cannot make the descriptor of selector ${hex(selector)}`);
    }
  }

  /** The segment register that holds this selector, which the code under test has loaded. */
  loaded(selector: number, memory: MemoryImage): SegmentRegister {
    if (isNull(selector)) return { selector, base: 0, limit: 0, attributes: 0 };
    const segment = segmentOf(selector, this.registers, memory);
    this.requireMirrored(segment);
    return segment;
  }

  /** Throws `Unsupported` unless loading the segment's selector in a Linux process gives this very segment. */
  requireMirrored(segment: SegmentRegister): void {
    const { selector } = segment;
    if (isLocal(selector)) {
      this.requireExact(selector);
    } else if (!isNull(selector) && !isLinux(segment)) {
      throw new Unsupported(`selector ${hex(selector)} of the GDT; Linux gives a program only 23h and 2Bh`);
    }
  }
}

function isLinux({ selector, base, limit, attributes }: SegmentRegister): boolean {
  const wanted = selector === LINUX_CODE ? FLAT_CODE : selector === LINUX_DATA ? FLAT_DATA : undefined;
  return base === FLAT.base && limit === FLAT.limit && attributes === wanted;
}

const CODE = 0x8;
/** Conforming for code, expand-down for data. */
const DIRECTION = 0x4;
/** Readable for code, writable for data. */
const ACCESS = 0x2;
const ACCESSED = 0x1;
/** S and DPL 3: what the kernel makes of every entry. */
const USER_SEGMENT = 0x70;

/** A descriptor as modify_ldt takes it, or `undefined` when the kernel would make another one of it. */
function userDescriptor(number: number, low: number, high: number): NativeLdtEntry | undefined {
  const access = (high >>> 8) & 0xff;
  const bit = (position: number) => (high >>> position) & 1;
  const [available, long, big, granular] = [bit(20), bit(21), bit(22), bit(23)];
  if ((access & USER_SEGMENT) !== USER_SEGMENT || (access & ACCESSED) === 0 || long === 1) return undefined;
  const isPresent = (access & PRESENT) !== 0;
  const contents = (access & (CODE | DIRECTION)) >> 2;
  if (contents === 3 && isPresent) return undefined; // conforming code, which the kernel refuses
  const flags =
    big |
    (contents << 1) |
    ((access & ACCESS) === 0 ? 1 << 3 : 0) |
    (granular << 4) |
    (isPresent ? 0 : 1 << 5) |
    (available << 6);
  return {
    number,
    base: ((low >>> 16) | ((high & 0xff) << 16) | (high & 0xff000000)) >>> 0,
    limit: (low & 0xffff) | (high & 0xf0000),
    flags,
  };
}
