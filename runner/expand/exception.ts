// SPDX-License-Identifier: GPL-2.0-or-later

import type { ExceptionSpec } from '../cases/case.js';
import { CaseError } from '../cases/problem.js';
import type { ProcessorRegisters, SegmentRegister } from '../protocol.js';
import {
  ACCESSED,
  descriptorAddress,
  isBeyondTable,
  isRealMode,
  isVirtual8086Mode,
  NULL_SEGMENT,
  readLinear32,
  segmentOf,
  type Tables,
  writeLinear8,
} from './descriptors.js';
import type { MemoryImage } from './image.js';

export const EXCEPTION_NAMES: readonly string[] = [
  '#DE',
  '#DB',
  'NMI',
  '#BP',
  '#OF',
  '#BR',
  '#UD',
  '#NM',
  '#DF',
  'vector 9',
  '#TS',
  '#NP',
  '#SS',
  '#GP',
  '#PF',
  'vector 15',
  '#MF',
  '#AC',
  '#MC',
  '#XM',
];

/** Exceptions whose pushed flags have RF set: those that are faults, so that the instruction is tried again. */
const FAULTS = new Set([0, 5, 6, 7, 10, 11, 12, 13, 14, 16, 17, 19]);

const TF = 0x100;
const IF = 0x200;
const NT = 0x4000;
export const RF = 0x10000;
const VM = 0x20000;
const AC = 0x40000;

/** Gate types, as in the low bits of the gate's access byte. */
const INTERRUPT_GATE = 0x0e;
const TRAP_GATE = 0x0f;

const CONFORMING_CODE = 0x1c;
const PRESENT = 0x80;
const BIG_STACK = 0x4000;

/** The machine after a handler's HLT, and where the frame's image of EFLAGS stands (physical addresses of its bytes). */
export interface Delivered {
  registers: ProcessorRegisters;
  memory: MemoryImage;
  flagsImage: number[];
}

/** How an implementation uses the freedoms that the derivation meets; see spec/choices.md. */
export interface DeliveryChoices {
  /** `unchanged`: the upper half of the stack slot of a selector keeps its old bytes. */
  frameSelector: 'zero_extended' | 'unchanged';
}

export function vectorOf(spec: ExceptionSpec): number {
  if (typeof spec.vector === 'number') return spec.vector;
  const vector = EXCEPTION_NAMES.indexOf(spec.vector);
  if (vector < 0) throw new CaseError(`there is no exception "${spec.vector}"`);
  return vector;
}

/**
 * The state in which an exception has been delivered and the HLT of its handler executed (clauses GATE), derived from
 * the registers at the fault and the memory before it. `atFault.eip` and `atFault.eflags` are the values to be pushed
 * unless the case names others.
 */
export function deliver(
  spec: ExceptionSpec,
  atFault: ProcessorRegisters,
  before: MemoryImage,
  choices: DeliveryChoices,
): Delivered {
  if (isRealMode(atFault)) return deliverInRealMode(spec, atFault, before, choices);
  const vector = vectorOf(spec);
  const memory = before.copy();
  const gate = readGate(vector, atFault, memory);
  const handlerCode = loadable(gate.selector, atFault, memory);
  const conforming = (handlerCode.attributes & CONFORMING_CODE) === CONFORMING_CODE;
  const virtual8086 = isVirtual8086Mode(atFault);
  const oldLevel = virtual8086 ? 3 : atFault.cs.selector & 3;
  const newLevel = conforming ? oldLevel : (handlerCode.attributes >> 5) & 3;
  if (newLevel !== 0) {
    throw new CaseError(
      `the handler of vector ${vector} runs at privilege level ${newLevel}: its HLT does not end the run`,
    );
  }

  const stack =
    newLevel < oldLevel ? innerStack(newLevel, atFault, memory) : { ss: atFault.ss, esp: atFault.esp };
  const frame = new Frame(stack.ss, stack.esp, atFault, memory, choices);
  if (virtual8086) {
    for (const { selector } of [atFault.gs, atFault.fs, atFault.ds, atFault.es]) frame.pushSelector(selector);
  }
  if (newLevel < oldLevel) {
    frame.pushSelector(atFault.ss.selector);
    frame.push(atFault.esp);
  }
  const flagsImage = frame.push(spec.eflags ?? pushedFlags(vector, atFault.eflags));
  frame.pushSelector(atFault.cs.selector);
  frame.push(spec.eip ?? atFault.eip);
  if (spec.error_code !== undefined) frame.push(spec.error_code);

  const cleared = TF | NT | RF | VM | (gate.type === INTERRUPT_GATE ? IF : 0);
  const data = virtual8086 ? { ds: NULL_SEGMENT, es: NULL_SEGMENT, fs: NULL_SEGMENT, gs: NULL_SEGMENT } : {};
  const registers: ProcessorRegisters = {
    ...atFault,
    ...data,
    esp: frame.esp,
    ss: stack.ss,
    cs: {
      ...handlerCode,
      selector: (gate.selector & ~3) | newLevel,
      attributes: handlerCode.attributes | ACCESSED,
    },
    eip: (gate.offset + 1) >>> 0,
    eflags: (atFault.eflags & ~cleared) >>> 0,
    cr2: spec.cr2 ?? atFault.cr2,
  };
  markAccessed(gate.selector, atFault, memory);
  if (newLevel < oldLevel) markAccessed(stack.ss.selector, atFault, memory);
  return { registers, memory, flagsImage };
}

/** Real mode: FLAGS, CS and IP are pushed, 16 bits each, and the vector table says where the handler is (MODE-6, MODE-7). */
function deliverInRealMode(
  spec: ExceptionSpec,
  atFault: ProcessorRegisters,
  before: MemoryImage,
  choices: DeliveryChoices,
): Delivered {
  const vector = vectorOf(spec);
  if (spec.error_code !== undefined) throw new CaseError('real mode pushes no error code');
  const memory = before.copy();
  const entry = readLinear32(atFault.idtr.base + 4 * vector, atFault, memory);
  const selector = entry >>> 16;
  const frame = new Frame(atFault.ss, atFault.esp, atFault, memory, choices, 2);
  const flagsImage = frame.push(spec.eflags ?? pushedFlags(vector, atFault.eflags));
  frame.push(atFault.cs.selector);
  frame.push(spec.eip ?? atFault.eip);
  const registers: ProcessorRegisters = {
    ...atFault,
    esp: frame.esp,
    cs: { ...atFault.cs, selector, base: selector << 4 },
    eip: ((entry & 0xffff) + 1) >>> 0,
    eflags: (atFault.eflags & ~(TF | IF | RF | AC)) >>> 0,
  };
  return { registers, memory, flagsImage };
}

function pushedFlags(vector: number, eflags: number): number {
  return FAULTS.has(vector) ? (eflags | RF) >>> 0 : eflags;
}

interface Gate {
  selector: number;
  offset: number;
  type: number;
}

function readGate(vector: number, registers: ProcessorRegisters, memory: MemoryImage): Gate {
  if (8 * vector + 7 > registers.idtr.limit)
    throw new CaseError(`vector ${vector} lies beyond the given IDT`);
  const low = readLinear32(registers.idtr.base + 8 * vector, registers, memory);
  const high = readLinear32(registers.idtr.base + 8 * vector + 4, registers, memory);
  const type = (high >>> 8) & 0x1f;
  if ((high & 0x8000) === 0 || (type !== INTERRUPT_GATE && type !== TRAP_GATE)) {
    throw new CaseError(`the gate of vector ${vector} is not a present 32-bit interrupt or trap gate`);
  }
  return { selector: low >>> 16, offset: ((high & 0xffff0000) | (low & 0xffff)) >>> 0, type };
}

/** SS and ESP for an inner level, from the given TSS. */
function innerStack(
  level: number,
  registers: ProcessorRegisters,
  memory: MemoryImage,
): { ss: SegmentRegister; esp: number } {
  const slot = registers.tr.base + 4 + 8 * level;
  const ss = loadable(readLinear32(slot + 4, registers, memory) & 0xffff, registers, memory);
  return { ss: { ...ss, attributes: ss.attributes | ACCESSED }, esp: readLinear32(slot, registers, memory) };
}

/** A segment that the delivery loads: it must be within its table and present. */
function loadable(selector: number, tables: Tables, memory: MemoryImage): SegmentRegister {
  const segment = segmentOf(selector, tables, memory);
  const isPresent = (segment.attributes & PRESENT) !== 0;
  if ((selector & ~3) === 0 || isBeyondTable(selector, tables) || !isPresent) {
    throw new CaseError(
      `the delivery would load the selector 0x${selector.toString(16)}, which is not usable`,
    );
  }
  return segment;
}

function markAccessed(selector: number, tables: Tables, memory: MemoryImage): void {
  const address = descriptorAddress(selector, tables);
  const access = (readLinear32(address + 4, tables, memory) >>> 8) & 0xff;
  if ((access & ACCESSED) === 0) writeLinear8(address + 5, access | ACCESSED, tables, memory);
}

/** Pushes values of `size` bytes on a stack. */
class Frame {
  constructor(
    private readonly ss: SegmentRegister,
    public esp: number,
    private readonly tables: Tables,
    private readonly memory: MemoryImage,
    private readonly choices: DeliveryChoices,
    private readonly size: 2 | 4 = 4,
  ) {}

  /** Pushes a value, of which `bytes` are stored; the answer is the physical addresses of these. */
  push(value: number, bytes: number = this.size): number[] {
    const { size } = this;
    const big = (this.ss.attributes & BIG_STACK) !== 0;
    const below = this.esp - size;
    this.esp = big ? below >>> 0 : ((this.esp & 0xffff0000) | (below & 0xffff)) >>> 0;
    const linear = this.ss.base + (big ? this.esp : this.esp & 0xffff);
    const addresses: number[] = [];
    for (let i = 0; i < bytes; i++) {
      addresses.push(writeLinear8(linear + i, (value >>> (8 * i)) & 0xff, this.tables, this.memory));
    }
    return addresses;
  }

  pushSelector(selector: number): void {
    this.push(selector, this.choices.frameSelector === 'unchanged' ? 2 : 4);
  }
}
