// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from 'vitest';
import type { SegmentRegister } from '../protocol.js';
import { deliver } from './exception.js';
import { MemoryImage } from './image.js';
import { processorGiven } from './processor.js';

/** GDT at 1000h, IDT at 1800h with an interrupt gate for 13 and a trap gate for 3, TSS at 2000h with 10h:5000h. */
const given = processorGiven({
  memory: [
    { at: 0x1008, hex: 'ffff0000009bcf00ffff00000093cf006700002000008b00' },
    { at: 0x1020, hex: 'ffff000000fbcf00ffff000000f3cf00' },
    { at: 0x1800 + 8 * 13, hex: '34300800008e0000' },
    { at: 0x1800 + 8 * 3, hex: '0c300800008f0000' },
    { at: 0x2004, hex: '0050000010000000' },
    { at: 0x4ff0, hex: 'ffffffffffffffff' },
  ],
  registers: {
    cs: 0x23,
    ss: 0x2b,
    esp: 0xd000,
    eip: 0x8000,
    eflags: 0x4302,
    gdtr: { base: 0x1000, limit: 0xff },
    idtr: { base: 0x1800, limit: 0x1ff },
    tr: 0x18,
  },
});
const image = MemoryImage.of(given.memory);
const words = (memory: MemoryImage, from: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => memory.read32(from + 4 * index));

test('a fault at level 3 switches the stack and pushes RF and the error code', () => {
  const spec = { vector: '#GP', error_code: 0x1234 };
  const { registers, memory, flagsImage } = deliver(spec, given.registers, image, {
    frameSelector: 'zero_extended',
  });
  expect(registers).toMatchObject({ eip: 0x3035, esp: 0x4fe8, eflags: 0x2, eax: 0 });
  expect(registers.cs).toEqual({ selector: 8, base: 0, limit: 0xffffffff, attributes: 0xc09b });
  expect(registers.ss).toEqual({ selector: 0x10, base: 0, limit: 0xffffffff, attributes: 0xc093 });
  expect(words(memory, 0x4fe8, 6)).toEqual([0x1234, 0x8000, 0x23, 0x14302, 0xd000, 0x2b]);
  expect(flagsImage).toEqual([0x4ff4, 0x4ff5, 0x4ff6, 0x4ff7]);
  expect(image.read32(0x4fe8)).toBe(0);
});

test('a trap through a trap gate leaves IF, and RF out of the pushed flags', () => {
  const spec = { vector: 3, eip: 0x8001 };
  const { registers, memory } = deliver(spec, given.registers, image, { frameSelector: 'zero_extended' });
  expect(registers).toMatchObject({ eip: 0x300d, esp: 0x4fec, eflags: 0x202 });
  expect(words(memory, 0x4fec, 5)).toEqual([0x8001, 0x23, 0x4302, 0xd000, 0x2b]);
});

test('the upper half of a pushed selector is a choice', () => {
  const spec = { vector: 13, error_code: 0 };
  const { memory } = deliver(spec, given.registers, image, { frameSelector: 'unchanged' });
  expect(memory.read32(0x4ff0)).toBe(0xffff0023);
});

test('out of virtual-8086 mode the frame has the data segments too, which become null', () => {
  const registers = {
    ...given.registers,
    ...{ eflags: 0x23202, eip: 0x100, esp: 0xf80 },
    ...processorSegments({ cs: 0x1000, ss: 0xc00, es: 1, ds: 2, fs: 3, gs: 4 }),
  };
  const after = deliver({ vector: 13, error_code: 0 }, registers, image, { frameSelector: 'zero_extended' });
  expect(after.registers).toMatchObject({ eip: 0x3035, esp: 0x4fd8, eflags: 0x3002 });
  for (const name of ['es', 'ds', 'fs', 'gs'] as const) {
    expect(after.registers[name]).toEqual({ selector: 0, base: 0, limit: 0, attributes: 0 });
  }
  const frame = [0, 0x100, 0x1000, 0x33202, 0xf80, 0xc00, 1, 2, 3, 4];
  expect(words(after.memory, 0x4fd8, 10)).toEqual(frame);
});

test('in real mode three words are pushed, and the vector table names the handler', () => {
  const real = processorGiven({
    memory: [{ at: 6 * 4, hex: '18000003' }],
    registers: { cr0: 0x10, cs: 0x800, ss: 0x400, esp: 0x12340f80, eip: 0x20, eflags: 0x40302 },
  });
  const choices = { frameSelector: 'zero_extended' } as const;
  const after = deliver({ vector: '#UD' }, real.registers, MemoryImage.of(real.memory), choices);
  expect(after.registers).toMatchObject({ eip: 0x19, esp: 0x12340f7a, eflags: 0x2 });
  expect(after.registers.cs).toEqual({ selector: 0x300, base: 0x3000, limit: 0xffff, attributes: 0x93 });
  expect(words(after.memory, 0x4f7a, 2)).toEqual([0x08000020, 0x0302]);
  const withCode = { vector: 13, error_code: 0 };
  expect(() => deliver(withCode, real.registers, image, choices)).toThrow('real mode pushes no error code');
});

/** Segment registers as virtual-8086 mode loads them. */
function processorSegments(selectors: Record<string, number>): Record<string, SegmentRegister> {
  return Object.fromEntries(
    Object.entries(selectors).map(([name, selector]) => [
      name,
      { selector, base: selector << 4, limit: 0xffff, attributes: 0xf3 },
    ]),
  );
}

test('what cannot be delivered is refused', () => {
  const choices = { frameSelector: 'zero_extended' } as const;
  expect(() => deliver({ vector: 6 }, given.registers, image, choices)).toThrow(
    'the gate of vector 6 is not a present',
  );
  expect(() => deliver({ vector: 64 }, given.registers, image, choices)).toThrow('beyond the given IDT');
  expect(() => deliver({ vector: '#XY' }, given.registers, image, choices)).toThrow(
    'there is no exception "#XY"',
  );
});
