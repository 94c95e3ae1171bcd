// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * The x87 unit as far as its presence: TS, EM and MP decide about #NM, and the instructions that find out whether a
 * unit is there. Arithmetic is not modelled; MMX and SSE only as far as the checks that come before they do anything.
 */

import { type Cpu, CR0, CR4, EAX, FPU_CONTROL_AFTER_INIT, writeGeneral } from '../cpu.js';
import { deviceNotAvailable, invalidOpcode } from '../exceptions.js';
import type { Execute, Instruction } from '../instruction.js';
import { NotModelled } from '../interface.js';
import { readOperand, writeOperand } from '../operands.js';

/** WAIT (FPU-2) waits for nothing here: without arithmetic no x87 exception is ever pending. */
export const wait: Execute = (cpu) => {
  const both = CR0.MP | CR0.TS;
  if ((cpu.cr0 & both) === both) throw deviceNotAvailable();
};

/** Makes an x87 instruction of what it does once the unit may be used: FPU-1, before any access to memory (FPU-4). */
function x87(execute: Execute): Execute {
  return (cpu, instruction) => {
    if ((cpu.cr0 & (CR0.EM | CR0.TS)) !== 0) throw deviceNotAvailable();
    execute(cpu, instruction);
  };
}

const notModelled =
  (what: string): Execute =>
  () => {
    throw new NotModelled(what);
  };

const fnstcw: Execute = (cpu, instruction) =>
  writeOperand(cpu, instruction, instruction.first, cpu.fpuControl);

const fnstsw: Execute = (cpu, instruction) =>
  writeOperand(cpu, instruction, instruction.first, cpu.fpuStatus);

/** Bit 6 of the control word always reads as one. */
const fldcw: Execute = (cpu, instruction) => {
  const RESERVED_ONE = 0x40;
  cpu.fpuControl = (readOperand(cpu, instruction, instruction.first) & 0x1f3f) | RESERVED_ONE;
};

/** FNINIT: FPU-6. */
function initialise(cpu: Cpu): void {
  cpu.fpuControl = FPU_CONTROL_AFTER_INIT;
  cpu.fpuStatus = 0;
}

const nothing: Execute = () => {};

/** The escapes with a register form, by their two opcode bytes. */
const REGISTER_FORMS: ReadonlyMap<number, Execute> = new Map([
  [0xd9d0, nothing], // FNOP
  [0xdbe2, nothing], // FNCLEX: no exception is ever pending
  [0xdbe3, initialise],
  [0xdbe4, nothing], // FNSETPM: nothing since the 387
  [0xdfe0, (cpu: Cpu) => writeGeneral(cpu, EAX, cpu.fpuStatus, 2)], // FNSTSW AX
]);

/** The escapes with a 16-bit memory operand, by first byte and reg field. */
const MEMORY_FORMS: ReadonlyMap<number, Execute> = new Map([
  [0xd905, fldcw],
  [0xd907, fnstcw],
  [0xdd07, fnstsw],
]);

/** D8h to DFh. */
export const x87Escape: Execute = x87((cpu, instruction) => {
  const { opcode, modrm } = instruction;
  const known =
    modrm >= 0xc0
      ? REGISTER_FORMS.get((opcode << 8) | modrm)
      : MEMORY_FORMS.get((opcode << 8) | instruction.reg);
  if (known === undefined) throw new NotModelled('x87 arithmetic');
  known(cpu, instruction);
});

/** FXSAVE and FXRSTOR. */
export const fxsaveArea: Execute = x87(notModelled('FXSAVE and FXRSTOR'));

/** An MMX instruction. */
export const mmx: Execute = (cpu) => {
  if ((cpu.cr0 & CR0.EM) !== 0) throw invalidOpcode();
  if ((cpu.cr0 & CR0.TS) !== 0) throw deviceNotAvailable();
  throw new NotModelled('MMX');
};

/** An SSE instruction: the system must have declared that it saves the registers (CR4.OSFXSR). */
export const sse: Execute = (cpu) => {
  if ((cpu.cr0 & CR0.EM) !== 0 || (cpu.cr4 & CR4.OSFXSR) === 0) throw invalidOpcode();
  if ((cpu.cr0 & CR0.TS) !== 0) throw deviceNotAvailable();
  throw new NotModelled('SSE');
};

/** Opcodes that are MMX without a prefix and SSE2 with one. */
export const mmxOrSse: Execute = (cpu: Cpu, instruction: Instruction) => {
  const plain = instruction.repeat === 'none' && instruction.operandSize === 4;
  (plain ? mmx : sse)(cpu, instruction);
};
