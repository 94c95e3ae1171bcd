// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from 'vitest';
import {
  createProcessor,
  MODELS,
  type ModelName,
  PhysicalMemory,
  type Registers,
  type SegmentRegister,
} from './index.js';

/** What the older models lack; that the default one lacks nothing is shown by the cases. */

const CODE = 0x1000;
const HANDLERS = 0x3000;
const IDT = 0x2000;
const VECTORS = 32;

const flat = (selector: number, attributes: number): SegmentRegister => ({
  ...{ selector, base: 0, limit: 0xffffffff, attributes },
});

/** Runs one instruction and HLT at level 0. Returns the registers, and the vector of the exception if there was one. */
function run(model: ModelName, hex: string, given: Partial<Registers> = {}) {
  const memory = new PhysicalMemory(0x8000);
  memory.load(CODE, Buffer.from(`${hex}f4`, 'hex'));
  memory.load(0x4008, Buffer.from('ffff0000009bcf00', 'hex'));
  for (let vector = 0; vector < VECTORS; vector++) {
    memory.write32(IDT + 8 * vector, 0x00080000 | (HANDLERS + vector));
    memory.write32(IDT + 8 * vector + 4, 0x8e00);
    memory.write8(HANDLERS + vector, 0xf4);
  }
  const processor = createProcessor(memory, undefined, undefined, model);
  const data = flat(0x10, 0xc093);
  processor.setRegisters({
    ...{ eax: 0, ecx: 0, edx: 0, ebx: 0, esp: 0x7000, ebp: 0, esi: 0, edi: 0, eip: CODE, eflags: 2 },
    ...{ cr0: 0x11, cr2: 0, cr3: 0, cr4: 0, sysenter_cs: 8, sysenter_esp: 0x7000, sysenter_eip: CODE + 2 },
    ...{ cs: flat(8, 0xc09b), ss: data, ds: data, es: data, fs: data, gs: data, tr: data, ldtr: data },
    ...{ gdtr: { base: 0x4000, limit: 0x17 }, idtr: { base: IDT, limit: 8 * VECTORS - 1 } },
    ...given,
  });
  expect(processor.run({ instructions: 10 })).toBe('hlt');
  const registers = processor.registers();
  const handler = registers.eip - 1 - HANDLERS;
  return { registers, vector: handler >= 0 && handler < VECTORS ? handler : undefined };
}

const INVALID_OPCODE = 6;
const GENERAL_PROTECTION = 13;

test.each<[ModelName, number, number]>([
  ['486-like', 0x435, 0x00000001],
  ['pentium-like', 0x52c, 0x0000013f],
  ['p6-like', 0x633, 0x0180a93f],
])('%s tells its signature and features', (model, signature, features) => {
  const { registers } = run(model, '0fa2', { eax: 1 });
  expect(registers).toMatchObject({ eax: signature, ebx: 0, ecx: 0, edx: features });
  expect(run(model, '0fa2').registers).toMatchObject({
    ...{ eax: 1, ebx: 0x756e6547, edx: 0x49656e69, ecx: 0x6c65746e },
  });
});

interface Newcomer {
  /** The first model that has it. */
  since: ModelName;
  asm: string;
  hex: string;
  given?: Partial<Registers>;
}

const SINCE: readonly Newcomer[] = [
  { since: '486-like', asm: 'bswap eax', hex: '0fc8' },
  { since: '486-like', asm: 'cmpxchg [0x5000], ecx', hex: '0fb10d00500000' },
  { since: '486-like', asm: 'xadd [0x5000], ecx', hex: '0fc10d00500000' },
  { since: '486-like', asm: 'invlpg [0]', hex: '0f013d00000000' },
  { since: '486-like', asm: 'wbinvd', hex: '0f09' },
  { since: '486-like', asm: 'cpuid', hex: '0fa2' },
  { since: '486-like', asm: 'fld1', hex: 'd9e8' },
  { since: 'pentium-like', asm: 'rdtsc', hex: '0f31' },
  { since: 'pentium-like', asm: 'rdmsr', hex: '0f32', given: { ecx: 0x10 } },
  { since: 'pentium-like', asm: 'wrmsr', hex: '0f30', given: { ecx: 0x10 } },
  { since: 'pentium-like', asm: 'cmpxchg8b [0x5000]', hex: '0fc70d00500000' },
  { since: 'p6-like', asm: 'cmovz eax, ecx', hex: '0f44c1' },
  { since: 'p6-like', asm: 'fcmovb st0, st1', hex: 'dac1' },
  { since: 'p6-like', asm: 'fcmovnu st0, st1', hex: 'dbd9' },
  { since: 'p6-like', asm: 'fcomi st0, st1', hex: 'dbf1' },
  { since: 'p6-like', asm: 'fucomip st0, st1', hex: 'dfe9' },
  { since: 'p6-like', asm: 'nop dword [eax]', hex: '0f1f00' },
  { since: 'p6-like', asm: 'prefetchnta [eax]', hex: '0f1800' },
  { since: 'p6-like', asm: 'emms', hex: '0f77' },
  { since: 'p6-like', asm: 'paddb mm0, mm1', hex: '0ffcc1' },
  { since: 'p6-like', asm: 'psllw mm0, 1', hex: '0f71f001' },
  { since: 'p6-like', asm: 'fxsave [0x5000]', hex: '0fae0500500000' },
  { since: 'p6-like', asm: 'fxrstor [0x5000]', hex: '0fae0d00500000' },
  { since: 'p6-like', asm: 'sysenter', hex: '0f34' },
  { since: 'p6-like', asm: 'sysexit', hex: '0f35', given: { sysenter_cs: 0 } },
];

const AGES: readonly ModelName[] = ['486-like', 'pentium-like', 'p6-like'];

describe.each(AGES)('%s', (model) => {
  const isBefore = (since: ModelName) => AGES.indexOf(model) < AGES.indexOf(since);

  test.each(SINCE)('an instruction of $since and later: $asm', ({ since, hex, given }) => {
    expect(run(model, hex, given).vector === INVALID_OPCODE).toBe(isBefore(since));
  });

  test.each<[ModelName, string, number]>([
    ['pentium-like', 'VME', 0x001],
    ['pentium-like', 'PVI', 0x002],
    ['pentium-like', 'TSD', 0x004],
    ['pentium-like', 'DE', 0x008],
    ['pentium-like', 'PSE', 0x010],
    ['pentium-like', 'MCE', 0x040],
    ['p6-like', 'PGE', 0x080],
    ['p6-like', 'PCE', 0x100],
    ['p6-like', 'OSFXSR', 0x200],
  ])('a bit of CR4 of %s and later: %s', (since, _name, bit) => {
    const { registers, vector } = run(model, '0f22e0', { eax: bit });
    expect(vector).toBe(isBefore(since) ? GENERAL_PROTECTION : undefined);
    expect(registers.cr4).toBe(isBefore(since) ? 0 : bit);
  });

  test.each([0x174, 0x175, 0x176])('register %d came with SYSENTER', (number) => {
    expect(run(model, '0f32', { ecx: number }).vector === undefined).toBe(model === 'p6-like');
    expect(run(model, '0f30', { ecx: number }).vector === undefined).toBe(model === 'p6-like');
  });
});

test('physical address extension is refused by the processors that never had it', () => {
  expect(run('486-like', '0f22e0', { eax: 0x20 }).vector).toBe(GENERAL_PROTECTION);
  expect(run('pentium-like', '0f22e0', { eax: 0x20 }).vector).toBe(GENERAL_PROTECTION);
  expect(() => run('p6-like', '0f22e0', { eax: 0x20 })).toThrow('physical address extension');
});

test('each model has what the one before it has', () => {
  const [first, second, third] = AGES.map((name) => MODELS[name].features);
  expect(second & first).toBe(first);
  expect(third & second).toBe(second);
});
