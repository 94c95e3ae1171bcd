// SPDX-License-Identifier: GPL-2.0-or-later

/** Instructions that system software uses: tables, control registers, model-specific registers, HLT. */

import { type Cpu, CR0, CR4, DR6_FIXED, EAX, ECX, EDX, readGeneral, writeGeneral } from '../cpu.js';
import { cpuidLeaf, FAMILY_6, Feature, type ProcessorModel } from '../cpuid.js';
import { refuseDetected, setDebugControl } from '../debugging.js';
import { loadLocalDescriptorTable, loadTaskRegister } from '../descriptors.js';
import { generalProtection, invalidOpcode } from '../exceptions.js';
import { type Execute, effectiveAddress, type Instruction } from '../instruction.js';
import { NotModelled, type TableRegister } from '../interface.js';
import { enterModeOfPe, requireProtectedMode } from '../modes.js';
import { readOperand, writeOperand } from '../operands.js';
import { writePrepared } from '../paging.js';
import { prepareSegmentWrite, readSegment, writeSegment } from '../segmentation.js';
import { truncate } from '../sizes.js';
import { enterSystem, exitSystem } from '../transfers.js';

/** SYS-1. */
function requireLevelZero(cpu: Cpu): void {
  if (cpu.cpl !== 0) throw generalProtection(0);
}

/** HLT ends the run: EX-1. */
export const hlt: Execute = (cpu) => {
  requireLevelZero(cpu);
  cpu.stopped = 'hlt';
};

/** SYS-6. */
export const clts: Execute = (cpu) => {
  requireLevelZero(cpu);
  cpu.cr0 = (cpu.cr0 & ~CR0.TS) >>> 0;
};

/** INVD and WBINVD: there is no cache to be seen. */
export const invalidateCaches: Execute = (cpu) => requireLevelZero(cpu);

/** PG-15. */
export const invlpg: Execute = (cpu, instruction) => {
  requireLevelZero(cpu);
  const linear = (cpu.segments[instruction.segment].base + effectiveAddress(cpu, instruction)) >>> 0;
  cpu.tlb.invalidate(linear >>> 12);
};

// ------------------------------------------------------------------------------------------ descriptor tables

/** LGDT and LIDT (SYS-7) read a limit of 16 bits and a base of 32, of which a 16-bit operand uses 24. */
function loadTable(cpu: Cpu, instruction: Instruction, table: TableRegister): void {
  requireLevelZero(cpu);
  const segment = cpu.segments[instruction.segment];
  const address = effectiveAddress(cpu, instruction);
  const limit = readSegment(cpu, segment, address, 2);
  const base = readSegment(cpu, segment, ((address + 2) & instruction.addressMask) >>> 0, 4);
  table.limit = limit;
  table.base = instruction.operandSize === 4 ? base : base & 0xffffff;
}

/** SGDT and SIDT write all 32 bits of the base whatever the operand size. */
function storeTable(cpu: Cpu, instruction: Instruction, table: TableRegister): void {
  const segment = cpu.segments[instruction.segment];
  const address = effectiveAddress(cpu, instruction);
  const baseAt = ((address + 2) & instruction.addressMask) >>> 0;
  prepareSegmentWrite(cpu, segment, address, 2);
  prepareSegmentWrite(cpu, segment, baseAt, 4);
  writePrepared(cpu, table.base, 4);
  writeSegment(cpu, segment, address, table.limit, 2);
}

export const lgdt: Execute = (cpu, instruction) => loadTable(cpu, instruction, cpu.gdtr);
export const lidt: Execute = (cpu, instruction) => loadTable(cpu, instruction, cpu.idtr);
export const sgdt: Execute = (cpu, instruction) => storeTable(cpu, instruction, cpu.gdtr);
export const sidt: Execute = (cpu, instruction) => storeTable(cpu, instruction, cpu.idtr);

export const lldt: Execute = (cpu, instruction) => {
  requireProtectedMode(cpu);
  requireLevelZero(cpu);
  loadLocalDescriptorTable(cpu, readOperand(cpu, instruction, instruction.first));
};

export const ltr: Execute = (cpu, instruction) => {
  requireProtectedMode(cpu);
  requireLevelZero(cpu);
  loadTaskRegister(cpu, readOperand(cpu, instruction, instruction.first));
};

/** SLDT and STR: SYS-10. */
export const sldt: Execute = (cpu, instruction) => {
  requireProtectedMode(cpu);
  writeOperand(cpu, instruction, instruction.first, cpu.ldtr.selector);
};
export const str: Execute = (cpu, instruction) => {
  requireProtectedMode(cpu);
  writeOperand(cpu, instruction, instruction.first, cpu.tr.selector);
};

// ------------------------------------------------------------------------------------------ control registers

/** SMSW stores as much of CR0 as its operand takes: SYS-6. */
export const smsw: Execute = (cpu, instruction) => {
  const { first } = instruction;
  writeOperand(cpu, instruction, first, truncate(cpu.cr0, first.size));
};

/** LMSW sets PE, MP, EM and TS; it cannot clear PE: SYS-6. */
export const lmsw: Execute = (cpu, instruction) => {
  requireLevelZero(cpu);
  const value = readOperand(cpu, instruction, instruction.first);
  const settable = CR0.MP | CR0.EM | CR0.TS;
  cpu.cr0 = ((cpu.cr0 & ~settable) | (value & (settable | CR0.PE))) >>> 0;
};

export const movFromControl: Execute = (cpu, instruction) => {
  const number = controlRegister(instruction);
  requireLevelZero(cpu);
  writeOperand(cpu, instruction, instruction.first, [cpu.cr0, 0, cpu.cr2, cpu.cr3, cpu.cr4][number] ?? 0);
};

export const movToControl: Execute = (cpu, instruction) => {
  const number = controlRegister(instruction);
  requireLevelZero(cpu);
  const value = readOperand(cpu, instruction, instruction.first);
  if (number === 0) setCr0(cpu, value);
  else if (number === 2) cpu.cr2 = value;
  else if (number === 3) setCr3(cpu, value);
  else setCr4(cpu, value);
};

/** CR1, CR5, CR6 and CR7 do not exist; that is found out before the privilege level is looked at: SYS-3. */
function controlRegister(instruction: Instruction): number {
  const number = instruction.reg;
  if (number === 1 || number > 4) throw invalidOpcode();
  return number;
}

const { PE, MP, EM, TS, ET, NE, WP, AM, NW, CD, PG } = CR0;
const CR0_BITS = PE | MP | EM | TS | NE | WP | AM | NW | CD | PG;

/** SYS-4, MODE-8. */
function setCr0(cpu: Cpu, value: number): void {
  if ((value & PG) !== 0 && (value & PE) === 0) throw generalProtection(0);
  if ((value & NW) !== 0 && (value & CD) === 0) throw generalProtection(0);
  const pagingChanges = ((cpu.cr0 ^ value) & PG) !== 0;
  cpu.cr0 = ((value & CR0_BITS) | ET) >>> 0;
  if (pagingChanges) cpu.tlb.clear();
  enterModeOfPe(cpu);
}

/** Global translations stay: PG-14. */
function setCr3(cpu: Cpu, value: number): void {
  cpu.cr3 = value;
  cpu.tlb.clearNonGlobal();
}

/** The bits of CR4 that came with each feature. Machine checks came with model-specific registers. */
const CR4_OF_FEATURE: readonly (readonly [feature: number, bits: number])[] = [
  [Feature.virtual8086Extensions, CR4.VME | CR4.PVI],
  [Feature.timeStampCounter, CR4.TSD],
  [Feature.debuggingExtensions, CR4.DE],
  [Feature.pageSizeExtension, CR4.PSE],
  [Feature.modelSpecificRegisters, CR4.MCE],
  [Feature.pageGlobalEnable, CR4.PGE],
  [FAMILY_6, CR4.PAE | CR4.PCE],
  [Feature.fxsaveAndFxrstor, CR4.OSFXSR | CR4.OSXMMEXCPT],
];

const cr4BitsOf = ({ features }: ProcessorModel) =>
  CR4_OF_FEATURE.reduce((all, [feature, bits]) => ((features & feature) !== 0 ? all | bits : all), 0);

/** A change of these drops every translation, global ones too. */
const CR4_PAGING = CR4.PSE | CR4.PGE;

/** SYS-5, SYS-27, PGE-1, PGE-5. */
function setCr4(cpu: Cpu, value: number): void {
  if ((value & ~cr4BitsOf(cpu.model)) !== 0) throw generalProtection(0);
  if ((value & CR4.PAE) !== 0) throw new NotModelled('physical address extension (CR4.PAE)');
  const pagingChanges = ((cpu.cr4 ^ value) & CR4_PAGING) !== 0;
  cpu.cr4 = value;
  if (pagingChanges) cpu.tlb.clear();
}

// ------------------------------------------------------------------------------------------ debug registers

export const movFromDebug: Execute = (cpu, instruction) => {
  const number = debugRegister(cpu, instruction);
  writeOperand(cpu, instruction, instruction.first, cpu.dr[number]);
};

const DR6_WRITABLE = 0xe00f;

export const movToDebug: Execute = (cpu, instruction) => {
  const number = debugRegister(cpu, instruction);
  const value = readOperand(cpu, instruction, instruction.first);
  if (number === 6) {
    cpu.dr[6] = DR6_FIXED | (value & DR6_WRITABLE);
  } else if (number === 7) {
    setDebugControl(cpu, value);
  } else {
    cpu.dr[number] = value;
  }
};

/** DR4 and DR5 are other names of DR6 and DR7, or with CR4.DE do not exist. */
function debugRegister(cpu: Cpu, instruction: Instruction): number {
  const number = instruction.reg;
  const alias = number === 4 || number === 5;
  if (alias && (cpu.cr4 & CR4.DE) !== 0) throw invalidOpcode();
  requireLevelZero(cpu);
  refuseDetected(cpu);
  return alias ? number + 2 : number;
}

// ------------------------------------------------------------------------------------------ model-specific registers

const Msr = { timeStampCounter: 0x10, sysenterCs: 0x174, sysenterEsp: 0x175, sysenterEip: 0x176 } as const;

/** Splits the 64-bit value over EDX and EAX. */
function writePair(cpu: Cpu, high: number, low: number): void {
  writeGeneral(cpu, EAX, low, 4);
  writeGeneral(cpu, EDX, high, 4);
}

/** The time-stamp counter (SYS-16): time is counted in instructions. */
function readTimeStamp(cpu: Cpu): void {
  const count = BigInt.asUintN(64, BigInt(cpu.executed) + cpu.timeStampOffset);
  writePair(cpu, Number(count >> 32n), Number(count & 0xffffffffn));
}

/** SYS-26. */
function setTimeStamp(cpu: Cpu, high: number, low: number): void {
  cpu.timeStampOffset = (BigInt(high) << 32n) + BigInt(low) - BigInt(cpu.executed);
}

/** The number in ECX. The three of SYSENTER came with it: SYS-11, SYS-27. */
function registerNumber(cpu: Cpu): number {
  const number = readGeneral(cpu, ECX, 4);
  const ofSysenter = number >= Msr.sysenterCs && number <= Msr.sysenterEip;
  if (ofSysenter && (cpu.model.features & Feature.sysenter) === 0) throw generalProtection(0);
  return number;
}

/** SYS-11. */
export const rdmsr: Execute = (cpu) => {
  requireLevelZero(cpu);
  switch (registerNumber(cpu)) {
    case Msr.timeStampCounter:
      return readTimeStamp(cpu);
    case Msr.sysenterCs:
      return writePair(cpu, 0, cpu.sysenter_cs);
    case Msr.sysenterEsp:
      return writePair(cpu, 0, cpu.sysenter_esp);
    case Msr.sysenterEip:
      return writePair(cpu, 0, cpu.sysenter_eip);
    default:
      throw generalProtection(0);
  }
};

export const wrmsr: Execute = (cpu) => {
  requireLevelZero(cpu);
  const value = readGeneral(cpu, EAX, 4);
  switch (registerNumber(cpu)) {
    case Msr.timeStampCounter:
      setTimeStamp(cpu, readGeneral(cpu, EDX, 4), value);
      return;
    case Msr.sysenterCs:
      cpu.sysenter_cs = value;
      return;
    case Msr.sysenterEsp:
      cpu.sysenter_esp = value;
      return;
    case Msr.sysenterEip:
      cpu.sysenter_eip = value;
      return;
    default:
      throw generalProtection(0);
  }
};

/** RDTSC: SYS-16. */
export const rdtsc: Execute = (cpu) => {
  if ((cpu.cr4 & CR4.TSD) !== 0) requireLevelZero(cpu);
  readTimeStamp(cpu);
};

/** RDPMC: there are no performance counters that it could name. */
export const rdpmc: Execute = () => {
  throw generalProtection(0);
};

export const cpuid: Execute = (cpu) => {
  cpuidLeaf(cpu.model, readGeneral(cpu, EAX, 4)).forEach((value, register) => {
    writeGeneral(cpu, register, value, 4);
  });
};

export const sysenter: Execute = (cpu) => enterSystem(cpu);
export const sysexit: Execute = (cpu) => exitSystem(cpu);
