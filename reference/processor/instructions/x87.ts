// SPDX-License-Identifier: GPL-2.0-or-later

/** What all x87 instructions have in common: when they may run, and what they leave in the pointers. */

import { type Cpu, CR0 } from '../cpu.js';
import { deviceNotAvailable, floatingPointError } from '../exceptions.js';
import type { FpuUnit } from '../fpu/unit.js';
import { type Execute, effectiveAddress, type Instruction } from '../instruction.js';
import { NotModelled } from '../interface.js';

/** What an instruction does with the unit. */
export type Operation = (fpu: FpuUnit, cpu: Cpu, instruction: Instruction) => void;

/** FPU-1: the unit may be used. Before any access to memory (FPU-4). */
function requireUnit(cpu: Cpu): void {
  if ((cpu.cr0 & (CR0.EM | CR0.TS)) !== 0) throw deviceNotAvailable();
}

/** FP-9: an exception that an earlier instruction has met is reported now. */
export function reportPending(cpu: Cpu): void {
  if (!cpu.fpu.errorPending) return;
  if ((cpu.cr0 & CR0.NE) === 0)
    throw new NotModelled('an x87 error with CR0.NE clear, which goes out as FERR#');
  throw floatingPointError();
}

/** An instruction that does not wait, such as FNSTSW: a pending exception is none of its business. */
export function notWaiting(operation: Operation): Execute {
  return (cpu, instruction) => {
    requireUnit(cpu);
    operation(cpu.fpu, cpu, instruction);
  };
}

/** An instruction that waits but leaves the pointers alone, such as FLDCW. */
export function waiting(operation: Operation): Execute {
  return (cpu, instruction) => {
    requireUnit(cpu);
    reportPending(cpu);
    operation(cpu.fpu, cpu, instruction);
  };
}

/** An instruction between registers. C1 is 0 unless it says otherwise. */
export const onRegisters = (operation: Operation): Execute =>
  keepingC1((fpu, cpu, instruction) => {
    fpu.environment.begin();
    fpu.setC1(false);
    operation(fpu, cpu, instruction);
  });

/** FNOP and FCMOVcc have nothing to say by C1. */
export function keepingC1(operation: Operation): Execute {
  return (cpu, instruction) => {
    requireUnit(cpu);
    reportPending(cpu);
    notePlace(cpu, instruction);
    operation(cpu.fpu, cpu, instruction);
  };
}

/**
 * An instruction with a memory operand.
 * @param prepare accesses memory, or finds out that it may be written; until it returns nothing has changed
 * @param operation does the rest
 */
export function withMemory<Prepared>(
  prepare: (cpu: Cpu, instruction: Instruction) => Prepared,
  operation: (fpu: FpuUnit, prepared: Prepared, cpu: Cpu, instruction: Instruction) => void,
): Execute {
  return (cpu, instruction) => {
    requireUnit(cpu);
    reportPending(cpu);
    const { fpu } = cpu;
    fpu.environment.begin();
    const prepared = prepare(cpu, instruction);
    notePlace(cpu, instruction);
    const { pointers } = fpu;
    pointers.dataSelector = cpu.segments[instruction.segment].selector;
    pointers.dataOffset = effectiveAddress(cpu, instruction);
    operation(fpu, prepared, cpu, instruction);
  };
}

/** FP-11. The address is that of the first byte, prefixes included. */
function notePlace(cpu: Cpu, { opcode, modrm }: Instruction): void {
  const { pointers } = cpu.fpu;
  pointers.codeSelector = cpu.cs.selector;
  pointers.codeOffset = cpu.eip;
  pointers.opcode = ((opcode & 7) << 8) | modrm;
}
