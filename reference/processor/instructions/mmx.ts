// SPDX-License-Identifier: GPL-2.0-or-later

/** MMX: vectors of bytes, words and double words in the significands of the x87 registers, FP-50 to FP-57. */

import { type Cpu, CR0, readGeneral, writeGeneral } from '../cpu.js';
import { deviceNotAvailable, invalidOpcode } from '../exceptions.js';
import type { Execute, Instruction } from '../instruction.js';
import { longRead, longWrite, readLong32, writeLong32 } from '../long-operands.js';
import { reportPending } from './x87.js';

/** 64 bits, as two unsigned words. */
interface Quad {
  high: number;
  low: number;
}

/** FPU-8, then FP-9. */
export function requireMmx(cpu: Cpu): void {
  if ((cpu.cr0 & CR0.EM) !== 0) throw invalidOpcode();
  if ((cpu.cr0 & CR0.TS) !== 0) throw deviceNotAvailable();
  reportPending(cpu);
}

// --------------------------------------------------------------------------------------------------------- operands

const isRegister = ({ modrm }: Instruction) => modrm >= 0xc0;

/** The memory operand or register of ModRM.rm. Some read only the lower half of memory. */
function readSource(cpu: Cpu, instruction: Instruction, size: 4 | 8): Quad {
  if (isRegister(instruction)) return cpu.fpu.mmx(instruction.modrm & 7);
  if (size === 4) return { high: 0, low: readLong32(cpu, longRead(cpu, instruction, 4)) };
  const linear = longRead(cpu, instruction, 8);
  const low = readLong32(cpu, linear);
  return { high: readLong32(cpu, linear, 4), low };
}

/** The register of ModRM.reg. */
const readDestination = (cpu: Cpu, { reg }: Instruction): Quad => cpu.fpu.mmx(reg);

function writeDestination(cpu: Cpu, { reg }: Instruction, { high, low }: Quad): void {
  cpu.fpu.setMmx(reg, high >>> 0, low >>> 0);
}

/** Operation of two vectors: FP-51 to FP-57. */
function vector(operation: (destination: Quad, source: Quad) => Quad, size: 4 | 8 = 8): Execute {
  return (cpu, instruction) => {
    requireMmx(cpu);
    const source = readSource(cpu, instruction, size);
    const result = operation(readDestination(cpu, instruction), source);
    cpu.fpu.enterMmx();
    writeDestination(cpu, instruction, result);
  };
}

/** The same for both halves. */
const halves = (operation: (destination: number, source: number) => number) =>
  vector((destination, source) => ({
    high: operation(destination.high, source.high),
    low: operation(destination.low, source.low),
  }));

/** For each byte, word or double word on its own; the items are unsigned, the result is cut to size. */
function lanes(bits: 8 | 16 | 32, operation: (destination: number, source: number) => number): Execute {
  const mask = 2 ** bits - 1;
  return halves((destination, source) => {
    let result = 0;
    for (let shift = 0; shift < 32; shift += bits) {
      const item = operation((destination >>> shift) & mask, (source >>> shift) & mask);
      result |= (item & mask) << shift;
    }
    return result;
  });
}

const signedItem = (value: number, bits: number) => (value << (32 - bits)) >> (32 - bits);

/** The same with signed items. */
const signedLanes = (bits: 8 | 16 | 32, operation: (destination: number, source: number) => number) =>
  lanes(bits, (destination, source) => operation(signedItem(destination, bits), signedItem(source, bits)));

const clamp = (value: number, least: number, greatest: number) => Math.min(Math.max(value, least), greatest);
const clampSigned = (value: number, bits: number) => clamp(value, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1);
const clampUnsigned = (value: number, bits: number) => clamp(value, 0, 2 ** bits - 1);

// -------------------------------------------------------------------------------------------------------------- moves

/** MOVD to an MMX register: the upper half becomes zero. */
export const movdFrom: Execute = (cpu, instruction) => {
  requireMmx(cpu);
  const low = isRegister(instruction)
    ? readGeneral(cpu, instruction.modrm & 7, 4)
    : readLong32(cpu, longRead(cpu, instruction, 4));
  cpu.fpu.enterMmx();
  writeDestination(cpu, instruction, { high: 0, low });
};

/** MOVD from an MMX register. */
export const movdTo: Execute = (cpu, instruction) => {
  requireMmx(cpu);
  const { low } = readDestination(cpu, instruction);
  if (isRegister(instruction)) writeGeneral(cpu, instruction.modrm & 7, low, 4);
  else writeLong32(cpu, longWrite(cpu, instruction, 4), 0, low);
  cpu.fpu.enterMmx();
};

export const movqFrom: Execute = vector((_destination, source) => source);

export const movqTo: Execute = (cpu, instruction) => {
  requireMmx(cpu);
  const { high, low } = readDestination(cpu, instruction);
  if (isRegister(instruction)) {
    cpu.fpu.setMmx(instruction.modrm & 7, high, low);
  } else {
    const linear = longWrite(cpu, instruction, 8);
    writeLong32(cpu, linear, 0, low);
    writeLong32(cpu, linear, 4, high);
  }
  cpu.fpu.enterMmx();
};

/** EMMS: all registers are empty. */
export const emms: Execute = (cpu) => {
  requireMmx(cpu);
  cpu.fpu.enterMmx();
  cpu.fpu.abridgedTags = 0;
};

// --------------------------------------------------------------------------------------------------------- arithmetic

export const padd = (bits: 8 | 16 | 32) => lanes(bits, (destination, source) => destination + source);
export const psub = (bits: 8 | 16 | 32) => lanes(bits, (destination, source) => destination - source);
export const padds = (bits: 8 | 16) =>
  signedLanes(bits, (destination, source) => clampSigned(destination + source, bits));
export const psubs = (bits: 8 | 16) =>
  signedLanes(bits, (destination, source) => clampSigned(destination - source, bits));
export const paddus = (bits: 8 | 16) =>
  lanes(bits, (destination, source) => clampUnsigned(destination + source, bits));
export const psubus = (bits: 8 | 16) =>
  lanes(bits, (destination, source) => clampUnsigned(destination - source, bits));
export const pmullw = signedLanes(16, (destination, source) => Math.imul(destination, source));
export const pmulhw = signedLanes(16, (destination, source) => Math.imul(destination, source) >> 16);
export const pmaddwd = halves((destination, source) => {
  const product = (shift: number) =>
    Math.imul(signedItem(destination >>> shift, 16), signedItem(source >>> shift, 16));
  return product(0) + product(16);
});

const ALL_ONES = -1;
export const pcmpeq = (bits: 8 | 16 | 32) =>
  lanes(bits, (destination, source) => (destination === source ? ALL_ONES : 0));
export const pcmpgt = (bits: 8 | 16 | 32) =>
  signedLanes(bits, (destination, source) => (destination > source ? ALL_ONES : 0));

// -------------------------------------------------------------------------------------------------------------- logic

/** FP-50, and FP-55 for PANDN. */
export const pand = halves((destination, source) => destination & source);
export const pandn = halves((destination, source) => ~destination & source);
export const por = halves((destination, source) => destination | source);
export const pxor = halves((destination, source) => destination ^ source);

// ------------------------------------------------------------------------------------------------- packing, unpacking

/** Items of a vector, the lowest first. */
function itemsOf({ high, low }: Quad, bits: 8 | 16 | 32): number[] {
  const mask = 2 ** bits - 1;
  return [low, high].flatMap((word) =>
    Array.from({ length: 32 / bits }, (_, i) => ((word >>> (i * bits)) & mask) >>> 0),
  );
}

function fromItems(items: readonly number[], bits: 8 | 16 | 32): Quad {
  const half = (part: readonly number[]) =>
    part.reduce((word, item, i) => word | ((item & (2 ** bits - 1)) << (i * bits)), 0) >>> 0;
  return { low: half(items.slice(0, 32 / bits)), high: half(items.slice(32 / bits)) };
}

/** Items of the destination, then those of the source, each made half as wide. */
const pack = (bits: 16 | 32, narrow: (value: number, bits: number) => number) =>
  vector((destination, source) => {
    const half = bits === 32 ? 16 : 8;
    const items = [...itemsOf(destination, bits), ...itemsOf(source, bits)];
    return fromItems(
      items.map((item) => narrow(signedItem(item, bits), half)),
      half,
    );
  });

export const packsswb = pack(16, clampSigned);
export const packssdw = pack(32, clampSigned);
export const packuswb = pack(16, clampUnsigned);

/** Items of destination and source in turn, of the lower or of the upper halves. */
const unpack = (bits: 8 | 16 | 32, from: 'low' | 'high') =>
  vector(
    (destination, source) => {
      const others = itemsOf(source, bits);
      const pairs = itemsOf(destination, bits).map((item, i) => [item, others[i]]);
      const half = pairs.length / 2;
      return fromItems((from === 'low' ? pairs.slice(0, half) : pairs.slice(half)).flat(), bits);
    },
    from === 'low' ? 4 : 8,
  );

export const punpckl = (bits: 8 | 16 | 32) => unpack(bits, 'low');
export const punpckh = (bits: 8 | 16 | 32) => unpack(bits, 'high');

// ------------------------------------------------------------------------------------------------------------- shifts

/** What a shift does with one item (FP-57). `count` is below the width of the item. */
type Shift = (item: number, count: number) => number;

/** A count of the width or more: all bits are gone, or all are copies of the sign. */
function shiftItems(value: Quad, bits: 16 | 32, count: number, shift: Shift, arithmetic: boolean): Quad {
  if (count >= bits && !arithmetic) return { high: 0, low: 0 };
  const by = Math.min(count, bits - 1);
  return fromItems(
    itemsOf(value, bits).map((item) => shift(item, by)),
    bits,
  );
}

function shiftQuad({ high, low }: Quad, count: number, left: boolean): Quad {
  const value = (BigInt(high) << 32n) | BigInt(low);
  const shifted = left ? BigInt.asUintN(64, value << BigInt(count)) : value >> BigInt(count);
  return { high: Number(shifted >> 32n), low: Number(shifted & 0xffffffffn) };
}

const shiftLeft: Shift = (item, count) => item << count;
const shiftRight: Shift = (item, count) => item >>> count;

type Shifter = (value: Quad, count: number) => Quad;

const left =
  (bits: 16 | 32): Shifter =>
  (value, count) =>
    shiftItems(value, bits, count, shiftLeft, false);
const right =
  (bits: 16 | 32): Shifter =>
  (value, count) =>
    shiftItems(value, bits, count, shiftRight, false);
const arithmeticRight =
  (bits: 16 | 32): Shifter =>
  (value, count) =>
    shiftItems(value, bits, count, (item, by) => signedItem(item, bits) >> by, true);

/** Counts above this do what this one does. */
const GREATEST_COUNT = 64;

/** The count is all of the second operand. */
const byVector = (shifter: Shifter) =>
  vector((destination, { high, low }) =>
    shifter(destination, high !== 0 ? GREATEST_COUNT : Math.min(low, GREATEST_COUNT)),
  );

/** The count is an immediate byte; the register is that of ModRM.rm. */
function byImmediate(shifter: Shifter): Execute {
  return (cpu, instruction) => {
    if (!isRegister(instruction)) throw invalidOpcode();
    const { modrm, immediate } = instruction;
    requireMmx(cpu);
    const { high, low } = shifter(cpu.fpu.mmx(modrm & 7), Math.min(immediate, GREATEST_COUNT));
    cpu.fpu.enterMmx();
    cpu.fpu.setMmx(modrm & 7, high, low);
  };
}

const bothForms = (shifter: Shifter) => ({ byVector: byVector(shifter), byImmediate: byImmediate(shifter) });

export const psllw = bothForms(left(16));
export const pslld = bothForms(left(32));
export const psllq = bothForms((value, count) => shiftQuad(value, count, true));
export const psrlw = bothForms(right(16));
export const psrld = bothForms(right(32));
export const psrlq = bothForms((value, count) => shiftQuad(value, count, false));
export const psraw = bothForms(arithmeticRight(16));
export const psrad = bothForms(arithmeticRight(32));
