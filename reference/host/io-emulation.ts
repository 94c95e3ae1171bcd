// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 14: a guest kernel's IN and OUT find a bus with nothing on it. */

import { prefixedHex } from './format.js';
import { guestPa, lgread8 } from './guest-memory.js';
import { GUEST_PL } from './layout.js';
import type { LgCpu } from './state.js';

const OPERAND_SIZE_PREFIX = 0x66;

/** The four pairs of opcodes; bit 0 of the opcode is the width. */
const IoOpcode = { inImm: 0xe4, outImm: 0xe6, inDx: 0xec, outDx: 0xee } as const;

/**
 * `emulate_insn`: skips the instruction at EIP if it is IN or OUT, and does nothing else (IO-22 IO-23).
 * @returns whether it was; then nothing is left to do
 */
export function emulateInsn(cpu: LgCpu): boolean {
  const { regs } = cpu;
  const { hardened } = cpu.lg.host;
  if (hardened && !isGuestKernel(cpu)) return false; // E-3
  const physical = guestPa(cpu, regs.eip); // IO-13 IO-26 E-143
  if (!isGuestKernel(cpu)) return false; // IO-14 E-147

  let opcode = lgread8(cpu, physical); // IO-15 IO-25
  let length = 0;
  const prefixed = opcode === OPERAND_SIZE_PREFIX; // IO-16
  if (prefixed) {
    length = 1;
    opcode = lgread8(cpu, hardened ? guestPa(cpu, (regs.eip + 1) >>> 0) : (physical + 1) >>> 0); // E-4
  }

  const form = opcode & 0xfe; // IO-17
  switch (form) {
    case IoOpcode.inImm:
    case IoOpcode.outImm:
      length += 2;
      break;
    case IoOpcode.inDx:
    case IoOpcode.outDx:
      length += 1;
      break;
    default:
      // IO-24
      cpu.lg.host.kernel.observer?.note('IO-17', `the byte ${prefixedHex(opcode)} is neither IN nor OUT`);
      return false;
  }
  if (form === IoOpcode.inImm || form === IoOpcode.inDx) {
    const wide = (opcode & 1) !== 0;
    const ones = hardened ? onesAsTheProcessor(wide, prefixed) : onesAsTheOriginal(wide, prefixed);
    regs.eax = (regs.eax | ones) >>> 0; // IO-18 IO-19
    cpu.lg.host.kernel.observer?.note('IO-19', `IN: EAX becomes ${prefixedHex(regs.eax)}`);
  }
  regs.eip = (regs.eip + length) >>> 0; // IO-20 IO-21
  cpu.lg.host.kernel.observer?.note('IO-21', `the instruction is skipped: ${length} bytes`);
  return true;
}

function isGuestKernel(cpu: LgCpu): boolean {
  return (cpu.regs.cs & 3) === GUEST_PL;
}

/** The bits of EAX that the original sets: never fewer than sixteen, the upper ones with a prefix (E-1 E-2 E-5). */
function onesAsTheOriginal(wide: boolean, prefixed: boolean): number {
  if (wide) return 0xffffffff;
  return prefixed ? 0xffff0000 : 0x0000ffff;
}

/** The bits of EAX that the processor would set: AL, AX or EAX. */
function onesAsTheProcessor(wide: boolean, prefixed: boolean): number {
  if (!wide) return 0x000000ff;
  return prefixed ? 0x0000ffff : 0xffffffff;
}
