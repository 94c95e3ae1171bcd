// SPDX-License-Identifier: GPL-2.0-or-later

/** The processor as the rest of the project sees it: the run loop around the instructions. */

import { Cpu, DR6, EAX, EBP, EBX, ECX, EDI, EDX, ESI, ESP, type Segment } from './cpu.js';
import { DEFAULT_MODEL, MODELS, type ModelName } from './cpuid.js';
import { accessChecksOf, instructionBreakpoints, reportInDr6, takeTaskTrap } from './debugging.js';
import { decode } from './decode.js';
import { debugException, Fault, generalProtection, Vector } from './exceptions.js';
import { AC, ALL_FLAGS, FIXED_ONE, IF, RF, TF, VIP } from './flags.js';
import { Instruction } from './instruction.js';
import {
  NotModelled,
  type PortBus,
  type Processor,
  type ProcessorObserver,
  type Registers,
  type RunLimits,
  type SegmentRegister,
  type Stop,
} from './interface.js';
import { deliverExternal, deliverFault, deliverTrap } from './interrupts.js';
import { PAGE_SIZE, type PhysicalMemory } from './memory.js';
import { enterModeOfPe, levelOf } from './modes.js';
import { translateRead } from './paging.js';
import { Schedule } from './schedule.js';
import { virtualInterruptWaits } from './virtual-8086.js';

/** Ports at which nothing answers. */
const NO_PORTS: PortBus = {
  read: (_port, size) => (size === 4 ? 0xffffffff : size === 2 ? 0xffff : 0xff),
  write: () => {},
};

/**
 * @param ports absent: reads give all ones, writes vanish
 * @param model which processor it is: chapter 05, SYS-27
 */
export function createProcessor(
  memory: PhysicalMemory,
  ports: PortBus = NO_PORTS,
  observer?: ProcessorObserver,
  model: ModelName = DEFAULT_MODEL,
): Processor {
  return new I386(memory, ports, observer, model);
}

/** Decoded instructions are kept by linear address; must be a power of two. */
const DECODE_CACHE_SIZE = 1 << 14;

/** Flags that make an instruction one to be watched. */
const WATCHED_FLAGS = TF | RF | AC | VIP;

/** How the execution of an instruction ended; `repeating`: a repeated one has more rounds to go. */
type Completion = 'completed' | 'repeating' | 'faulted';

class I386 implements Processor {
  readonly memory: PhysicalMemory;
  private readonly cpu: Cpu;
  private readonly decoded: Instruction[] = new Array(DECODE_CACHE_SIZE).fill(new Instruction());
  private completion: Completion = 'completed';

  /** The instruction being executed; undefined between two, and while the bytes of one are fetched. */
  private current: Instruction | undefined;

  constructor(
    memory: PhysicalMemory,
    ports: PortBus,
    observer: ProcessorObserver | undefined,
    model: ModelName,
  ) {
    this.memory = memory;
    this.cpu = new Cpu(memory, ports, observer, MODELS[model]);
  }

  get instructionsExecuted(): number {
    return this.cpu.executed;
  }

  get outerInstructionsExecuted(): number {
    return this.cpu.outerExecuted;
  }

  reset(): void {
    this.cpu.reset();
  }

  requestInterrupt(vector: number): void {
    this.cpu.pendingInterrupts.push(vector & 0xff);
    this.cpu.attention = true;
  }

  requestNmi(): void {
    this.cpu.nmiPending = true;
    this.cpu.attention = true;
  }

  registers(): Registers {
    const { cpu } = this;
    const general = (index: number) => cpu.general[index];
    return {
      eax: general(EAX),
      ecx: general(ECX),
      edx: general(EDX),
      ebx: general(EBX),
      esp: general(ESP),
      ebp: general(EBP),
      esi: general(ESI),
      edi: general(EDI),
      eip: cpu.eip,
      eflags: cpu.eflags >>> 0,
      cr0: cpu.cr0,
      cr2: cpu.cr2,
      cr3: cpu.cr3,
      cr4: cpu.cr4,
      es: copyOf(cpu.es),
      cs: copyOf(cpu.cs),
      ss: copyOf(cpu.ss),
      ds: copyOf(cpu.ds),
      fs: copyOf(cpu.fs),
      gs: copyOf(cpu.gs),
      tr: copyOf(cpu.tr),
      ldtr: copyOf(cpu.ldtr),
      gdtr: { ...cpu.gdtr },
      idtr: { ...cpu.idtr },
      sysenter_cs: cpu.sysenter_cs,
      sysenter_esp: cpu.sysenter_esp,
      sysenter_eip: cpu.sysenter_eip,
    };
  }

  setRegisters(registers: Registers): void {
    const { cpu } = this;
    const { eax, ecx, edx, ebx, esp, ebp, esi, edi } = registers;
    cpu.general.set([eax, ecx, edx, ebx, esp, ebp, esi, edi]);
    cpu.eip = registers.eip;
    cpu.eflags = (registers.eflags & ALL_FLAGS) | FIXED_ONE;
    cpu.cr0 = registers.cr0;
    cpu.cr2 = registers.cr2;
    cpu.cr3 = registers.cr3;
    cpu.cr4 = registers.cr4;
    load(cpu.es, registers.es);
    load(cpu.cs, registers.cs);
    load(cpu.ss, registers.ss);
    load(cpu.ds, registers.ds);
    load(cpu.fs, registers.fs);
    load(cpu.gs, registers.gs);
    load(cpu.tr, registers.tr);
    load(cpu.ldtr, registers.ldtr);
    Object.assign(cpu.gdtr, registers.gdtr);
    Object.assign(cpu.idtr, registers.idtr);
    cpu.sysenter_cs = registers.sysenter_cs;
    cpu.sysenter_esp = registers.sysenter_esp;
    cpu.sysenter_eip = registers.sysenter_eip;
    cpu.cpl = levelOf(cpu);
    enterModeOfPe(cpu);
    this.memory.codeChanges.count++;
    cpu.stopped = undefined;
  }

  run(limits: RunLimits): Stop {
    try {
      return this.runUntilStopped(limits);
    } catch (problem) {
      throw explain(this.cpu, this.current, problem);
    }
  }

  private runUntilStopped(limits: RunLimits): Stop {
    const { cpu } = this;
    const outerLimit = cpu.outerExecuted + (limits.outerInstructions ?? Number.POSITIVE_INFINITY);
    const schedule = new Schedule(cpu, limits.events ?? []);
    cpu.stopped = undefined;
    this.current = undefined;
    for (let begun = 0; ; ) {
      if (schedule.due()) schedule.request(this);
      const left = limits.instructions - begun;
      const outerLeft = outerLimit - cpu.outerExecuted;
      if (left <= 0 || outerLeft <= 0) return 'limit';
      const shadowed = this.takeEvents();
      if (cpu.stopped === undefined) {
        const watched = ((cpu.systemFlags & WATCHED_FLAGS) | cpu.debugArmed) !== 0;
        if (watched) this.executeWatched();
        begun += watched ? 1 : this.execute(shadowed ? 1 : Math.min(left, outerLeft, schedule.distance()));
      }
      if (cpu.stopped !== undefined) return cpu.stopped;
    }
  }

  /**
   * At an instruction boundary: an NMI goes before an external interrupt (GATE-27 to GATE-29). Returns whether the next boundary
   * must be looked at again, because something may have been held back at this one.
   */
  private takeEvents(): boolean {
    const { cpu } = this;
    const { stackShadow, interruptShadow } = cpu;
    cpu.stackShadow = false;
    cpu.interruptShadow = false;
    cpu.debugInhibited = stackShadow;
    if (stackShadow) return true; // GATE-28
    if (cpu.nmiPending && !cpu.nmiBlocked) {
      cpu.nmiPending = false;
      cpu.nmiBlocked = true;
      this.deliverExternal(Vector.nmi);
    }
    if (!interruptShadow) this.takeInterrupts();
    return interruptShadow;
  }

  /** One that is let in by the handler of another goes before the first instruction of that handler. */
  private takeInterrupts(): void {
    const { cpu } = this;
    while (cpu.pendingInterrupts.length > 0 && (cpu.systemFlags & IF) !== 0) {
      this.deliverExternal(cpu.pendingInterrupts[0]);
      cpu.pendingInterrupts.shift();
    }
  }

  private deliverExternal(vector: number): void {
    const { cpu } = this;
    this.current = undefined;
    cpu.nextEip = cpu.eip;
    deliverExternal(cpu, vector);
    cpu.eip = cpu.nextEip;
  }

  /**
   * Executes instructions until the run loop must look at something between two of them. A faulting instruction is the last
   * one; before its fault is delivered all is put back (EX-23).
   * @param most how many may be begun; each round of a repeated one counts
   * @returns how many were begun, also one whose bytes could not be fetched; `completion` tells how the last one ended
   */
  private execute(most: number): number {
    const { cpu, decoded } = this;
    const { cs, general, observer } = cpu;
    const changes = this.memory.codeChanges;
    let begun = 0;
    cpu.attention = false;
    try {
      do {
        cpu.stackPointerBefore = general[ESP];
        const linear = (cs.base + cpu.eip) | 0;
        let instruction = decoded[linear & (DECODE_CACHE_SIZE - 1)];
        if (instruction.linear !== linear || instruction.goodAt !== changes.count) {
          instruction = this.fetch(linear);
        }
        this.current = instruction;
        if (observer !== undefined) this.observe(instruction);
        const outer = cpu.cpl > 0;
        do {
          begun++;
          cpu.repeating = false;
          cpu.nextEip = (cpu.eip + instruction.length) >>> 0;
          instruction.execute(cpu, instruction);
        } while (cpu.repeating && begun < most && instruction.goodAt === changes.count);
        cpu.eip = cpu.nextEip;
        if (!cpu.repeating) {
          cpu.executed++;
          if (outer) cpu.outerExecuted++;
        }
      } while (begun < most && !cpu.attention);
      this.completion = cpu.repeating ? 'repeating' : 'completed';
    } catch (problem) {
      this.completion = 'faulted';
      if (!(problem instanceof Fault)) throw problem;
      if (this.current === undefined) begun++; // its bytes could not be fetched (EX-2)
      if (!problem.inNewTask) general[ESP] = cpu.stackPointerBefore;
      this.deliverFault(problem);
    }
    return begun;
  }

  private deliverFault(fault: Fault): void {
    const { cpu } = this;
    cpu.nextEip = cpu.eip;
    deliverFault(cpu, fault);
    cpu.eip = cpu.nextEip;
  }

  /** The same while something of chapter 28 is watched for, or RF, which lasts for one instruction, is set. */
  private executeWatched(): void {
    const { cpu } = this;
    this.current = undefined;
    if (takeTaskTrap(cpu)) {
      this.debugTrap(DR6.taskSwitch);
      return;
    }
    if (virtualInterruptWaits(cpu)) {
      this.deliverFault(generalProtection(0)); // MODE-20
      return;
    }
    const resumed = cpu.systemFlags & RF;
    const breakpoints = resumed !== 0 || cpu.debugInhibited ? 0 : instructionBreakpoints(cpu); // DBG-9, DBG-11
    if (breakpoints !== 0) {
      reportInDr6(cpu, breakpoints);
      this.deliverFault(debugException());
      return;
    }

    const singleStep = (cpu.systemFlags & TF) !== 0;
    cpu.handlerEntered = false;
    cpu.accessChecks = accessChecksOf(cpu);
    cpu.systemFlags &= ~RF;
    this.execute(1);
    cpu.accessChecks = 0;
    if (this.completion === 'repeating') cpu.systemFlags |= resumed; // DBG-9
    if (this.completion === 'faulted') cpu.debugHits = 0;
    else this.afterWatched(singleStep);
  }

  /** The traps that follow an instruction: breakpoints on its accesses (DBG-7), single step (EX-24, EX-43). */
  private afterWatched(singleStep: boolean): void {
    const { cpu } = this;
    if (cpu.stackShadow) return; // DBG-11
    // A handler begins without TF, and a HLT ends the run.
    const steps = singleStep && !cpu.handlerEntered && cpu.stopped === undefined;
    const reasons = cpu.debugHits | (steps ? DR6.singleStep : 0);
    cpu.debugHits = 0;
    if (reasons !== 0) this.debugTrap(reasons);
  }

  private debugTrap(reasons: number): void {
    const { cpu } = this;
    reportInDr6(cpu, reasons);
    deliverTrap(cpu, Vector.debug, cpu.eip);
    cpu.eip = cpu.nextEip;
  }

  /**
   * The instruction at CS:EIP, when the cache does not have it or something has changed since. It is still the same when
   * its bytes are. One that crosses a page is decoded each time.
   */
  private fetch(linear: number): Instruction {
    const { cpu, decoded, memory } = this;
    this.current = undefined;
    if (cpu.eip > cpu.cs.limit) return decode(cpu);
    const physical = translateRead(cpu, linear >>> 0, cpu.cpl === 3);
    const slot = linear & (DECODE_CACHE_SIZE - 1);
    let instruction = decoded[slot];
    const isSame =
      instruction.linear === linear &&
      instruction.physical === physical &&
      instruction.code32 === cpu.cs.big &&
      cpu.eip + instruction.length - 1 <= cpu.cs.limit &&
      this.isInMemory(instruction);
    if (!isSame) {
      instruction = decode(cpu);
      if ((physical & 0xfff) + instruction.length > PAGE_SIZE) return instruction;
      instruction.linear = linear;
      instruction.physical = physical;
      memory.watch(physical, instruction.length);
      decoded[slot] = instruction;
    }
    instruction.goodAt = memory.codeChanges.count;
    return instruction;
  }

  private isInMemory({ physical, bytes }: Instruction): boolean {
    return bytes.every((byte, i) => byte === this.memory.read8(physical + i));
  }

  private observe(instruction: Instruction): void {
    const { cpu } = this;
    cpu.observer?.boundary?.(cpu.cpl, (cpu.cs.base + cpu.eip) >>> 0, cpu.eflags, cpu.cr3);
    cpu.observer?.instruction?.(
      {
        mnemonic: instruction.mnemonic,
        bytes: instruction.bytes,
        cs: cpu.cs.selector,
        eip: cpu.eip,
        linear: (cpu.cs.base + cpu.eip) >>> 0,
        cpl: cpu.cpl,
      },
      () => this.registers(),
    );
  }
}

/** Says where the model ended. */
function explain(cpu: Cpu, instruction: Instruction | undefined, problem: unknown): unknown {
  if (!(problem instanceof NotModelled)) return problem;
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
  const bytes =
    instruction === undefined ? '' : `${instruction.bytes.map((byte) => hex(byte, 2)).join(' ')} `;
  const where = `${hex(cpu.cs.selector, 4)}:${hex(cpu.eip, 8)}`;
  return new NotModelled(`${problem.what} (${bytes}at ${where})`);
}

function copyOf({ selector, base, limit, attributes }: Segment): SegmentRegister {
  return { selector, base, limit, attributes };
}

function load(segment: Segment, { selector, base, limit, attributes }: SegmentRegister): void {
  segment.set(selector, base, limit, attributes);
}
