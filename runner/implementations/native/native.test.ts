// SPDX-License-Identifier: GPL-2.0-or-later

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { memoryRuns } from '../../cases/memory.js';
import { loadSuite } from '../../cases/suite.js';
import { processorGiven } from '../../expand/processor.js';
import { judgingFor } from '../../judging.js';
import type { CaseRequest, Declaration, ProcessorGiven } from '../../protocol.js';
import { runCases } from '../../run.js';
import { type Answer, CannotStart } from '../implementation.js';
import { builtProgram } from './build.js';
import { createNative } from './index.js';

const native = createNative();
let declaration: Declaration | undefined;
let reason = '';

beforeAll(async () => {
  try {
    declaration = await native.start();
  } catch (error) {
    if (!(error instanceof CannotStart)) throw error;
    reason = error.message;
  }
});

afterAll(() => native.stop());

const CODE = 0x8000;
const HANDLERS = 0x3000;
const STACK0 = 0x5000;

/** Ring 3, flat; interrupt gates to a HLT for each of 64 vectors, at 3000h + 4 * vector. */
function machine(hex: string, registers: Record<string, number> = {}): ProcessorGiven {
  const gate = (vector: number) => [0x00080000 | (HANDLERS + 4 * vector), vector === 3 ? 0xee00 : 0x8e00];
  return processorGiven({
    memory: memoryRuns([
      { at: 0x1008, dwords: [0xffff, 0xcf9b00, 0xffff, 0xcf9300, 0x20000067, 0x8b00] },
      { at: 0x1020, dwords: [0xffff, 0xcffb00, 0xffff, 0xcff300] },
      { at: 0x1800, dwords: Array.from({ length: 64 }, (_, vector) => gate(vector)).flat() },
      { at: 0x2004, dwords: [STACK0, 0x10] },
      { at: 0x2064, dwords: [0xffff0000] },
      { at: HANDLERS, fill: { count: 64, dword: 0xf4f4f4f4 } },
      { at: CODE, hex },
    ]).map((item) => ({ ...item })),
    registers: {
      ...{ cs: 0x23, ss: 0x2b, ds: 0x2b, es: 0x2b, fs: 0x2b, gs: 0x2b, tr: 0x18 },
      gdtr: { base: 0x1000, limit: 0x2f },
      idtr: { base: 0x1800, limit: 0x1ff },
      ...{ eip: CODE, esp: 0xd000, eflags: 0x202 },
      ...registers,
    },
  });
}

function requestFor(given: ProcessorGiven, more: Partial<CaseRequest['steps'][0]> = {}): CaseRequest {
  return {
    id: 'test/native',
    class: 'processor',
    profile: 'linux-2.6.29',
    given,
    steps: [{ op: 'run', until: 'hlt', max_instructions: 1000, ...more }],
    observe: { registers: true, memory: [[0, given.memory_size]] },
  };
}

async function run(hex: string, registers?: Record<string, number>): Promise<Answer> {
  return native.run(requestFor(machine(hex, registers)));
}

async function refusal(hex: string, registers?: Record<string, number>): Promise<string> {
  const answer = await run(hex, registers);
  if (answer.kind !== 'unsupported') throw new Error(`it was not refused: ${JSON.stringify(answer)}`);
  return answer.reason;
}

describe('on a CPU that can be reached', () => {
  /** These tests need Linux on x86, a compiler with -m32, and the right to map low pages. */
  const check = (name: string, body: () => Promise<void>) =>
    test(name, async ({ skip }) => {
      if (declaration === undefined) skip(`native cannot be started: ${reason}`);
      await body();
    });

  check('code is run, and the fault that ends it delivered by composition', async () => {
    const answer = await run('b878563412 8903 f4'.replaceAll(' ', ''), { ebx: 0xa000 }); // mov eax,12345678h; mov [ebx],eax; hlt
    if (answer.kind !== 'result') throw new Error(JSON.stringify(answer));
    const [step] = answer.result.steps;
    expect(step?.outcome).toEqual({ stop: 'hlt', composed: true });
    expect(step?.state.registers).toMatchObject({
      eax: 0x12345678,
      eip: HANDLERS + 4 * 13 + 1,
      esp: STACK0 - 24,
      eflags: 2,
      cs: { selector: 8 },
      ss: { selector: 0x10 },
    });
    expect(step?.state.memory).toContainEqual({ at: 0xa000, hex: '78563412' });
  });

  check('INT 80h never reaches the kernel as a system call', async () => {
    expect(await refusal('b801000000 cd80 f4'.replaceAll(' ', ''))).toBe('a system call of the kernel below');
  });

  check('nor does SYSENTER or SYSCALL, not even when code writes it for itself', async () => {
    expect(await refusal('0f34f4')).toContain('SYSENTER');
    expect(await refusal('0f05f4')).toContain('SYSCALL');
    // mov word [eax], 050fh; jmp eax: not seen beforehand, but the kernel refuses it or the processor does
    expect(await refusal('66c7000f05 ffe0'.replaceAll(' ', ''), { eax: 0x9000, ecx: 1 })).toMatch(
      /SYSCALL|system call/,
    );
  });

  check('a loop without end is ended', async () => {
    expect(await refusal('ebfe')).toContain('no end within the time limit');
  });

  check('and the next case runs as if nothing had been', async () => {
    expect((await run('f4')).kind).toBe('result');
  });

  check('many cases at once keep their answers apart', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => run(`b0${i.toString(16).padStart(2, '0')}f4`)),
    );
    const results = answers.map((answer) =>
      answer.kind === 'result' ? answer.result.steps[0]?.state.registers : answer,
    );
    expect(results).toEqual(Array.from({ length: 50 }, (_, i) => expect.objectContaining({ eax: i })));
  });

  check('what a user process cannot be is refused with its reason', async () => {
    expect(await refusal('f4', { cs: 0x08 })).toBe('privilege level 0');
    expect(await refusal('f4', { cr0: 0x19 })).toContain('CR0.TS');
    expect(await refusal('f4', { eflags: 0x2 })).toContain('EFLAGS 2h');
    expect(await refusal('f4', { ds: 0x13 })).toContain('selector 13h of the GDT');
    expect(await refusal('0fa2f4')).toContain('CPUID');
    expect(await refusal('0f0100f4')).toContain('SGDT');
    expect(await refusal('cd03f4', { idtr: 0 })).not.toBe('');
    const interrupts = [{ after: 1, vector: 32 }];
    expect(await native.run(requestFor(machine('f4'), { interrupts }))).toMatchObject({
      kind: 'unsupported',
    });
    expect(await native.run(requestFor(machine('f4'), { max_instructions: 2 }))).toMatchObject({
      kind: 'unsupported',
      reason: 'instructions are not counted, so a low limit cannot be kept',
    });
  });

  check('all cases of class processor agree, those that it does not refuse', async () => {
    if (declaration === undefined) return;
    const { cases } = await loadSuite();
    const processorCases = cases.filter(
      (entry) => entry.class === 'processor' && entry.profile !== 'hardened',
    );
    const results = await runCases(native, processorCases, { declaration, judging: judgingFor(declaration) });
    const disagreeing = results.filter(
      ({ verdict }) => !['pass', 'unsupported', 'withdrawn'].includes(verdict),
    );
    expect(disagreeing.map((result) => [result.case.id, result.verdict, ...result.details])).toEqual([]);
    const passed = results.filter(({ verdict }) => verdict === 'pass');
    expect(passed.filter((result) => result.case.recorded).length).toBeGreaterThan(400);
    expect(passed.filter((result) => !result.case.recorded).length).toBeGreaterThan(100);
  });
});

describe('without a compiler', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lguest-conformance-native-'));
  });

  afterAll(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });

  test('it cannot be started, and the packages to install are named', async () => {
    vi.stubEnv('XDG_CACHE_HOME', folder);
    vi.stubEnv('CC', 'no-such-compiler');
    const failure = await builtProgram().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CannotStart);
    if (failure instanceof CannotStart) {
      expect(failure.message).toBe('there is no C compiler "no-such-compiler"');
      expect(failure.cure).toContain('apt-get install gcc gcc-multilib');
    }
  });
});
