// SPDX-License-Identifier: GPL-2.0-or-later

import type { PhysicalMemory } from '../processor/memory.js';
import { REGS_OFFSET } from './layout.js';

/** `struct lguest_regs`: offset of each 32-bit field. The Switcher pushes the first 13, the processor the rest. */
export const REGISTER_OFFSETS = {
  eax: 0x00,
  ebx: 0x04,
  ecx: 0x08,
  edx: 0x0c,
  esi: 0x10,
  edi: 0x14,
  ebp: 0x18,
  gs: 0x1c,
  fs: 0x20,
  ds: 0x24,
  es: 0x28,
  trapnum: 0x2c,
  errcode: 0x30,
  eip: 0x34,
  cs: 0x38,
  eflags: 0x3c,
  esp: 0x40,
  ss: 0x44,
} as const;

export type GuestRegister = keyof typeof REGISTER_OFFSETS;

export function isGuestRegister(name: string): name is GuestRegister {
  return Object.hasOwn(REGISTER_OFFSETS, name);
}

export const GUEST_REGISTERS: readonly GuestRegister[] =
  Object.keys(REGISTER_OFFSETS).filter(isGuestRegister);

/** A guest's saved registers: words at the end of its regs_page, the page that the Switcher saves into. */
export class GuestRegisters {
  /** Physical address of the structure. */
  readonly at: number;

  /** @param regsPage physical address of the page */
  constructor(
    private readonly memory: PhysicalMemory,
    readonly regsPage: number,
  ) {
    this.at = regsPage + REGS_OFFSET;
  }

  read(register: GuestRegister): number {
    return this.memory.read32(this.at + REGISTER_OFFSETS[register]);
  }

  write(register: GuestRegister, value: number): void {
    this.memory.write32(this.at + REGISTER_OFFSETS[register], value);
  }

  get eax(): number {
    return this.memory.read32(this.at + REGISTER_OFFSETS.eax);
  }
  set eax(value: number) {
    this.memory.write32(this.at + REGISTER_OFFSETS.eax, value);
  }

  set ds(value: number) {
    this.memory.write32(this.at + REGISTER_OFFSETS.ds, value);
  }

  set es(value: number) {
    this.memory.write32(this.at + REGISTER_OFFSETS.es, value);
  }

  get trapnum(): number {
    return this.memory.read32(this.at + REGISTER_OFFSETS.trapnum);
  }
  set trapnum(value: number) {
    this.memory.write32(this.at + REGISTER_OFFSETS.trapnum, value);
  }

  get errcode(): number {
    return this.memory.read32(this.at + REGISTER_OFFSETS.errcode);
  }

  get eip(): number {
    return this.memory.read32(this.at + REGISTER_OFFSETS.eip);
  }
  set eip(value: number) {
    this.memory.write32(this.at + REGISTER_OFFSETS.eip, value);
  }

  get cs(): number {
    return this.memory.read32(this.at + REGISTER_OFFSETS.cs);
  }
  set cs(value: number) {
    this.memory.write32(this.at + REGISTER_OFFSETS.cs, value);
  }

  get eflags(): number {
    return this.memory.read32(this.at + REGISTER_OFFSETS.eflags);
  }
  set eflags(value: number) {
    this.memory.write32(this.at + REGISTER_OFFSETS.eflags, value);
  }

  get esp(): number {
    return this.memory.read32(this.at + REGISTER_OFFSETS.esp);
  }
  set esp(value: number) {
    this.memory.write32(this.at + REGISTER_OFFSETS.esp, value);
  }

  get ss(): number {
    return this.memory.read32(this.at + REGISTER_OFFSETS.ss);
  }
  set ss(value: number) {
    this.memory.write32(this.at + REGISTER_OFFSETS.ss, value);
  }
}
