// SPDX-License-Identifier: GPL-2.0-or-later

/** The processor as the rest of the project sees it: the run loop around the instructions. */

import { Cpu, CR0, DR6_SINGLE_STEP, EAX, EBP, EBX, ECX, EDI, EDX, ESI, ESP, type Segment } from './cpu.js';
import { decode } from './decode.js';
import { Fault, Vector } from './exceptions.js';
import { AC, ALL_FLAGS, FIXED_ONE, IF, RF, TF, VM } from './flags.js';
import type { Instruction } from './instruction.js';
import {
  type InstructionCounter,
  NotModelled,
  type PortBus,
  type Processor,
  type ProcessorObserver,
  type Registers,
  type RunLimits,
  type ScheduledEvent,
  type SegmentRegister,
  type Stop,
} from './interface.js';
import { deliverExternal, deliverFault, deliverTrap } from './interrupts.js';
import type { PhysicalMemory } from './memory.js';
import { translateRead } from './paging.js';

/** Ports at which nothing answers. */
const NO_PORTS: PortBus = {
  read: (_port, size) => (size === 4 ? 0xffffffff : size === 2 ? 0xffff : 0xff),
  write: () => {},
};

/** @param ports absent: reads give all ones, writes vanish */
export function createProcessor(
  memory: PhysicalMemory,
  ports: PortBus = NO_PORTS,
  observer?: ProcessorObserver,
): Processor {
  return new I386(memory, ports, observer);
}

/** Decoded instructions are kept by physical address; must be a power of two. */
const DECODE_CACHE_SIZE = 1 << 14;

class I386 implements Processor {
  readonly memory: PhysicalMemory;
  private readonly cpu: Cpu;
  private readonly decoded: (Instruction | undefined)[] = new Array(DECODE_CACHE_SIZE).fill(undefined);

  /** The instruction being executed, for messages. */
  private current: Instruction | undefined;

  constructor(memory: PhysicalMemory, ports: PortBus, observer: ProcessorObserver | undefined) {
    this.memory = memory;
    this.cpu = new Cpu(memory, ports, observer);
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
  }

  requestNmi(): void {
    this.cpu.nmiPending = true;
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
    cpu.cpl = registers.cs.selector & 3;
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
    checkModes(cpu);
    for (let begun = 0; ; begun++) {
      if (schedule.due()) schedule.request(this);
      if (begun >= limits.instructions || cpu.outerExecuted >= outerLimit) return 'limit';
      this.takeEvents();
      if (cpu.stopped === undefined) this.step();
      if (cpu.stopped !== undefined) return cpu.stopped;
    }
  }

  /** At an instruction boundary: an NMI goes before an external interrupt (GATE-27 to GATE-29). */
  private takeEvents(): void {
    const { cpu } = this;
    const { stackShadow, interruptShadow } = cpu;
    cpu.stackShadow = false;
    cpu.interruptShadow = false;
    if (stackShadow) return; // GATE-28
    if (cpu.nmiPending && !cpu.nmiBlocked) {
      cpu.nmiPending = false;
      cpu.nmiBlocked = true;
      this.deliverExternal(Vector.nmi);
    } else if (cpu.pendingInterrupts.length > 0 && (cpu.eflags & IF) !== 0 && !interruptShadow) {
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

  /** One instruction, or one round of a repeated one, or the delivery of its fault, before which all is put back (EX-23). */
  private step(): void {
    const { cpu } = this;
    const stackPointer = cpu.general[ESP];
    const singleStep = (cpu.eflags & TF) !== 0;
    const outer = cpu.cpl > 0;
    if (singleStep) cpu.handlerEntered = false;
    this.current = undefined;
    try {
      const instruction = this.fetch();
      this.current = instruction;
      if (cpu.observer !== undefined) this.observe(instruction);
      if ((cpu.eflags & (RF | AC)) !== 0) this.beginWithRareFlags();
      cpu.nextEip = (cpu.eip + instruction.length) >>> 0;
      instruction.execute(cpu, instruction);
    } catch (problem) {
      cpu.general[ESP] = stackPointer;
      cpu.repeating = false;
      if (!(problem instanceof Fault)) throw problem;
      cpu.nextEip = cpu.eip;
      deliverFault(cpu, problem);
      cpu.eip = cpu.nextEip;
      return;
    }
    cpu.eip = cpu.nextEip;
    if (cpu.repeating) {
      cpu.repeating = false;
    } else {
      cpu.executed++;
      if (outer) cpu.outerExecuted++;
    }
    if (singleStep) this.singleStepTrap();
  }

  /** EX-24. None after a load of SS, after an INT (whose handler runs without TF), and after a HLT that ended the run. */
  private singleStepTrap(): void {
    const { cpu } = this;
    if (cpu.stackShadow || cpu.handlerEntered || cpu.stopped !== undefined) return;
    cpu.dr[6] = cpu.dr[6] | DR6_SINGLE_STEP;
    deliverTrap(cpu, Vector.debug, cpu.eip);
    cpu.eip = cpu.nextEip;
  }

  /** RF lasts for one instruction. */
  private beginWithRareFlags(): void {
    const { cpu } = this;
    const checksAlignment = (cpu.eflags & AC) !== 0 && (cpu.cr0 & CR0.AM) !== 0 && cpu.cpl === 3;
    if (checksAlignment) throw new NotModelled('alignment checks');
    cpu.eflags &= ~RF;
  }

  /** The instruction at CS:EIP, from the cache when its bytes have not been written since. */
  private fetch(): Instruction {
    const { cpu, decoded, memory } = this;
    const linear = (cpu.cs.base + cpu.eip) >>> 0;
    if (cpu.eip > cpu.cs.limit) return decode(cpu);
    const physical = translateRead(cpu, linear, cpu.cpl === 3);
    const slot = physical & (DECODE_CACHE_SIZE - 1);
    const known = decoded[slot];
    if (
      known !== undefined &&
      known.physical === physical &&
      known.version === memory.version(physical >>> 12) &&
      known.code32 === cpu.cs.big &&
      cpu.eip + known.length - 1 <= cpu.cs.limit
    ) {
      return known;
    }
    const instruction = decode(cpu);
    if ((physical & 0xfff) + instruction.length <= 0x1000) {
      instruction.physical = physical;
      instruction.version = memory.watch(physical >>> 12);
      decoded[slot] = instruction;
    }
    return instruction;
  }

  private observe(instruction: Instruction): void {
    const { cpu } = this;
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

/** The external events of a run that have not been requested yet, by the counter they wait for. */
class Schedule {
  private readonly waiting: Record<InstructionCounter, ScheduledEvent[]>;
  private nextAll: number;
  private nextOuter: number;

  constructor(
    private readonly cpu: Cpu,
    events: readonly ScheduledEvent[],
  ) {
    const start = { all: cpu.executed, outer: cpu.outerExecuted };
    const inOrder = events
      .map((event) => ({ ...event, after: event.after + start[event.counter] }))
      .sort((a, b) => a.after - b.after);
    this.waiting = {
      all: inOrder.filter((event) => event.counter === 'all'),
      outer: inOrder.filter((event) => event.counter === 'outer'),
    };
    this.nextAll = this.waiting.all[0]?.after ?? Number.POSITIVE_INFINITY;
    this.nextOuter = this.waiting.outer[0]?.after ?? Number.POSITIVE_INFINITY;
  }

  due(): boolean {
    return (
      this.cpu.executed >= this.nextAll || (this.cpu.cpl > 0 && this.cpu.outerExecuted >= this.nextOuter)
    );
  }

  /** Requests all events that are due. */
  request(processor: Processor): void {
    this.nextAll = requestDue(this.waiting.all, this.cpu.executed, processor);
    if (this.cpu.cpl > 0) this.nextOuter = requestDue(this.waiting.outer, this.cpu.outerExecuted, processor);
  }
}

/** Returns when the next event is due. */
function requestDue(waiting: ScheduledEvent[], now: number, processor: Processor): number {
  for (let event = waiting[0]; event !== undefined && event.after <= now; event = waiting[0]) {
    if ('vector' in event) processor.requestInterrupt(event.vector);
    else processor.requestNmi();
    waiting.shift();
  }
  return waiting[0]?.after ?? Number.POSITIVE_INFINITY;
}

/** A run starts in protected mode; the other modes are not modelled. */
function checkModes(cpu: Cpu): void {
  if ((cpu.cr0 & CR0.PE) === 0) throw new NotModelled('real mode');
  if ((cpu.eflags & VM) !== 0) throw new NotModelled('virtual-8086 mode');
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
