// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, it } from 'vitest';
import type { CaseRequest, ConformanceClass } from '../../protocol.js';
import { ReferenceImplementation } from './index.js';

/** 64 KiB of guest memory, mapped at 0, with the page directory at 1000h and the page table at 2000h. */
const GUEST = {
  mem_size: 0x10000,
  lg: { pfn_limit: 0x10, mem_base: 0x10000000, pgdirs: [{ gpgdir: 0x1000, allocated: true }] },
  regs: { cs: 0x61, ss: 0x69, eflags: 0x202 },
  memory: [
    { at: 0x1000, hex: '67200000' },
    { at: 0x2000, hex: '67000000671000006720000067300000' },
  ],
};

function request(given: object, step: object, conformanceClass: ConformanceClass = 'host'): CaseRequest {
  return {
    id: 'test/case',
    class: conformanceClass,
    profile: 'linux-2.6.29',
    given: { ...given },
    steps: [{ op: 'run_guest', ...step }],
    observe: {},
  };
}

const reference = new ReferenceImplementation('linux-2.6.29');

describe('requests that are not as the protocol says', () => {
  it.each([
    ['a number that is not one', { regs: { eax: 'x' } }],
    ['a negative number', { cpu: { ts: -1 } }],
    ['a number of more than 32 bits', { cpu: { ts: 0x1_0000_0000 } }],
    ['a map that is a list', { regs: [] }],
    ['a list that is a map', { memory: {} }],
    ['a list of something else than maps', { memory: [1] }],
    ['bytes that are not hex', { memory: [{ at: 0, hex: 'xy' }] }],
    ['memory outside of mem_size', { mem_size: 0x1000, memory: [{ at: 0x1000, hex: '00' }] }],
    ['more guest memory than there can be', { mem_size: 0x40000000 }],
    ['an unknown page access', { page_access: [{ guest_pfn: 0, access: 'closed' }] }],
    ['five page directories', { lg: { pgdirs: [{}, {}, {}, {}, {}] } }],
    ['a shadow entry without a directory', { shadow: { pde: [{ pgdir: 0, vaddr: 0, flags: 7 }] } }],
    [
      'a shadow page table entry without a table',
      { ...GUEST, shadow: { pte: [{ pgdir: 0, vaddr: 0, flags: 7 }] } },
    ],
    ['too many host CPUs', { host: { nr_cpu_ids: 5 } }],
    ['a host CPU that is not there', { host: { host_cpu: 2 } }],
    ['a register that is not there', { ...GUEST, script: [{ regs: { rax: 1 } }] }],
    ['a GDT entry that is not there', { gdt: { 32: [0, 0] } }],
    ['an IDT entry that is not there', { idt: { 256: [0, 0] } }],
    ['a descriptor that is not there', { pages: { guest_gdt: { 32: [0, 0] } } }],
  ])('%s', (_, given) => {
    expect(reference.run(request(given, {}))).toMatchObject({ kind: 'error', code: 1002 });
  });

  it('a virtual CPU that is not given', () => {
    const answer = reference.run(request(GUEST, { op: 'handle_trap', vcpu: 1 }));
    expect(answer).toMatchObject({ kind: 'error', code: 1002 });
  });

  it.each(['host', 'system'] as const)('a guest of class %s that runs without a page directory', (name) => {
    const answer = reference.run(request({ ...GUEST, lg: { pfn_limit: 0x10 } }, {}, name));
    expect(answer).toMatchObject({ kind: 'error', code: 1002, message: expect.stringContaining('pgdirs') });
  });

  it.each([
    ['demand_page', { vaddr: 0, errcode: 4 }],
    ['guest_pagetable_flush_user', {}],
  ])('the same of a guest that is only changed: %s', (op, args) => {
    const lg = { pfn_limit: 0x10, kernel_address: 0xc0000000, pgdirs: [{ gpgdir: 0x1000 }] };
    const given = { ...GUEST, lg };
    const answer = reference.run(request(given, { op, args }));
    expect(answer).toMatchObject({ kind: 'error', code: 1002, message: expect.stringContaining('pgdirs') });
  });

  it('the same behind a call on the device', () => {
    const answer = reference.run(request({ file: {} }, { op: 'lguest_read', args: {} }));
    expect(answer).toMatchObject({ kind: 'error', code: 1002, message: expect.stringContaining('pgdirs') });
  });

  it('an interrupt without a vector', () => {
    const answer = reference.run(request(GUEST, { interrupts: [{ after: 1 }] }, 'system'));
    expect(answer).toMatchObject({ kind: 'error', code: 1002 });
  });
});

describe('what the reference does not do', () => {
  it('an operation that it does not know', () => {
    expect(reference.run(request(GUEST, { op: 'fly' }))).toEqual({
      kind: 'unsupported',
      reason: 'not modelled: operation fly',
    });
  });
});

describe('how a step ends', () => {
  const stopOf = (given: object, step: object, conformanceClass: ConformanceClass = 'host') => {
    const answer = reference.run(request(given, step, conformanceClass));
    return answer.kind === 'result' ? answer.result.steps[0]?.outcome.stop : answer;
  };

  it('host_bug: an assertion of the host', () => {
    expect(stopOf(GUEST, { op: 'guest_pa', args: { vaddr: 0xd0000000 } })).toBe('host_bug');
  });

  it('host_bug: the same in the whole life of a guest', () => {
    // INIT with lguest_data at 5000h; LOAD_IDT_ENTRY of vector 14; a stack and an access where nothing is mapped
    const init = 'b801000000' + 'ba00500000' + 'cd1f';
    const gate = 'b806000000' + 'ba0e000000' + 'bb00906100' + 'b9008e0000' + 'cd1f';
    const fault = 'bc00000080' + 'a100004000';
    const memory = [
      { at: 0x2d8, hex: '00000100' }, // the size of its memory
      { at: 0x5468, hex: '000000c0' + '80000000' }, // kernel_address and syscall_vec
      { at: 0x8000, hex: init + gate + fault },
    ];
    const given = { mem_size: 0x10000, memory };
    const args = { pfn_limit: 0x10, start: 0x8000 };
    expect(stopOf(given, { op: 'run_launcher', args, max_instructions: 1000 }, 'system')).toBe('host_bug');
  });

  it('host_hang: a loop through the whole address space', () => {
    const args = { seg: 0x69, esp: 0x3000, pages: 0xffffffff };
    expect(
      stopOf(
        { ...GUEST, lg: { ...GUEST.lg, pgdirs: [{ gpgdir: 0xf00000, allocated: true }] } },
        {
          op: 'guest_set_stack',
          args,
        },
      ),
    ).toBe('host_hang');
  });

  it('none: a guest that would run with its interrupts off breaks a promise of isolation', () => {
    const loop = { ...GUEST, regs: { ...GUEST.regs, eip: 0, eflags: 2 }, gdt: FLAT };
    const memory = [...GUEST.memory, { at: 0, hex: 'ebfe' }];
    const run = () => stopOf({ ...loop, memory }, { max_instructions: 50 }, 'system');
    expect(run).toThrow('ISO-16 is broken: EFLAGS 0x2 at 0x0');
  });

  it('ok: a guest that faults for ever without executing anything gets a signal', () => {
    // The page directory entry is read-only and the page table entry is not: every write faults again.
    const memory = [
      { at: 0, hex: 'c6050030000001' }, // mov byte [3000h], 1
      { at: 0x1000, hex: '65200000' },
      { at: 0x2000, hex: '67000000671000006720000067300000' },
    ];
    const given = { ...GUEST, memory, regs: { ...GUEST.regs, ds: 0x69 }, gdt: FLAT };
    expect(stopOf(given, { max_instructions: 50 }, 'system')).toBe('ok');
  });
});

const FLAT = { 12: [0x0000ffff, 0x00cfbb00], 13: [0x0000ffff, 0x00cfb300] };
