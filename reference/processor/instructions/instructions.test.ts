// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from 'vitest';
import { createProcessor, PhysicalMemory, type Registers, type SegmentRegister } from '../index.js';

/** Instructions that no case uses yet. The expected values follow from the manual's description of each. */

const CODE = 0x1000;
const DATA = 0x2000;
const STACK = 0x3000;

const CF = 1;
const AF = 0x10;
const ZF = 0x40;
const OF = 0x800;

const flat = (selector: number, attributes: number): SegmentRegister => ({
  selector,
  base: 0,
  limit: 0xffffffff,
  attributes,
});

interface Example {
  asm: string;
  hex: string;
  given?: Partial<Registers>;
  /** The doublewords at DATA before and after. */
  memory?: number[];
  after?: Partial<Registers>;
  memoryAfter?: number[];
  /** Flags that are set, of those in `mask`. */
  flags?: number;
  mask?: number;
}

function run({ hex, given, memory = [] }: Example) {
  const physical = new PhysicalMemory(0x4000);
  physical.load(CODE, Buffer.from(hex, 'hex'));
  memory.forEach((value, i) => {
    physical.write32(DATA + 4 * i, value);
  });
  const processor = createProcessor(physical);
  const data = flat(0x10, 0xc093);
  const none = flat(0, 0);
  processor.setRegisters({
    ...{ eax: 0, ecx: 0, edx: 0, ebx: DATA, esp: STACK, ebp: 0, esi: 0, edi: 0, eip: CODE, eflags: 2 },
    ...{ cr0: 0x11, cr2: 0, cr3: 0, cr4: 0, sysenter_cs: 0, sysenter_esp: 0, sysenter_eip: 0 },
    ...{ cs: flat(0x08, 0xc09b), ss: data, ds: data, es: data, fs: none, gs: none, tr: none, ldtr: none },
    ...{ gdtr: { base: 0, limit: 0 }, idtr: { base: 0, limit: 0 } },
    ...given,
  });
  const stop = processor.run({ instructions: 1 });
  return { stop, physical, registers: processor.registers() };
}

const EXAMPLES: Example[] = [
  {
    asm: 'mul ecx',
    hex: 'f7e1',
    given: { eax: 0xffffffff, ecx: 0xffffffff },
    after: { eax: 1, edx: 0xfffffffe },
    flags: CF | OF,
    mask: CF | OF,
  },
  {
    asm: 'mul cl',
    hex: 'f6e1',
    given: { eax: 0x99999910, ecx: 0x10 },
    after: { eax: 0x99990100 },
    flags: CF | OF,
    mask: CF | OF,
  },
  {
    asm: 'mul cx',
    hex: '66f7e1',
    given: { eax: 0x10, ecx: 0x10, edx: 0xffffffff },
    after: { eax: 0x100, edx: 0xffff0000 },
    flags: 0,
    mask: CF | OF,
  },
  {
    asm: 'imul ecx',
    hex: 'f7e9',
    given: { eax: 0xffffffff, ecx: 2 },
    after: { eax: 0xfffffffe, edx: 0xffffffff },
    flags: 0,
    mask: CF | OF,
  },
  {
    asm: 'imul ecx',
    hex: 'f7e9',
    given: { eax: 0x80000000, ecx: 2 },
    after: { eax: 0, edx: 0xffffffff },
    flags: CF | OF,
    mask: CF | OF,
  },
  {
    asm: 'imul eax, ecx',
    hex: '0fafc1',
    given: { eax: 0xfffffffd, ecx: 5 },
    after: { eax: 0xfffffff1 },
    flags: 0,
    mask: CF | OF,
  },
  {
    asm: 'imul eax, ecx, -3',
    hex: '6bc1fd',
    given: { ecx: 7 },
    after: { eax: 0xffffffeb },
    flags: 0,
    mask: CF | OF,
  },
  {
    asm: 'imul ax, cx, 0x4000',
    hex: '6669c10040',
    given: { ecx: 2 },
    after: { eax: 0x8000 },
    flags: CF | OF,
    mask: CF | OF,
  },
  { asm: 'div ecx', hex: 'f7f1', given: { edx: 1, eax: 5, ecx: 0x10 }, after: { eax: 0x10000000, edx: 5 } },
  { asm: 'div cl', hex: 'f6f1', given: { eax: 0x1ff, ecx: 0x10 }, after: { eax: 0x0f1f } },
  {
    asm: 'idiv ecx',
    hex: 'f7f9',
    given: { edx: 0xffffffff, eax: 0xfffffff9, ecx: 2 },
    after: { eax: 0xfffffffd, edx: 0xffffffff },
  },
  { asm: 'idiv cl', hex: 'f6f9', given: { eax: 0xfff9, ecx: 0xfe }, after: { eax: 0xff03 } },
  {
    asm: 'xadd [ebx], ecx',
    hex: '0fc10b',
    given: { ecx: 3 },
    memory: [0xfffffffe],
    after: { ecx: 0xfffffffe },
    memoryAfter: [1],
    flags: CF | AF,
    mask: CF | AF | ZF | OF,
  },
  {
    asm: 'cmpxchg [ebx], ecx',
    hex: '0fb10b',
    given: { eax: 7, ecx: 9 },
    memory: [7],
    memoryAfter: [9],
    flags: ZF,
    mask: ZF,
  },
  {
    asm: 'cmpxchg [ebx], ecx',
    hex: '0fb10b',
    given: { eax: 6, ecx: 9 },
    memory: [7],
    after: { eax: 7 },
    memoryAfter: [7],
    flags: 0,
    mask: ZF,
  },
  {
    asm: 'cmpxchg8b [esi]',
    hex: '0fc70e',
    given: { eax: 1, edx: 2, ebx: 3, ecx: 4, esi: DATA },
    memory: [1, 2],
    memoryAfter: [3, 4],
    flags: ZF,
    mask: ZF,
  },
  {
    asm: 'cmpxchg8b [esi]',
    hex: '0fc70e',
    given: { eax: 1, edx: 9, ebx: 3, ecx: 4, esi: DATA },
    memory: [1, 2],
    after: { edx: 2 },
    memoryAfter: [1, 2],
    flags: 0,
    mask: ZF,
  },
  {
    asm: 'shld eax, ecx, 8',
    hex: '0fa4c808',
    given: { eax: 0x12345678, ecx: 0xabcdef01 },
    after: { eax: 0x345678ab },
    flags: 0,
    mask: CF,
  },
  {
    asm: 'shrd [ebx], eax, cl',
    hex: '0fad03',
    given: { eax: 0xabcdef01, ecx: 8 },
    memory: [0x123456f8],
    memoryAfter: [0x01123456],
    flags: CF,
    mask: CF,
  },
  {
    asm: 'shld eax, ecx, 0',
    hex: '0fa4c800',
    given: { eax: 5, ecx: 7, eflags: 0x803 },
    flags: CF | OF,
    mask: CF | OF,
  },
  {
    asm: 'rcl eax, 1',
    hex: 'd1d0',
    given: { eax: 0x40000000, eflags: 3 },
    after: { eax: 0x80000001 },
    flags: OF,
    mask: CF | OF,
  },
  {
    asm: 'rcr cl, 1',
    hex: 'd0d9',
    given: { ecx: 0x01, eflags: 3 },
    after: { ecx: 0x80 },
    flags: CF | OF,
    mask: CF | OF,
  },
  {
    asm: 'bts [ebx], ecx',
    hex: '0fab0b',
    given: { ecx: 33 },
    memory: [0, 0],
    memoryAfter: [0, 2],
    flags: 0,
    mask: CF,
  },
  {
    asm: 'btr [esi], ecx',
    hex: '0fb30e',
    given: { ecx: 0xffffffff, esi: DATA + 4 },
    memory: [0x80000001, 0],
    memoryAfter: [1, 0],
    flags: CF,
    mask: CF,
  },
  { asm: 'btc eax, 35', hex: '0fbaf823', after: { eax: 8 }, flags: 0, mask: CF },
  { asm: 'bt [ebx], ecx', hex: '0fa30b', given: { ecx: 32 }, memory: [0, 1], flags: CF, mask: CF },
  { asm: 'bsf eax, ecx', hex: '0fbcc1', given: { ecx: 0x00f00000 }, after: { eax: 20 }, flags: 0, mask: ZF },
  { asm: 'bsr eax, ecx', hex: '0fbdc1', given: { ecx: 0x00f00000 }, after: { eax: 23 }, flags: 0, mask: ZF },
  { asm: 'bsr eax, ecx', hex: '0fbdc1', given: { eax: 77 }, flags: ZF, mask: ZF },
  { asm: 'bswap eax', hex: '0fc8', given: { eax: 0x12345678 }, after: { eax: 0x78563412 } },
  { asm: 'xlat', hex: 'd7', given: { eax: 0xffffff02 }, memory: [0x44332211], after: { eax: 0xffffff33 } },
  { asm: 'cbw', hex: '6698', given: { eax: 0x12340080 }, after: { eax: 0x1234ff80 } },
  { asm: 'cwde', hex: '98', given: { eax: 0x12347fff }, after: { eax: 0x7fff } },
  { asm: 'cdq', hex: '99', given: { eax: 0x80000000 }, after: { edx: 0xffffffff } },
  { asm: 'cwd', hex: '6699', given: { eax: 0x7fff, edx: 0x12345678 }, after: { edx: 0x12340000 } },
  { asm: 'cmovc eax, ecx', hex: '0f42c1', given: { ecx: 9, eflags: 3 }, after: { eax: 9 } },
  { asm: 'cmovc eax, ecx', hex: '0f42c1', given: { ecx: 9 } },
  // The manual's own examples of the decimal adjustments.
  { asm: 'daa', hex: '27', given: { eax: 0xae }, after: { eax: 0x14 }, flags: CF | AF, mask: CF | AF | ZF },
  {
    asm: 'das',
    hex: '2f',
    given: { eax: 0xee, eflags: 3 | AF },
    after: { eax: 0x88 },
    flags: CF | AF,
    mask: CF | AF,
  },
  { asm: 'aaa', hex: '37', given: { eax: 0x010f }, after: { eax: 0x0205 }, flags: CF | AF, mask: CF | AF },
  { asm: 'aas', hex: '3f', given: { eax: 0x02ff }, after: { eax: 0x0109 }, flags: CF | AF, mask: CF | AF },
  { asm: 'aam', hex: 'd40a', given: { eax: 63 }, after: { eax: 0x0603 } },
  { asm: 'aad', hex: 'd50a', given: { eax: 0x0603 }, after: { eax: 63 } },
  { asm: 'salc', hex: 'd6', given: { eax: 0x100, eflags: 3 }, after: { eax: 0x1ff } },
  { asm: 'lahf', hex: '9f', given: { eflags: 0x2d7 }, after: { eax: 0xd700 } },
  { asm: 'sahf', hex: '9e', given: { eax: 0xff00 }, after: { eflags: 0xd7 } },
  { asm: 'enter 8, 0', hex: 'c8080000', given: { ebp: 0x77 }, after: { ebp: STACK - 4, esp: STACK - 12 } },
  {
    asm: 'enter 4, 2',
    hex: 'c8040002',
    given: { ebp: DATA + 4 },
    memory: [0x5a],
    after: { ebp: STACK - 4, esp: STACK - 16 },
  },
  { asm: 'leave', hex: 'c9', given: { ebp: DATA }, memory: [0x88], after: { ebp: 0x88, esp: DATA + 4 } },
  {
    asm: 'arpl cx, dx',
    hex: '63d1',
    given: { ecx: 0x10, edx: 3 },
    after: { ecx: 0x13 },
    flags: ZF,
    mask: ZF,
  },
  { asm: 'cpuid', hex: '0fa2', after: { eax: 1, ebx: 0x756e6547, edx: 0x49656e69, ecx: 0x6c65746e } },
  { asm: 'fnstcw [ebx]', hex: 'd93b', memoryAfter: [0x37f] },
  { asm: 'fnstsw [ebx]', hex: 'dd3b', memory: [0xffffffff], memoryAfter: [0xffff0000] },
];

test.each(EXAMPLES)('$asm ($hex)', (example) => {
  const { registers, physical } = run(example);
  const untouched = run({ ...example, hex: '90' }).registers;
  const { eflags, eip: _eip, ...expected } = { ...untouched, ...example.after };
  const { eflags: flagsAfter, eip, ...got } = registers;
  expect(got).toEqual(expected);
  expect(eip).toBe(CODE + example.hex.length / 2);
  if (example.after?.eflags !== undefined) expect(flagsAfter).toBe(eflags);
  if (example.mask !== undefined) expect(flagsAfter & example.mask).toBe(example.flags);
  const wanted = example.memoryAfter ?? example.memory ?? [];
  expect(wanted.map((_word, i) => physical.read32(DATA + 4 * i))).toEqual(wanted);
});

test('enter copies the frame pointers of the outer procedures', () => {
  const { physical } = run({ asm: 'enter 4, 2', hex: 'c8040002', given: { ebp: DATA + 4 }, memory: [0x5a] });
  const words = [STACK - 4, STACK - 8, STACK - 12].map((at) => physical.read32(at));
  expect(words).toEqual([DATA + 4, 0x5a, STACK - 4]);
});

test.each([
  { asm: 'div by zero', hex: 'f7f1', given: {} },
  { asm: 'div with a quotient of 33 bits', hex: 'f7f1', given: { edx: 1, ecx: 1 } },
  {
    asm: 'idiv with a quotient of 33 bits',
    hex: 'f7f9',
    given: { edx: 0xffffffff, eax: 0x80000000, ecx: 0xffffffff },
  },
  { asm: 'idiv by zero', hex: 'f7f9', given: {} },
  { asm: 'aam by zero', hex: 'd400', given: {} },
])('$asm is a fault', (example) => {
  expect(run(example).stop).toBe('shutdown'); // the machine of these tests has no IDT
});
