// SPDX-License-Identifier: GPL-2.0-or-later

/** Bits of EFLAGS, and all arithmetic that sets the status flags. */

import type { Cpu } from './cpu.js';
import { maskOf, type OperandSize, signOf } from './sizes.js';

export const CF = 1 << 0;
export const PF = 1 << 2;
export const AF = 1 << 4;
export const ZF = 1 << 6;
export const SF = 1 << 7;
export const TF = 1 << 8;
export const IF = 1 << 9;
export const DF = 1 << 10;
export const OF = 1 << 11;
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
export const STATUS = CF | PF | AF | ZF | SF | OF;
/** Every flag that this processor has. */
export const ALL_FLAGS = STATUS | TF | IF | DF | IOPL | NT | RF | VM | AC | VIF | VIP | ID;

/** The I/O privilege level, 0 to 3. */
export const ioPrivilegeLevel = (cpu: Cpu) => (cpu.eflags & IOPL) >>> 12;

/** PF by the low byte of a result: set when the number of ones is even. */
const PARITY = Uint8Array.from({ length: 256 }, (_, byte) => {
  let ones = 0;
  for (let bits = byte; bits !== 0; bits >>>= 1) ones += bits & 1;
  return ones % 2 === 0 ? PF : 0;
});

/** SF, ZF and PF of a result of this size. */
export function signZeroParity(result: number, size: OperandSize): number {
  return ((result & signOf(size)) !== 0 ? SF : 0) | (result === 0 ? ZF : 0) | PARITY[result & 0xff];
}

/** Replaces the flags in `which` by those in `values`. */
export function setFlags(cpu: Cpu, which: number, values: number): void {
  cpu.eflags = (cpu.eflags & ~which) | (values & which);
}

/** Sets or clears one flag. */
export function setFlag(cpu: Cpu, flag: number, on: boolean): void {
  cpu.eflags = on ? cpu.eflags | flag : cpu.eflags & ~flag;
}

/** left + right + carry, with all status flags. */
export function addWithFlags(
  cpu: Cpu,
  left: number,
  right: number,
  carry: number,
  size: OperandSize,
): number {
  const mask = maskOf(size);
  const sum = left + right + carry;
  const result = (sum & mask) >>> 0;
  const overflow = ((left ^ result) & (right ^ result) & signOf(size)) !== 0 ? OF : 0;
  const status =
    (sum > mask ? CF : 0) | ((left ^ right ^ result) & AF) | overflow | signZeroParity(result, size);
  cpu.eflags = (cpu.eflags & ~STATUS) | status;
  return result;
}

/** left - right - borrow, with all status flags. */
export function subtractWithFlags(
  cpu: Cpu,
  left: number,
  right: number,
  borrow: number,
  size: OperandSize,
): number {
  const difference = left - right - borrow;
  const result = (difference & maskOf(size)) >>> 0;
  const overflow = ((left ^ right) & (left ^ result) & signOf(size)) !== 0 ? OF : 0;
  const status =
    (difference < 0 ? CF : 0) | ((left ^ right ^ result) & AF) | overflow | signZeroParity(result, size);
  cpu.eflags = (cpu.eflags & ~STATUS) | status;
  return result;
}

/** The flags of AND, OR, XOR and TEST: CF and OF are cleared, and so is AF, which the architecture leaves open. */
export function logicFlags(cpu: Cpu, result: number, size: OperandSize): number {
  cpu.eflags = (cpu.eflags & ~STATUS) | signZeroParity(result, size);
  return result;
}

/** Whether the condition with this number (the low four bits of Jcc, SETcc and CMOVcc) holds. */
export function condition(cpu: Cpu, code: number): boolean {
  const flags = cpu.eflags;
  let holds: boolean;
  switch (code >>> 1) {
    case 0:
      holds = (flags & OF) !== 0;
      break;
    case 1:
      holds = (flags & CF) !== 0;
      break;
    case 2:
      holds = (flags & ZF) !== 0;
      break;
    case 3:
      holds = (flags & (CF | ZF)) !== 0;
      break;
    case 4:
      holds = (flags & SF) !== 0;
      break;
    case 5:
      holds = (flags & PF) !== 0;
      break;
    case 6:
      holds = signDiffersFromOverflow(flags);
      break;
    default:
      holds = (flags & ZF) !== 0 || signDiffersFromOverflow(flags);
  }
  return (code & 1) === 0 ? holds : !holds;
}

const signDiffersFromOverflow = (flags: number) => ((flags & SF) !== 0) !== ((flags & OF) !== 0);
