// SPDX-License-Identifier: GPL-2.0-or-later

/** A decoded instruction and its operands. */

import { type Cpu, NO_REGISTER } from './cpu.js';
import type { OperandSize } from './sizes.js';

export type OperandKind = 'none' | 'general' | 'memory' | 'immediate' | 'segment';

/** One operand. Those of registers are shared by all instructions. */
export class Operand {
  constructor(
    readonly kind: OperandKind,
    readonly size: OperandSize,
    /** Number of the register. */
    readonly index: number = 0,
  ) {}
}

export const NO_OPERAND = new Operand('none', 4);

/** Repeat prefixes: F3h is REP or REPE, F2h is REPNE. */
export type Repeat = 'none' | 'repe' | 'repne';

/** Does what the instruction does, up to the new EIP in `cpu.nextEip`. Throws `Fault` before anything has changed. */
export type Execute = (cpu: Cpu, instruction: Instruction) => void;

export class Instruction {
  mnemonic = '';
  bytes: readonly number[] = [];
  length = 0;
  execute: Execute = neverDecoded;

  /** The low byte of the opcode, whose low bits are a register or condition in some opcodes. */
  opcode = 0;
  /** 2 or 4: what the operand size attribute says, whatever the operands have. */
  operandSize: 2 | 4 = 4;
  repeat: Repeat = 'none';

  first: Operand = NO_OPERAND;
  second: Operand = NO_OPERAND;
  third: Operand = NO_OPERAND;
  /** Truncated to the size of its operand. A relative displacement is sign-extended to 32 bits. */
  immediate = 0;
  /** ENTER: the nesting level. Far pointers: the selector. */
  immediate2 = 0;

  /** ModRM byte, 0 when the instruction has none. */
  modrm = 0;
  /** The effective address is (base + index << scale + displacement) & addressMask in `segment`. */
  segment: number = 3;
  base = NO_REGISTER;
  index = NO_REGISTER;
  scale = 0;
  displacement = 0;
  addressMask = 0xffffffff;

  /** Key of the decode cache; the linear address as a signed number. */
  linear = -1;
  physical = -1;
  code32 = true;
  /** What the memory's `codeChanges` was when this was last found to be the instruction at that address. */
  goodAt = -1;

  get addressSize(): 2 | 4 {
    return this.addressMask === 0xffff ? 2 : 4;
  }

  /** The reg field of ModRM. */
  get reg(): number {
    return (this.modrm >>> 3) & 7;
  }
}

function neverDecoded(): void {
  throw new Error('an instruction that was not decoded was executed');
}

/** Offset of the memory operand in its segment. */
export function effectiveAddress(cpu: Cpu, instruction: Instruction): number {
  const general = cpu.general;
  const base = general[instruction.base];
  const index = general[instruction.index] << instruction.scale;
  return ((base + index + instruction.displacement) & instruction.addressMask) >>> 0;
}
