// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, it } from 'vitest';
import {
  createProcessor,
  type InstructionTrace,
  type InterruptionTrace,
  NotModelled,
  PhysicalMemory,
  type Processor,
  type ProcessorObserver,
  type Registers,
  type SegmentRegister,
} from './index.js';

// One machine for all tests: flat segments of levels 0 and 1, a TSS, and an IDT whose handler of vector v is at
// HANDLERS + 16 * v.
const GDT = 0x1000;
const IDT = 0x1800;
const TSS = 0x2000;
const HANDLERS = 0x3000;
const CODE = 0x8000;
const DATA = 0xa000;
const PAGE_DIRECTORY = 0x10000;
const PAGE_TABLE = 0x11000;
const STACK_0 = 0x5000;
const STACK_1 = 0x6000;

const flat = (selector: number, attributes: number): SegmentRegister => ({
  selector,
  base: 0,
  limit: 0xffffffff,
  attributes,
});

const LEVEL_0 = { cs: flat(0x08, 0xc09b), ss: flat(0x10, 0xc093), esp: STACK_0, ds: flat(0x10, 0xc093) };
const LEVEL_1 = { cs: flat(0x21, 0xc0bb), ss: flat(0x29, 0xc0b3), esp: STACK_1, ds: flat(0x29, 0xc0b3) };

/** Null, level 0 code and data, an available TSS, level 1 code and data. */
const DESCRIPTORS = [
  [0, 0],
  [0x0000ffff, 0x00cf9b00],
  [0x0000ffff, 0x00cf9300],
  [0x20000067, 0x00008900],
  [0x0000ffff, 0x00cfbb00],
  [0x0000ffff, 0x00cfb300],
] as const;

const HLT = 'f4';
const IRET = 'cf';

function start(code: string, changes: Partial<Registers> = {}, observer?: ProcessorObserver) {
  const memory = new PhysicalMemory(0x20000);
  DESCRIPTORS.forEach(([low, high], i) => {
    memory.write32(GDT + 8 * i, low);
    memory.write32(GDT + 8 * i + 4, high);
  });
  for (let vector = 0; vector < 64; vector++) {
    memory.write32(IDT + 8 * vector, 0x00080000 | (HANDLERS + 16 * vector));
    memory.write32(IDT + 8 * vector + 4, 0x00008e00);
    memory.write8(HANDLERS + 16 * vector, 0xf4);
  }
  memory.write32(TSS + 4, STACK_0);
  memory.write32(TSS + 8, 0x10);
  put(memory, CODE, code);

  const processor = createProcessor(memory, undefined, observer);
  const nothing = { selector: 0, base: 0, limit: 0, attributes: 0 };
  processor.setRegisters({
    ...{ eax: 0, ecx: 0, edx: 0, ebx: 0, ebp: 0, esi: 0, edi: 0, eip: CODE, eflags: 2 },
    ...{ cr0: 0x11, cr2: 0, cr3: PAGE_DIRECTORY, cr4: 0 },
    ...LEVEL_0,
    es: LEVEL_0.ds,
    fs: nothing,
    gs: nothing,
    tr: { selector: 0x18, base: TSS, limit: 0x67, attributes: 0x8b },
    ldtr: nothing,
    gdtr: { base: GDT, limit: 0xff },
    idtr: { base: IDT, limit: 0x1ff },
    ...{ sysenter_cs: 0, sysenter_esp: 0, sysenter_eip: 0 },
    ...changes,
  });
  return { processor, memory };
}

function put(memory: PhysicalMemory, at: number, hex: string): void {
  memory.load(at, Buffer.from(hex.replaceAll(' ', ''), 'hex'));
}

/** Where the run ended, when it ended in a handler. */
const handlerOf = (processor: Processor) => (processor.registers().eip - 1 - HANDLERS) / 16;

describe('the end of a run', () => {
  it('is the limit, after as many instructions as it says', () => {
    const { processor } = start('40 40 40 eb fb'); // inc eax (3 times), jmp to the start
    expect(processor.run({ instructions: 5 })).toBe('limit');
    expect(processor.registers().eax).toBe(4);
    expect(processor.instructionsExecuted).toBe(5);
  });

  it('is the limit also when nothing but faults happens', () => {
    const { processor, memory } = start('0f 0b'); // ud2, whose handler does the same
    put(memory, HANDLERS + 16 * 6, '0f 0b');
    expect(processor.run({ instructions: 100 })).toBe('limit');
    expect(processor.instructionsExecuted).toBe(0);
  });

  it('is the limit of instructions at the outer levels', () => {
    const { processor, memory } = start('cd 30 90 eb fb', LEVEL_1); // int 30h, nop, jmp to the start
    memory.write32(IDT + 8 * 0x30 + 4, 0x0000ee00);
    put(memory, HANDLERS + 16 * 0x30, `90 90 ${IRET}`);
    expect(processor.run({ instructions: 1000, outerInstructions: 4 })).toBe('limit');
    expect(processor.outerInstructionsExecuted).toBe(4);
    expect(processor.registers().cs.selector).toBe(0x08);
    expect(processor.instructionsExecuted).toBe(7);
  });

  it('is shutdown after a third fault', () => {
    const { processor } = start('0f 0b', { idtr: { base: 0, limit: 0 } });
    expect(processor.run({ instructions: 100 })).toBe('shutdown');
  });

  it('can be gone on from', () => {
    const { processor } = start(`40 ${HLT} 40 ${HLT}`);
    expect(processor.run({ instructions: 100 })).toBe('hlt');
    expect(processor.run({ instructions: 100 })).toBe('hlt');
    expect(processor.registers().eax).toBe(2);
  });
});

describe('a repeated string instruction', () => {
  it('counts once when it is done, but each round counts against the limit', () => {
    const { processor, memory } = start(`f3 aa ${HLT}`, { eax: 0x55, ecx: 5, edi: DATA }); // rep stosb
    expect(processor.run({ instructions: 3 })).toBe('limit');
    expect(processor.registers()).toMatchObject({ eip: CODE, ecx: 2, edi: DATA + 3 });
    expect(processor.instructionsExecuted).toBe(0);
    expect(processor.run({ instructions: 100 })).toBe('hlt');
    expect(processor.instructionsExecuted).toBe(2);
    expect(memory.read32(DATA + 2)).toBe(0x00555555);
  });
});

describe('external events', () => {
  const NOPS = '90 '.repeat(16);

  it('are taken when so many instructions have been executed', () => {
    const { processor, memory } = start(NOPS, { eflags: 0x202 });
    processor.run({ instructions: 100, events: [{ counter: 'all', after: 3, vector: 0x20 }] });
    expect(handlerOf(processor)).toBe(0x20);
    expect(memory.read32(STACK_0 - 12)).toBe(CODE + 3);
  });

  it('can wait for instructions at the outer levels', () => {
    const { processor, memory } = start('cd 30 90 90 90 90', { ...LEVEL_1, eflags: 0x202 });
    memory.write32(IDT + 8 * 0x30 + 4, 0x0000ee00);
    put(memory, HANDLERS + 16 * 0x30, `90 90 90 ${IRET}`);
    processor.run({ instructions: 100, events: [{ counter: 'outer', after: 3, vector: 0x21 }] });
    expect(handlerOf(processor)).toBe(0x21);
    expect(memory.read32(STACK_0 - 20)).toBe(CODE + 4);
  });

  it('are counted from the start of each run', () => {
    const { processor, memory } = start(NOPS, { eflags: 0x202 });
    processor.run({ instructions: 4 });
    processor.run({ instructions: 100, events: [{ counter: 'all', after: 2, vector: 0x20 }] });
    expect(memory.read32(STACK_0 - 12)).toBe(CODE + 6);
  });

  it('wait for IF, and for the instruction after STI', () => {
    const { processor, memory } = start(`90 fb 90 90 ${HLT}`); // nop, sti, nop, nop
    processor.requestInterrupt(0x20);
    processor.run({ instructions: 100 });
    expect(handlerOf(processor)).toBe(0x20);
    expect(memory.read32(STACK_0 - 12)).toBe(CODE + 3);
  });

  it('wait for the instruction after a load of SS', () => {
    const { processor, memory } = start(`16 17 90 90 ${HLT}`, { eflags: 0x202 }); // push ss, pop ss, nop, nop
    processor.run({ instructions: 100, events: [{ counter: 'all', after: 2, nmi: true }] });
    expect(handlerOf(processor)).toBe(2);
    expect(memory.read32(STACK_0 - 12)).toBe(CODE + 3);
  });

  it('are all taken in the end, in the order of their requests', () => {
    const vectors: number[] = [];
    const { processor, memory } = start(
      `90 90 90 ${HLT}`,
      { eflags: 0x202 },
      {
        interruption: ({ vector, source }) => vectors.push(source === 'external' ? vector : -1),
      },
    );
    for (const vector of [0x20, 0x21]) put(memory, HANDLERS + 16 * vector, IRET);
    processor.requestInterrupt(0x21);
    processor.requestInterrupt(0x20);
    expect(processor.run({ instructions: 100 })).toBe('hlt');
    expect(vectors).toEqual([0x21, 0x20]);
  });

  it('are held back by the handler of an NMI only when they are NMIs', () => {
    const vectors: number[] = [];
    const { processor, memory } = start(
      `90 90 ${HLT}`,
      {},
      { interruption: ({ vector }) => vectors.push(vector) },
    );
    put(memory, HANDLERS + 16 * 2, `fb 90 90 ${IRET}`); // sti, nop, nop, iret
    put(memory, HANDLERS + 16 * 0x20, `90 ${HLT}`);
    processor.requestInterrupt(0x20);
    processor.run({
      instructions: 100,
      events: [
        { counter: 'all', after: 0, nmi: true },
        { counter: 'all', after: 1, nmi: true },
      ],
    });
    expect(vectors).toEqual([2, 0x20]);
  });

  it('come again after the IRET of the NMI handler', () => {
    const vectors: number[] = [];
    const { processor, memory } = start(
      `90 90 ${HLT}`,
      {},
      { interruption: ({ vector }) => vectors.push(vector) },
    );
    put(memory, HANDLERS + 16 * 2, `90 90 ${IRET}`);
    processor.run({
      instructions: 100,
      events: [
        { counter: 'all', after: 0, nmi: true },
        { counter: 'all', after: 1, nmi: true },
      ],
    });
    expect(vectors).toEqual([2, 2]);
  });
});

describe('decoded instructions', () => {
  it('are decoded again when their bytes have been written', () => {
    // change: inc eax; inc ecx; cmp ecx, 3; je end; mov byte [change], 48h (dec eax); jmp change; end: hlt
    const { processor } = start(`40 41 83 f9 03 74 09 c6 05 00 80 00 00 48 eb f0 ${HLT}`);
    expect(processor.run({ instructions: 100 })).toBe('hlt');
    expect(processor.registers().eax).toBe(0xffffffff);
  });

  it('are not confused by another size of the code segment', () => {
    const { processor } = start(`b8 01 00 00 00 ${HLT}`); // mov eax, 1
    processor.run({ instructions: 100 });
    const registers = processor.registers();
    processor.setRegisters({ ...registers, eip: CODE, eax: 0, cs: flat(0x08, 0x809b) });
    processor.run({ instructions: 1 });
    expect(processor.registers()).toMatchObject({ eip: CODE + 3, eax: 1 });
  });

  it('may cross a page', () => {
    const { processor, memory } = start('');
    put(memory, 0x8ffe, `b8 78 56 34 12 ${HLT}`);
    for (let round = 0; round < 2; round++) {
      processor.setRegisters({ ...processor.registers(), eip: 0x8ffe, eax: 0 });
      expect(processor.run({ instructions: 100 })).toBe('hlt');
      expect(processor.registers().eax).toBe(0x12345678);
    }
  });
});

describe('translations', () => {
  const READ = `a1 00 a0 00 00 ${HLT}`; // mov eax, [DATA]

  function withPaging() {
    const machine = start(READ, { cr0: 0x80000011 });
    machine.memory.write32(PAGE_DIRECTORY, PAGE_TABLE | 7);
    for (let page = 0; page < 32; page++) machine.memory.write32(PAGE_TABLE + 4 * page, (page << 12) | 7);
    machine.memory.write32(DATA, 1);
    machine.memory.write32(DATA + 0x1000, 2);
    machine.processor.run({ instructions: 100 });
    machine.memory.write32(PAGE_TABLE + 4 * 0xa, 0xb007);
    return machine;
  }

  it('survive setRegisters, which is no load of CR3', () => {
    const { processor } = withPaging();
    processor.setRegisters({ ...processor.registers(), eip: CODE });
    processor.run({ instructions: 100 });
    expect(processor.registers().eax).toBe(1);
  });

  it('are dropped by reset', () => {
    const { processor } = withPaging();
    processor.reset();
    processor.setRegisters({ ...processor.registers(), eip: CODE });
    processor.run({ instructions: 100 });
    expect(processor.registers().eax).toBe(2);
    expect(processor.instructionsExecuted).toBe(2);
  });
});

describe('a 4 MiB entry', () => {
  it('with a reserved bit set is a page fault that says so', () => {
    const interruptions: InterruptionTrace[] = [];
    const { processor, memory } = start(
      'a1 78 56 40 00', // mov eax, [00405678h]
      { cr0: 0x80000011, cr4: 0x10 },
      { interruption: (trace) => interruptions.push(trace) },
    );
    const [P, PS, RESERVED] = [1, 0x80, 0x2000];
    memory.write32(PAGE_DIRECTORY, P | PS);
    memory.write32(PAGE_DIRECTORY + 4, P | PS | RESERVED);
    processor.run({ instructions: 1 });
    expect(interruptions).toMatchObject([{ vector: 14, error_code: 9, cr2: 0x00405678 }]);
  });
});

describe('what is not modelled', () => {
  it.each([
    ['an instruction that SSE added to MMX', '0f e0 c0', {}],
    ['SSE', '0f 57 c0', { cr4: 0x200 }],
    ['physical address extension (CR4.PAE)', '0f 22 e0', { eax: 0x20 }],
  ])('is named: %s', (what, code, changes) => {
    const { processor } = start(code, changes);
    const before = processor.registers();
    const where = `${code} at 00${before.cs.selector.toString(16).padStart(2, '0')}:00008000`;
    expect(() => processor.run({ instructions: 1 })).toThrow(NotModelled);
    expect(() => processor.run({ instructions: 1 })).toThrow(`not modelled: ${what} (${where})`);
    expect(processor.registers()).toEqual(before);
  });
});

describe('an observer', () => {
  it('is told each instruction and each event', () => {
    const instructions: InstructionTrace[] = [];
    const interruptions: InterruptionTrace[] = [];
    const { processor } = start('40 0f 0b', LEVEL_1, {
      instruction: (trace) => instructions.push(trace),
      interruption: (trace) => interruptions.push(trace),
    });
    processor.run({ instructions: 100 });
    expect(instructions).toEqual([
      { mnemonic: 'INC', bytes: [0x40], cs: 0x21, eip: CODE, linear: CODE, cpl: 1 },
      { mnemonic: 'UD2', bytes: [0x0f, 0x0b], cs: 0x21, eip: CODE + 1, linear: CODE + 1, cpl: 1 },
      { mnemonic: 'HLT', bytes: [0xf4], cs: 8, eip: HANDLERS + 96, linear: HANDLERS + 96, cpl: 0 },
    ]);
    expect(interruptions).toEqual([{ vector: 6, source: 'exception', cs: 0x21, eip: CODE + 1, cpl: 1 }]);
  });

  it('is told error code and address of a page fault', () => {
    const interruptions: InterruptionTrace[] = [];
    const { processor, memory } = start(
      'a1 78 f6 01 00',
      { cr0: 0x80000011 },
      {
        interruption: (trace) => interruptions.push(trace),
      },
    );
    memory.write32(PAGE_DIRECTORY, PAGE_TABLE | 7);
    for (let page = 0; page < 16; page++) memory.write32(PAGE_TABLE + 4 * page, (page << 12) | 7);
    processor.run({ instructions: 1 });
    expect(interruptions).toEqual([
      { vector: 14, source: 'exception', error_code: 0, cr2: 0x1f678, cs: 8, eip: CODE, cpl: 0 },
    ]);
  });
});
