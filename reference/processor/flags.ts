// SPDX-License-Identifier: GPL-2.0-or-later

/** Bits of EFLAGS, and what instructions ask of them. */

import type { Cpu } from './cpu.js';
import { AF, CF, OF, PF, SF, STATUS, type StatusFlags, signZeroParity, ZF } from './status-flags.js';

export { AF, CF, OF, PF, SF, STATUS, signZeroParity, ZF };

export const TF = 1 << 8;
export const IF = 1 << 9;
export const DF = 1 << 10;
export const IOPL = 3 << 12;
export const NT = 1 << 14;
export const RF = 1 << 16;
export const VM = 1 << 17;
export const AC = 1 << 18;
export const VIF = 1 << 19;
export const VIP = 1 << 20;
export const ID = 1 << 21;

/** Bit 1 always reads as one. */
export const FIXED_ONE = 2;
/** Every flag that this processor has. */
export const ALL_FLAGS = STATUS | TF | IF | DF | IOPL | NT | RF | VM | AC | VIF | VIP | ID;

/** The I/O privilege level, 0 to 3. */
export const ioPrivilegeLevel = (cpu: Cpu) => (cpu.systemFlags & IOPL) >>> 12;

/** Replaces the flags in `which` by those in `values`. */
export function setFlags(cpu: Cpu, which: number, values: number): void {
  const { status } = cpu;
  if ((which & STATUS) !== 0) status.value = (status.value & ~which) | (values & which);
  const others = which & ~STATUS;
  if (others !== 0) cpu.systemFlags = (cpu.systemFlags & ~others) | (values & others);
}

/** Sets or clears one flag. */
export function setFlag(cpu: Cpu, flag: number, on: boolean): void {
  setFlags(cpu, flag, on ? flag : 0);
}

/** Whether the condition with this number (the low four bits of Jcc, SETcc and CMOVcc) holds. */
export function condition(cpu: Cpu, code: number): boolean {
  const holds = evenCondition(cpu.status, code >>> 1);
  return (code & 1) === 0 ? holds : !holds;
}

/** The conditions O, B, E, BE, S, P, L and LE; each has its opposite beside it. */
function evenCondition(status: StatusFlags, number: number): boolean {
  switch (number) {
    case 0:
      return status.overflow;
    case 1:
      return status.carry;
    case 2:
      return status.zero;
    case 3:
      return status.carry || status.zero;
    case 4:
      return status.sign;
    case 5:
      return status.parity;
    case 6:
      return status.sign !== status.overflow;
    default:
      return status.zero || status.sign !== status.overflow;
  }
}
