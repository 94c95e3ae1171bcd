// SPDX-License-Identifier: GPL-2.0-or-later

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  CaseRequest,
  MemoryRun,
  ProcessorGiven,
  ProcessorRegisters,
  ProcessorStepResult,
  SegmentRegister,
} from '../../protocol.js';
import type { Answer, CannotStart, Implementation } from '../implementation.js';
import { firmwareImage } from './firmware.js';
import { createQemu } from './index.js';
import { parseRegisterDump } from './register-dump.js';
import { processorRequest } from './request.js';
import { readSaveArea, SAVE_AREA_BYTES, writeSaveArea } from './state-save.js';

const available = (program: string, argument: string): boolean =>
  spawnSync(program, [argument], { stdio: 'ignore' }).status === 0;

const hasQemu = available(process.env.LGUEST_CONFORMANCE_QEMU ?? 'qemu-system-i386', '--version');
const hasNasm = available('nasm', '-v');
const unless = (has: boolean, program: string): string =>
  has ? '' : ` (skipped: ${program} is not installed)`;

// ------------------------------------------------------------------------------------------ a small machine

const CODE = 0x8000;
const GDT = 0x1000;
const IDT = 0x1800;
const TSS = 0x2000;
const HANDLERS = 0x3000;
const STACK_0 = 0x5000;
const STACK_3 = 0xd000;

const dwords = (at: number, ...values: number[]): MemoryRun => {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => {
    bytes.writeUInt32LE(value, 4 * index);
  });
  return { at, hex: bytes.toString('hex') };
};

/** Flat segments of rings 0 and 3, a TSS, and 32 interrupt gates to handlers of one HLT each. */
const TABLES: MemoryRun[] = [
  dwords(GDT + 0x08, 0x0000ffff, 0x00cf9b00, 0x0000ffff, 0x00cf9300, 0x20000067, 0x00008b00),
  dwords(GDT + 0x20, 0x0000ffff, 0x00cffb00, 0x0000ffff, 0x00cff300),
  ...Array.from({ length: 32 }, (_, vector) =>
    dwords(IDT + 8 * vector, 0x80000 | (HANDLERS + 4 * vector), 0x8e00),
  ),
  dwords(TSS + 4, STACK_0, 0x10),
  { at: HANDLERS, hex: 'f4'.repeat(128) },
];

const flat = (selector: number, attributes: number): SegmentRegister => ({
  selector,
  base: 0,
  limit: 0xffff_ffff,
  attributes,
});
const none: SegmentRegister = { selector: 0, base: 0, limit: 0, attributes: 0 };

const RING_0: ProcessorRegisters = {
  ...{ eax: 1, ecx: 2, edx: 3, ebx: 4, esp: STACK_0, ebp: 5, esi: 6, edi: 7, eip: CODE, eflags: 2 },
  ...{ cr0: 0x11, cr2: 0xabcd_ef01, cr3: 0, cr4: 0 },
  ...{ cs: flat(0x08, 0xc09b), ss: flat(0x10, 0xc093), ds: flat(0x10, 0xc093), es: flat(0x10, 0xc093) },
  ...{ fs: none, gs: none, ldtr: none, tr: { selector: 0x18, base: TSS, limit: 0x67, attributes: 0x8b } },
  ...{ gdtr: { base: GDT, limit: 0x2f }, idtr: { base: IDT, limit: 0xff } },
  ...{ sysenter_cs: 0x60, sysenter_esp: 0x1234_5678, sysenter_eip: 0x9abc_def0 },
};
const RING_3: Partial<ProcessorRegisters> = {
  esp: STACK_3,
  cs: flat(0x23, 0xc0fb),
  ss: flat(0x2b, 0xc0f3),
  ds: flat(0x2b, 0xc0f3),
  es: flat(0x2b, 0xc0f3),
};

function caseOf(code: string, registers: Partial<ProcessorRegisters> = {}): CaseRequest {
  const given: ProcessorGiven = {
    memory_size: 0x20000,
    memory: [...TABLES, { at: CODE, hex: code.replaceAll(' ', '') }],
    registers: { ...RING_0, ...registers },
    io: [],
  };
  return {
    id: 'test',
    class: 'processor',
    profile: 'linux-2.6.29',
    given,
    steps: [{ op: 'run', until: 'hlt', max_instructions: 1000 }],
    observe: { registers: true, memory: [[0, 0x20000]] },
  };
}

function stepOf(answer: Answer): ProcessorStepResult {
  if (answer.kind !== 'result') throw new Error(JSON.stringify(answer));
  return answer.result.steps[0] as ProcessorStepResult;
}

function wordAt(step: ProcessorStepResult, at: number): number {
  const bytes = Buffer.alloc(0x20000);
  for (const run of step.state.memory) bytes.write(run.hex, run.at, 'hex');
  return bytes.readUInt32LE(at);
}

// -------------------------------------------------------------------------------------------------- with QEMU

describe.skipIf(!hasQemu)(`cases on QEMU${unless(hasQemu, 'qemu-system-i386')}`, () => {
  let qemu: Implementation;
  beforeAll(async () => {
    qemu = createQemu({ timeLimitSeconds: 0.2 });
    await qemu.start();
  });
  afterAll(() => qemu.stop());

  it('changes what the code changes and nothing else', async () => {
    // mov eax, 12345678h; mov [0A000h], eax; hlt
    const step = stepOf(await qemu.run(caseOf('b8 78563412 a3 00a00000 f4')));
    expect(step.outcome).toEqual({ stop: 'hlt' });
    expect(step.state.registers).toEqual({ ...RING_0, eax: 0x1234_5678, eip: CODE + 11 });
    expect(wordAt(step, 0xa000)).toBe(0x1234_5678);
    expect(wordAt(step, GDT + 0x1c)).toBe(0x8b00);
  });

  it('sees other code at the same address, and memory that is zero again', async () => {
    // mov ebx, [0A000h]; hlt
    const step = stepOf(await qemu.run(caseOf('8b1d 00a00000 f4')));
    expect(step.state.registers).toEqual({ ...RING_0, ebx: 0, eip: CODE + 7 });
  });

  it('delivers an exception from ring 3 on the stack of ring 0', async () => {
    const step = stepOf(await qemu.run(caseOf('f4', { ...RING_3, eax: 9 })));
    const { esp, eip, eax, cs, ss } = step.state.registers;
    expect({ esp, eip, eax, cs: cs.selector, ss: ss.selector }).toEqual({
      ...{ esp: STACK_0 - 24, eip: HANDLERS + 4 * 13 + 1, eax: 9, cs: 0x08, ss: 0x10 },
    });
    const frame = [0, 4, 8, 16, 20].map((offset) => wordAt(step, esp + offset));
    expect(frame).toEqual([0, CODE, 0x23, STACK_3, 0x2b]);
  });

  it('loads cached descriptors that differ from the tables', async () => {
    // mov eax, [es:0]; hlt
    const request = caseOf('26 a1 00000000 f4', { es: { ...flat(0x10, 0xc093), base: CODE } });
    expect(stepOf(await qemu.run(request)).state.registers.eax).toBe(0x0000_a126);
  });

  it('reads all ones from a port without a device', async () => {
    // in al, 60h; mov dx, 3F8h; in eax, dx; hlt
    expect(stepOf(await qemu.run(caseOf('e4 60 f4'))).state.registers.eax).toBe(0xff);
    expect(stepOf(await qemu.run(caseOf('66 ba f803 ed f4'))).state.registers.eax).toBe(0xffff_ffff);
  });

  it('reports a triple fault as shutdown, and goes on', async () => {
    const step = stepOf(await qemu.run(caseOf('0f0b', { idtr: { base: IDT, limit: 0 } })));
    expect(step.outcome).toEqual({ stop: 'shutdown' });
    expect(step.state.registers).toEqual({ ...RING_0, idtr: { base: IDT, limit: 0 } });
    expect(stepOf(await qemu.run(caseOf('f4'))).state.registers).toEqual({ ...RING_0, eip: CODE + 1 });
  });

  it('reports an endless loop as limit, and goes on', async () => {
    const step = stepOf(await qemu.run(caseOf('eb fe')));
    expect(step.outcome).toEqual({ stop: 'limit' });
    expect(step.state.registers).toEqual(RING_0);
    expect(stepOf(await qemu.run(caseOf('f4'))).outcome).toEqual({ stop: 'hlt' });
  });

  it('reports a QEMU that dies as crashed, and goes on with a fresh one', async () => {
    // A task register without a TSS in it: QEMU aborts when the exception looks for the inner stack.
    const answer = await qemu.run(caseOf('f4', { ...RING_3, tr: { ...none, attributes: 0x82 } }));
    expect(answer).toMatchObject({ kind: 'crashed', how: 'QEMU was ended by SIGABRT' });
    expect(answer).toHaveProperty('stderr', expect.stringContaining('invalid tss type'));
    expect(stepOf(await qemu.run(caseOf('f4'))).outcome).toEqual({ stop: 'hlt' });
  });
});

describe('starting', () => {
  it('says what to install when there is no QEMU', async () => {
    const failure = await createQemu({ binary: 'no-such-qemu' })
      .start()
      .catch((error: unknown) => error as CannotStart);
    expect(failure).toMatchObject({
      name: 'CannotStart',
      message: 'no-such-qemu was not found',
      cure: expect.stringContaining('apt-get install qemu-system-x86'),
    });
  });

  it('says so when the program is no QEMU', async () => {
    await expect(createQemu({ binary: 'true' }).start()).rejects.toThrow(/does not start: QEMU exited with/);
    await expect(createQemu({ binary: 'echo' }).start()).rejects.toThrow(
      /monitor said .*, which is not JSON/,
    );
  });
});

// ----------------------------------------------------------------------------------------------- without QEMU

describe('what the machine cannot do', () => {
  it.each([
    ['a class', { class: 'host' as const }, /class host/],
    ['an operation', { steps: [{ op: 'dance' }] }, /operation dance/],
    ['interrupts', { steps: [{ op: 'run', interrupts: [{ after: 1, nmi: true }] }] }, /external interrupts/],
  ])('refuses %s', (_, change, reason) => {
    expect(() => processorRequest({ ...caseOf('f4'), ...change })).toThrow(reason);
  });

  it.each([
    ['a device', { io: [{ port: 0x60, size: 1 as const, value: 0x12 }] }, /port 60h that reads 12h/],
    ['memory under the firmware', { memory: [{ at: 0xeffff, hex: '0102' }] }, /f0000h/],
    ['more memory than there is', { memory_size: 0x0100_0001 }, /16 MiB/],
  ])('refuses %s', (_, change, reason) => {
    const request = caseOf('f4');
    expect(() => processorRequest({ ...request, given: { ...request.given, ...change } })).toThrow(reason);
  });

  it('takes a listed port that reads all ones', () => {
    const request = caseOf('f4');
    const given = { ...request.given, io: [{ port: 0x60, size: 2, value: 0xffff }] };
    expect(processorRequest({ ...request, given }).steps).toBe(1);
  });
});

describe('the state save area', () => {
  it('gives back what was put in', () => {
    const outside = { cr2: 0xabcd, sysenter_cs: 8, sysenter_esp: 0x5000, sysenter_eip: 0x8000 };
    const ldtr = { selector: 0x40, base: 0x1400, limit: 0x3f, attributes: 0x82 };
    const registers = { ...RING_0, ...outside, ldtr };
    const area = Buffer.alloc(SAVE_AREA_BYTES);
    writeSaveArea(area, registers);
    expect(readSaveArea(area, outside)).toEqual(registers);
  });

  it('keeps the busy bit of the task register from TCG', () => {
    const area = Buffer.alloc(SAVE_AREA_BYTES);
    writeSaveArea(area, RING_0);
    expect(area.readUInt32LE(0x15c)).toBe(0x89);
  });
});

describe('the register dump', () => {
  const dump = [
    'CPU#0',
    'EAX=00000001 EBX=00000002 ECX=00000003 EDX=00000004',
    'ESI=00000005 EDI=00000006 EBP=00000007 ESP=00005000',
    'EIP=00008000 EFL=00000202 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=0',
    ...['ES', 'SS', 'DS', 'FS', 'GS'].map(
      (name) => `${name} =0010 00000000 ffffffff 00cf9300 DPL=0 DS   [-WA]`,
    ),
    'CS =0008 00001000 000fffff 004f9b00 DPL=0 CS32 [-RA]',
    'LDT=0040 00001400 0000003f 00008200 DPL=0 LDT',
    'TR =0018 00002000 00000067 00008b00 DPL=0 TSS32-busy',
    'GDT=     00001000 000000ff',
    'IDT=     00001800 000001ff',
    'CR0=80000011 CR2=0000abcd CR3=00010000 CR4=00000010',
    'DR0=00000000 DR1=00000000 DR2=00000000 DR3=00000000 ',
  ].join('\r\n');

  it('is read by label', () => {
    const given = { ...RING_0, sysenter_cs: 0x98 };
    expect(parseRegisterDump(dump, given)).toMatchObject({
      ...{ eax: 1, ebx: 2, ecx: 3, edx: 4, esi: 5, edi: 6, ebp: 7, esp: 0x5000, eip: 0x8000, eflags: 0x202 },
      ...{ cr0: 0x8000_0011, cr2: 0xabcd, cr3: 0x10000, cr4: 0x10, sysenter_cs: 0x98 },
      cs: { selector: 8, base: 0x1000, limit: 0xf_ffff, attributes: 0x409b },
      ldtr: { selector: 0x40, base: 0x1400, limit: 0x3f, attributes: 0x82 },
      gdtr: { base: 0x1000, limit: 0xff },
      idtr: { base: 0x1800, limit: 0x1ff },
    });
  });

  it('is refused when a register is missing', () => {
    expect(() => parseRegisterDump(dump.replace('CR2=', 'C-2='), RING_0)).toThrow(/no CR2/);
  });
});

describe.skipIf(!hasNasm)(`the firmware${unless(hasNasm, 'nasm')}`, () => {
  it('is what loader.asm assembles to', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lguest-conformance-nasm-'));
    try {
      const binary = join(folder, 'loader.bin');
      const source = fileURLToPath(new URL('loader.asm', import.meta.url));
      execFileSync('nasm', ['-f', 'bin', source, '-o', binary]);
      expect(firmwareImage().subarray(-0x200)).toEqual(readFileSync(binary));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
