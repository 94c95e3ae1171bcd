// SPDX-License-Identifier: GPL-2.0-or-later

import type { PhysicalMemory } from './memory.js';

/** A segment register with its hidden part, which stays as loaded whatever the tables in memory say later. */
export interface SegmentRegister {
  selector: number;
  base: number;
  /** In bytes, already scaled by G. */
  limit: number;
  /** The descriptor's second word shifted right by 8: type 0-3, S 4, DPL 5-6, P 7, AVL 12, L 13, D/B 14, G 15. */
  attributes: number;
}

/** GDTR or IDTR. */
export interface TableRegister {
  base: number;
  limit: number;
}

/** What can be read and set from outside. All numbers are unsigned 32-bit words. */
export interface Registers {
  eax: number;
  ecx: number;
  edx: number;
  ebx: number;
  esp: number;
  ebp: number;
  esi: number;
  edi: number;
  eip: number;
  eflags: number;
  cr0: number;
  cr2: number;
  cr3: number;
  cr4: number;
  es: SegmentRegister;
  cs: SegmentRegister;
  ss: SegmentRegister;
  ds: SegmentRegister;
  fs: SegmentRegister;
  gs: SegmentRegister;
  tr: SegmentRegister;
  ldtr: SegmentRegister;
  gdtr: TableRegister;
  idtr: TableRegister;
  sysenter_cs: number;
  sysenter_esp: number;
  sysenter_eip: number;
}

export type PortSize = 1 | 2 | 4;

/** What IN and OUT reach. Values are unsigned and as wide as the access (`size` in bytes). */
export interface PortBus {
  read(port: number, size: PortSize): number;
  write(port: number, size: PortSize, value: number): void;
}

/** An instruction that has been decoded and is about to be executed. */
export interface InstructionTrace {
  mnemonic: string;
  /** As in memory, prefixes included. */
  bytes: readonly number[];
  cs: number;
  eip: number;
  /** Linear address of its first byte. */
  linear: number;
  cpl: number;
}

/** Where an exception or interrupt came from. */
export type InterruptionSource = 'exception' | 'software' | 'external';

/** An exception or interrupt that is about to be delivered through the IDT. */
export interface InterruptionTrace {
  vector: number;
  source: InterruptionSource;
  /** Absent for vectors that push none. */
  error_code?: number;
  /** The address that a page fault puts into CR2. */
  cr2?: number;
  /** The address that will be pushed. */
  cs: number;
  eip: number;
  cpl: number;
}

/** Told what the processor does, step by step. What is absent costs nothing. */
export interface ProcessorObserver {
  /** @param registers reads them as they are before the instruction */
  instruction?(trace: InstructionTrace, registers: () => Registers): void;
  interruption?(trace: InterruptionTrace): void;
  /**
   * Before each instruction, as numbers only, so that it can be always on.
   * @param linear address of the instruction
   */
  boundary?(cpl: number, linear: number, eflags: number, cr3: number): void;
}

/** Why `run` came back. `hlt`: HLT was executed at privilege level 0; `shutdown`: a triple fault. */
export type Stop = 'hlt' | 'limit' | 'shutdown';

/**
 * Which instructions count. An instruction counts when it has completed, at the privilege level at which it began;
 * one that ends in a fault does not count. `outer`: those of privilege levels 1 to 3.
 */
export type InstructionCounter = 'all' | 'outer';

/**
 * An external event that is requested when `after` instructions have been executed since `run` began; one that counts
 * `outer` instructions only while the processor is at one of those privilege levels.
 */
export type ScheduledEvent = { counter: InstructionCounter; after: number } & (
  | { vector: number }
  | { nmi: true }
);

export interface RunLimits {
  /**
   * The run ends when this many instructions have been begun; one that faults counts here, and so does each round of
   * a repeated string instruction, so that every run ends.
   */
  instructions: number;
  /** The run ends when this many instructions have been executed at privilege levels 1 to 3. Absent: no such limit. */
  outerInstructions?: number;
  /** In any order. */
  events?: readonly ScheduledEvent[];
}

/** One i386-class processor. */
export interface Processor {
  readonly memory: PhysicalMemory;
  /** The state after reset that `Registers` does not show: x87, debug registers, TLB, pending events, counters. */
  reset(): void;
  /** A copy of the registers. */
  registers(): Registers;
  /** Sets all registers. Keeps the TLB and everything else that `Registers` does not show. */
  setRegisters(registers: Registers): void;
  /** An external interrupt waits until EFLAGS.IF and the instruction boundary allow it; several wait in order. */
  requestInterrupt(vector: number): void;
  /** A non-maskable interrupt waits until the end of the handler of an earlier one (its IRET). */
  requestNmi(): void;
  /** Executes until one of the reasons in `Stop`; throws `NotModelled` where this model ends. */
  run(limits: RunLimits): Stop;
  /** Since `reset`. */
  readonly instructionsExecuted: number;
  /** Since `reset`, at privilege levels 1 to 3. */
  readonly outerInstructionsExecuted: number;
}

/**
 * The code asked for something that this model does not do. It is never an outcome of the architecture: the run has
 * no result. The state is as before the instruction.
 */
export class NotModelled extends Error {
  /** @param what the instruction or feature; where and with which bytes is added by the processor */
  constructor(readonly what: string) {
    super(`not modelled: ${what}`);
    this.name = 'NotModelled';
  }
}
