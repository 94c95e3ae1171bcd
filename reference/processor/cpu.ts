// SPDX-License-Identifier: GPL-2.0-or-later

/** The state of one processor. What is done with it is in the other modules. */

import { DEFAULT_MODEL, MODELS, type ProcessorModel } from './cpuid.js';
import { FpuUnit } from './fpu/unit.js';
import type { PortBus, ProcessorObserver } from './interface.js';
import type { ChangeCount, PhysicalMemory } from './memory.js';
import { STATUS, StatusFlags } from './status-flags.js';
import { Tlb } from './tlb.js';

/** Numbers of the general registers in an instruction. */
export const EAX = 0;
export const ECX = 1;
export const EDX = 2;
export const EBX = 3;
export const ESP = 4;
export const EBP = 5;
export const ESI = 6;
export const EDI = 7;
/** Reads as zero: the base or index of an address that has none. */
export const NO_REGISTER = 8;

/** Numbers of the segment registers in an instruction, then the two system segment registers. */
export const ES = 0;
export const CS = 1;
export const SS = 2;
export const DS = 3;
export const FS = 4;
export const GS = 5;
export const TR = 6;
export const LDTR = 7;

/** Bits of a segment's attributes: the descriptor's second word shifted right by 8. */
export const Attribute = {
  accessed: 1 << 0,
  /** Data: writable. Code: readable. */
  writableOrReadable: 1 << 1,
  /** Data: expand-down. Code: conforming. */
  downOrConforming: 1 << 2,
  code: 1 << 3,
  /** S: a code or data segment, not a system descriptor. */
  codeOrData: 1 << 4,
  present: 1 << 7,
  /** D/B: 32-bit. */
  big: 1 << 14,
  granularity: 1 << 15,
} as const;

/** Types of system descriptors. */
export const SystemType = {
  tss16: 1,
  ldt: 2,
  busyTss16: 3,
  callGate16: 4,
  taskGate: 5,
  interruptGate16: 6,
  trapGate16: 7,
  tss32: 9,
  busyTss32: 11,
  callGate32: 12,
  interruptGate32: 14,
  trapGate32: 15,
} as const;

/** A segment register: the selector, the hidden part, and what follows from the hidden part. */
export class Segment {
  selector = 0;
  base = 0;
  /** In bytes. */
  limit = 0;
  attributes = 0;
  readable = false;
  writable = false;
  /** First and last offset inside the segment; first > last when there is none. */
  first = 1;
  last = 0;

  set(selector: number, base: number, limit: number, attributes: number): void {
    this.selector = selector;
    this.base = base;
    this.limit = limit;
    this.attributes = attributes;
    const { codeOrData, present, code, writableOrReadable, downOrConforming } = Attribute;
    const usable = (attributes & (codeOrData | present)) === (codeOrData | present);
    const isCode = (attributes & code) !== 0;
    const permits = (attributes & writableOrReadable) !== 0;
    this.readable = usable && (!isCode || permits);
    this.writable = usable && !isCode && permits;
    const expandDown = !isCode && (attributes & downOrConforming) !== 0;
    this.first = expandDown ? limit + 1 : 0;
    this.last = !expandDown ? limit : this.big ? 0xffffffff : 0xffff;
  }

  /** A null selector was loaded: every access faults. */
  setNull(selector: number): void {
    this.set(selector, 0, 0, 0);
  }

  copyFrom(other: Segment): void {
    this.set(other.selector, other.base, other.limit, other.attributes);
  }

  get big(): boolean {
    return (this.attributes & Attribute.big) !== 0;
  }

  get present(): boolean {
    return (this.attributes & Attribute.present) !== 0;
  }

  get type(): number {
    return this.attributes & 15;
  }

  get dpl(): number {
    return (this.attributes >>> 5) & 3;
  }

  get isCode(): boolean {
    const both = Attribute.codeOrData | Attribute.code;
    return (this.attributes & both) === both;
  }

  get isConforming(): boolean {
    return this.isCode && (this.attributes & Attribute.downOrConforming) !== 0;
  }

  get isWritableData(): boolean {
    const { codeOrData, code, writableOrReadable } = Attribute;
    return (this.attributes & (codeOrData | code | writableOrReadable)) === (codeOrData | writableOrReadable);
  }
}

/** CS: whatever is loaded into it may make other instructions of the same bytes. */
class CodeSegment extends Segment {
  constructor(private readonly changes: ChangeCount) {
    super();
  }

  override set(selector: number, base: number, limit: number, attributes: number): void {
    if (base !== this.base || limit !== this.limit || attributes !== this.attributes) this.changes.count++;
    super.set(selector, base, limit, attributes);
  }
}

export const CR0 = {
  PE: 1 << 0,
  MP: 1 << 1,
  EM: 1 << 2,
  TS: 1 << 3,
  ET: 1 << 4,
  NE: 1 << 5,
  WP: 1 << 16,
  AM: 1 << 18,
  NW: 1 << 29,
  CD: 1 << 30,
  PG: -0x80000000,
} as const;

export const CR4 = {
  VME: 1 << 0,
  PVI: 1 << 1,
  TSD: 1 << 2,
  DE: 1 << 3,
  PSE: 1 << 4,
  PAE: 1 << 5,
  MCE: 1 << 6,
  PGE: 1 << 7,
  PCE: 1 << 8,
  OSFXSR: 1 << 9,
  OSXMMEXCPT: 1 << 10,
} as const;

/** Bits of the debug registers that always read as one: also their values after reset. */
export const DR6_FIXED = 0xffff0ff0;
export const DR7_FIXED = 0x400;
/** Bits of DR6 that say what a debug exception was raised for; bits 0 to 3 are the breakpoints. */
export const DR6 = {
  /** BD: a MOV to or from a debug register while DR7.GD is set. */
  generalDetect: 1 << 13,
  /** BS: single step. */
  singleStep: 1 << 14,
  /** BT: a switch to a task whose debug trap flag is set. */
  taskSwitch: 1 << 15,
} as const;

export type StopReason = 'hlt' | 'shutdown';

export class Cpu {
  /** EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI, and one that stays zero. */
  readonly general = new Uint32Array(9);
  /** Of the instruction being executed. */
  eip = 0;
  /** Of the instruction after it; a transfer changes this. */
  nextEip = 0;
  /** The status flags of EFLAGS. */
  readonly status = new StatusFlags();
  private otherFlags = 2;

  readonly es = new Segment();
  readonly cs: Segment;
  readonly ss = new Segment();
  readonly ds = new Segment();
  readonly fs = new Segment();
  readonly gs = new Segment();
  readonly tr = new Segment();
  readonly ldtr = new Segment();
  /** By number. */
  readonly segments: readonly [Segment, Segment, Segment, Segment, Segment, Segment, Segment, Segment];
  readonly gdtr = { base: 0, limit: 0 };
  readonly idtr = { base: 0, limit: 0 };
  private level = 0;

  cr0 = 0;
  cr2 = 0;
  cr3 = 0;
  cr4 = 0;
  readonly dr = new Uint32Array(8);
  private debugging = 0;
  /** What to look for at each access to memory, while an instruction runs that needs it: see `accessChecks`. */
  accessChecks = 0;
  /** Bits of DR6: the breakpoints that the instruction being executed has hit. */
  debugHits = 0;
  sysenter_cs = 0;
  sysenter_esp = 0;
  sysenter_eip = 0;
  readonly tlb: Tlb;

  readonly fpu = new FpuUnit();

  /** Instructions completed, in all and at privilege levels 1 to 3. */
  executed = 0;
  outerExecuted = 0;
  /** What the time-stamp counter shows beyond the instructions completed: 64 bits. */
  timeStampOffset = 0n;

  /** External interrupts that wait, oldest first. */
  pendingInterrupts: number[] = [];
  nmiPending = false;
  /** An NMI handler has not yet executed its IRET. */
  nmiBlocked = false;
  private stiExecuted = false;
  private ssLoaded = false;
  /** The instruction before this one loaded SS: an instruction breakpoint here is passed over. */
  debugInhibited = false;
  /** A repeated string instruction has more rounds to go. */
  repeating = false;
  /** The instruction being executed went to a handler; a single-step trap that was due is dropped. */
  handlerEntered = false;
  private stopReason: StopReason | undefined;

  /**
   * Something changed that the run loop looks at between two instructions: it must do so before the next one.
   * Everything that it looks at sets this when it is set.
   */
  attention = false;
  /** ESP before the instruction being executed: a fault puts it back (EX-23). */
  stackPointerBefore = 0;

  /** Where the prepared write goes; see `prepareWrite`. */
  writeFirst = 0;
  writeSecond = 0;
  /** Bytes of the prepared write that lie in the first page. */
  writeSplit = 0;

  constructor(
    readonly memory: PhysicalMemory,
    readonly ports: PortBus,
    readonly observer: ProcessorObserver | undefined,
    readonly model: ProcessorModel = MODELS[DEFAULT_MODEL],
  ) {
    this.tlb = new Tlb(memory.codeChanges);
    this.cs = new CodeSegment(memory.codeChanges);
    this.segments = [this.es, this.cs, this.ss, this.ds, this.fs, this.gs, this.tr, this.ldtr];
    this.reset();
  }

  get eflags(): number {
    return this.otherFlags | this.status.value;
  }

  set eflags(value: number) {
    this.status.value = value;
    this.systemFlags = value;
  }

  /** The bits of EFLAGS that are not status flags; quicker to read, since no status flag need be worked out. */
  get systemFlags(): number {
    return this.otherFlags;
  }

  set systemFlags(value: number) {
    this.otherFlags = value & ~STATUS;
    this.attention = true;
  }

  /** The current privilege level. */
  get cpl(): number {
    return this.level;
  }

  set cpl(level: number) {
    if (level === this.level) return;
    this.level = level;
    this.memory.codeChanges.count++;
  }

  /** The instruction just executed was a STI that set IF: no external interrupt at this boundary. */
  get interruptShadow(): boolean {
    return this.stiExecuted;
  }

  set interruptShadow(on: boolean) {
    this.stiExecuted = on;
    this.attention = true;
  }

  /** The instruction just executed loaded SS: no interrupt, NMI or single-step trap at this boundary. */
  get stackShadow(): boolean {
    return this.ssLoaded;
  }

  set stackShadow(on: boolean) {
    this.ssLoaded = on;
    this.attention = true;
  }

  /** Not 0 when something of chapter 28 must be looked for at each instruction: the enable bits of DR7, and `TASK_TRAP`. */
  get debugArmed(): number {
    return this.debugging;
  }

  set debugArmed(reasons: number) {
    this.debugging = reasons;
    this.attention = true;
  }

  /** Why the run ends here, once it does. */
  get stopped(): StopReason | undefined {
    return this.stopReason;
  }

  set stopped(reason: StopReason | undefined) {
    this.stopReason = reason;
    this.attention = true;
  }

  /** Everything that is not in `Registers`, as after reset. */
  reset(): void {
    this.dr.fill(0);
    this.dr[6] = DR6_FIXED;
    this.dr[7] = DR7_FIXED;
    this.tlb.clear();
    this.fpu.reset();
    this.debugArmed = 0;
    this.accessChecks = 0;
    this.debugHits = 0;
    this.executed = 0;
    this.outerExecuted = 0;
    this.timeStampOffset = 0n;
    this.pendingInterrupts = [];
    this.nmiPending = false;
    this.nmiBlocked = false;
    this.interruptShadow = false;
    this.stackShadow = false;
    this.stopped = undefined;
  }
}

/** A general register of 8, 16 or 32 bits; the 8-bit ones are AL, CL, DL, BL, AH, CH, DH, BH. */
export function readGeneral(cpu: Cpu, index: number, size: 1 | 2 | 4): number {
  if (size === 4) return cpu.general[index];
  if (size === 2) return cpu.general[index] & 0xffff;
  return (cpu.general[index & 3] >>> ((index & 4) << 1)) & 0xff;
}

/** Writes a general register; a narrow write keeps the other bits. */
export function writeGeneral(cpu: Cpu, index: number, value: number, size: 1 | 2 | 4): void {
  const general = cpu.general;
  if (size === 4) {
    general[index] = value;
  } else if (size === 2) {
    general[index] = (general[index] & 0xffff0000) | (value & 0xffff);
  } else {
    const shift = (index & 4) << 1;
    general[index & 3] = (general[index & 3] & ~(0xff << shift)) | ((value & 0xff) << shift);
  }
}
