// SPDX-License-Identifier: GPL-2.0-or-later

import { isMap } from '../../cases/case.js';
import { isRealMode, segmentOf, segmentOf8086, translate } from '../../expand/descriptors.js';
import { expectedProcessorState, type ProcessorState, processorStateOf } from '../../expand/frame.js';
import type { MemoryImage } from '../../expand/image.js';
import type { ExpandedCase } from '../../expand/request.js';
import { isProcessorGiven, type ProcessorRegisters, SEGMENT_REGISTERS } from '../../protocol.js';
import { machineCase, requireOpenBus, Unsupported } from '../bare-machine.js';
import {
  type Bytes,
  checkFlags,
  type End,
  isLoader,
  JUMP_BYTES,
  RETURNS_AT,
  returns,
  TRAMPOLINE_AT,
  trampoline,
} from './trampoline.js';

/** The memory of a PC that no BIOS keeps for itself. */
const CASE_MEMORY_BYTES = 0x8_0000;
const PAGE = 0x1000;
const HLT = 0xf4;
const VM = 0x20000;
/** Bits of `attributes` of a segment register. */
const READABLE = 0x02;
const WIDE = 0x4000;

/** A case as the monitor reads it; throws `Unsupported` with the reason when it cannot be run this way. */
export function recordOfCase(expanded: ExpandedCase): Buffer {
  const { request, expected } = expanded;
  const { registers, memorySize, memory, io } = machineCase(request, CASE_MEMORY_BYTES, 'time');
  if (request.given.model !== undefined) throw new Unsupported('a processor of a certain age');
  requireOpenBus(io);
  const [expectation, ...others] = expected;
  if (expectation === undefined || others.length > 0) throw new Unsupported('more than one step');
  if (!isProcessorGiven(request.given)) throw new Unsupported('a given that is not the state of a processor');
  if ((expectation.outcome ?? 'hlt') !== 'hlt') throw new Unsupported('an end that is not HLT at level 0');
  if (isMap(expectation.state) && expectation.state.io !== undefined) {
    throw new Unsupported('port accesses: a PC has devices');
  }
  const before = processorStateOf(request.given);
  const after = expectedProcessorState(before, expectation, {});
  checkState(before);
  const put = [...trampoline(registers, taskAccess(before)), ...returns(endsOf(before, after))];
  for (const piece of put) checkUntouched(piece, before, after);
  return encode(request.id, memorySize, [
    memory.map(({ at, hex }) => ({ at, bytes: Buffer.from(hex, 'hex') })),
    put,
  ]);
}

/** That instructions can load this state: every cached descriptor is that of its table. */
function checkState({ registers, memory }: ProcessorState): void {
  if (isRealMode(registers)) throw new Unsupported('a case that begins in real mode');
  if (registers.tr.selector === 0) throw new Unsupported('no task in TR');
  checkFlags(registers);
  const level = (registers.eflags & VM) !== 0 ? 3 : registers.cs.selector & 3;
  if (level > 0) checkOuterStack(registers);
  for (const name of SEGMENT_REGISTERS) {
    const given = registers[name];
    const virtual = (registers.eflags & VM) !== 0 && name !== 'tr' && name !== 'ldtr';
    const found = virtual
      ? segmentOf8086(given.selector, registers)
      : segmentOf(given.selector, registers, memory);
    const busy = name === 'tr' ? 0x02 : 0;
    const same =
      found.base === given.base &&
      found.limit === given.limit &&
      (found.attributes | busy) === given.attributes;
    const isNull = (given.selector & 0xfffc) === 0 && given.attributes === 0;
    if (!same && !isNull) throw new Unsupported(`a cached descriptor that is not that of its table`);
    const isData = !virtual && ['es', 'ds', 'fs', 'gs'].includes(name);
    const conforming = (given.attributes & 0x0c) === 0x0c;
    if (isData && !isNull && !conforming && ((given.attributes >>> 5) & 3) < level) {
      throw new Unsupported('a data segment of more privilege than the code has');
    }
  }
  const tables = [registers.gdtr.base, ...(registers.ldtr.attributes === 0 ? [] : [registers.ldtr.base])];
  for (const at of [...tables, TRAMPOLINE_AT, RETURNS_AT]) {
    if (!isInPlace(at, registers, memory)) {
      throw new Unsupported('page tables that do not map the loader and the descriptor tables in place');
    }
  }
}

/** IRET to a 16-bit stack loads only SP, and leaves the rest of the trampoline's own ESP. */
function checkOuterStack({ ss, esp }: ProcessorRegisters): void {
  if ((ss.attributes & WIDE) === 0 && esp >>> 16 !== TRAMPOLINE_AT >>> 16) {
    throw new Unsupported('an upper half of ESP that the trampoline cannot load');
  }
}

const PG = 0x8000_0000;
const ACCESSED = 0x20;

/** Whether an address is mapped where it is, and a use of it does not change the page tables. */
function isInPlace(at: number, registers: ProcessorRegisters, memory: MemoryImage): boolean {
  if ((registers.cr0 & PG) === 0) return true;
  if (translate(at, registers, memory) !== at) return false;
  const directory = memory.read32((registers.cr3 & ~0xfff) + 4 * (at >>> 22));
  const table = memory.read32((directory & ~0xfff) + 4 * ((at >>> 12) & 0x3ff));
  return (directory & table & ACCESSED) !== 0;
}

/** The access byte of TR's descriptor as it is in memory. */
function taskAccess({ registers, memory }: ProcessorState): number {
  return memory.read8(registers.gdtr.base + (registers.tr.selector & ~7) + 5);
}

/** Every HLT that a jump can take the place of: those of the handlers, and the one that the case must end with. */
function endsOf(before: ProcessorState, after: ProcessorState): End[] {
  const { registers } = after;
  const { cs } = registers;
  const eip = registers.eip - 1;
  const physical = translate((cs.base + eip) >>> 0, registers, after.memory);
  if (
    cs.base !== 0 ||
    (cs.attributes & (WIDE | READABLE)) !== (WIDE | READABLE) ||
    eip > 0xffff - JUMP_BYTES ||
    eip + JUMP_BYTES - 1 > cs.limit ||
    physical === undefined ||
    !isInPlace(TRAMPOLINE_AT, registers, after.memory) ||
    !isInPlace(RETURNS_AT, registers, after.memory)
  ) {
    throw new Unsupported('an end from which there is no way back to the loader');
  }
  const ends = handlersOf(before);
  const beyond = [...ends].some(
    ({ physical: at }) => Math.abs(at - physical) < JUMP_BYTES && at !== physical,
  );
  if (beyond || !isHalt(physical, before.memory)) {
    throw new Unsupported('no room for a jump in the place of the last HLT');
  }
  return ends.some((end) => end.physical === physical) ? ends : [...ends, { eip, physical }];
}

/** Handlers of level 0 that are nothing but HLT; at another level it would fault, and not end the case. */
function handlersOf({ registers, memory }: ProcessorState): End[] {
  const ends = new Map<number, End>();
  for (let gate = 0; gate + 7 <= registers.idtr.limit && gate < 8 * 64; gate += 8) {
    const at = translate(registers.idtr.base + gate, registers, memory);
    if (at === undefined || !isLevel0Code(memory.read32(at) >>> 16, registers, memory)) continue;
    const eip = ((memory.read32(at) & 0xffff) | (memory.read32(at + 4) & 0xffff0000)) >>> 0;
    const physical = translate(eip, registers, memory);
    if (eip > 0xffff - JUMP_BYTES || physical === undefined || !isHalt(physical, memory)) continue;
    ends.set(physical, { eip, physical });
  }
  const sorted = [...ends.values()].sort((a, b) => a.physical - b.physical);
  return sorted.filter((end, index) => end.physical - (sorted[index - 1]?.physical ?? -PAGE) >= JUMP_BYTES);
}

/** DPL, S, and of the type the bits for code and for conforming code. */
const KIND = 0x7c;
const CODE_OF_LEVEL_0 = 0x18;
const TI = 4;

/** The selector leads to code of the GDT that runs at level 0, whoever calls it. */
function isLevel0Code(selector: number, registers: ProcessorRegisters, memory: MemoryImage): boolean {
  const at = translate((registers.gdtr.base + (selector & ~7) + 4) >>> 0, registers, memory);
  if (at === undefined || (selector & TI) !== 0) return false;
  return ((memory.read32(at) >>> 8) & KIND) === CODE_OF_LEVEL_0;
}

/** HLT and room behind it. */
function isHalt(at: number, memory: MemoryImage): boolean {
  if (memory.read8(at) !== HLT) return false;
  return [1, 2, 3].every((next) => [HLT, 0].includes(memory.read8(at + next)));
}

/** That the case neither has nor changes what is put over its memory, as far as it says. */
function checkUntouched({ at, bytes }: Bytes, before: ProcessorState, after: ProcessorState): void {
  const isOwnRoom = isLoader(at);
  for (let i = 0; i < bytes.length; i++) {
    const value = before.memory.read8(at + i);
    if (after.memory.read8(at + i) !== value || (isOwnRoom && value !== 0)) {
      throw new Unsupported('memory that the loader needs');
    }
  }
}

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};

function encodeRuns(runs: readonly Bytes[]): Buffer {
  return Buffer.concat([
    word(runs.length),
    ...runs.flatMap(({ at, bytes }) => [word(at), word(bytes.length), padded(bytes)]),
  ]);
}

function encode(id: string, memorySize: number, layers: readonly (readonly Bytes[])[]): Buffer {
  const name = Buffer.from(id);
  const body = Buffer.concat([
    word(name.length),
    padded(name),
    word(memorySize),
    ...layers.map(encodeRuns),
    word(TRAMPOLINE_AT),
  ]);
  return Buffer.concat([word(body.length), body]);
}
