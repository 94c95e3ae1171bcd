// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from 'vitest';
import type { Case, DataMap, Expectation } from '../cases/case.js';
import { hostStateOf } from '../expand/frame.js';
import { expandCase } from '../expand/request.js';
import type { CaseResult, ConformanceClass, HostEvent } from '../protocol.js';
import { differenceText } from './difference.js';
import { type Judging, judge } from './judge.js';

const judging: Judging = { profile: 'linux-2.6.29', choices: {} };

function caseOf(conformanceClass: ConformanceClass, given: DataMap, expected: Expectation): Case {
  return {
    id: 'execution/test',
    behaviour: 'execution',
    class: conformanceClass,
    clauses: ['EX-1'],
    title: 'a test',
    file: 'cases/execution/test.yaml',
    line: 1,
    recorded: false,
    body: () => ({
      given,
      steps: [{ op: conformanceClass === 'processor' ? 'run' : 'handle_trap', parameters: {}, expected }],
    }),
  };
}

/** What is said of an answer that has these changes of the state before. */
function processor(
  expected: Expectation,
  registers: object,
  memory: object[] = [],
  reading = judging,
): string[] {
  const given = { memory: [{ at: 0x100, hex: '0102' }], registers: { eax: 1 } };
  const expanded = expandCase(caseOf('processor', given, expected), judging);
  const before = expanded.request.given as { registers: object; memory: object[] };
  const state = {
    registers: { ...before.registers, ...registers },
    memory: [...before.memory, ...memory],
    io: [],
  };
  const result: CaseResult = { steps: [{ outcome: { stop: 'hlt' }, state, events: [] }] };
  return judge(expanded, result, reading).flat().map(differenceText);
}

function host(expected: Expectation, changes: DataMap, events: HostEvent[] = []): string[] {
  const expanded = expandCase(caseOf('host', { regs: { eax: 1 } }, expected), judging);
  const state = { ...hostStateOf(expanded.request), ...changes };
  return judge(expanded, { steps: [{ outcome: { stop: 'ok' }, state, events }] }, judging)
    .flat()
    .map(differenceText);
}

test('what is not mentioned must not have changed', () => {
  expect(processor({ state: {} }, {})).toEqual([]);
  expect(processor({ state: {} }, { eax: 2 })).toEqual(['EAX 00000002, expected 00000001']);
  expect(processor({ state: {} }, {}, [{ at: 0x102, hex: 'ff' }])).toEqual([
    'memory[00000100] 00ff0201, expected 00000201',
  ]);
});

test('what is mentioned must have changed', () => {
  const expected = { state: { registers: { eax: 5 }, memory: [{ at: 0x200, hex: 'aa' }] } };
  expect(processor(expected, { eax: 5 }, [{ at: 0x200, hex: 'aa' }])).toEqual([]);
  expect(processor(expected, {})).toEqual([
    'EAX 00000001, expected 00000005',
    'memory[00000200] 00000000, expected 000000aa',
  ]);
});

test('differences are told in architectural terms', () => {
  expect(processor({ state: {} }, { cr0: 0x19, eflags: 0x42 })).toEqual([
    'EFLAGS.ZF 1, expected 0',
    'CR0.TS 1, expected 0',
  ]);
});

test('undefined flags, masks and freedoms are left out', () => {
  expect(processor({ state: {}, undefined_flags: ['ZF'] }, { eflags: 0x43 })).toEqual([
    'EFLAGS.CF 1, expected 0',
  ]);
  expect(processor({ state: {}, unspecified: ['registers.eax'] }, { eax: 2 })).toEqual([]);
  expect(processor({ state: {}, any_of: { eax: [1, 2] } }, { eax: 2 })).toEqual([]);
  expect(processor({ state: {}, any_of: { eax: [3, 4] } }, { eax: 2 })).toEqual([
    'EAX 00000002, expected 00000003 or 00000004',
  ]);
  expect(processor({ state: {}, register_mask: { eax: 0xff } }, { eax: 0x201 })).toEqual([]);
});

test('what cannot be observed is not compared', () => {
  const noMemory = { ...judging, observes: ['registers'] };
  expect(processor({ state: {} }, {}, [{ at: 0, hex: '01' }], noMemory)).toEqual([]);
});

test('the outcome counts', () => {
  expect(processor({ state: {}, outcome: 'shutdown' }, {})).toEqual(['outcome hlt, expected shutdown']);
});

test('host state is compared key by key', () => {
  expect(host({ state: {} }, {})).toEqual([]);
  expect(host({ state: {} }, { lg: { ...LG, dead: 'x' } })).toEqual(['lg.dead "x", expected null']);
  expect(host({ state: { gdt: { 6: [1, 2] } } }, {})).toEqual([
    'gdt[6] 00000000 00000000, expected 00000001 00000002',
  ]);
  expect(host({ state: { host: { cr0: [0x80050033, 0x8005003b] } } }, {})).toEqual([
    'host.cr0[0].TS 1, expected 0',
  ]);
});

const LG: DataMap = {
  ...{ pfn_limit: 0, kernel_address: 0, noirq_start: 0, noirq_end: 0, stack_pages: 0, mem_base: 0 },
  ...{ lguest_data: null, dead: null, dead_errno: 0, restart: false },
  pgdirs: Array.from({ length: 4 }, () => ({ gpgdir: 0, allocated: false })),
};

test('events must occur in order, with at least the named fields', () => {
  const events: HostEvent[] = [{ e: 'wrmsr', msr: 0x174, low: 0 }, { e: 'read_cr2' }, { e: 'cond_resched' }];
  expect(
    host({ state: {}, events: [{ e: 'wrmsr', msr: 0x174 }, { e: 'cond_resched' }] }, {}, events),
  ).toEqual([]);
  expect(host({ state: {}, events: [{ e: 'read_cr2' }, { e: 'wrmsr' }] }, {}, events)).toEqual([
    'wrmsr did not occur after read_cr2, expected that it does; there were: wrmsr, read_cr2, cond_resched',
  ]);
  expect(host({ state: {}, no_events: [{ e: 'read_cr2' }] }, {}, events)).toEqual([
    'read_cr2 occurred, expected that it does not',
  ]);
  expect(host({ state: {}, events_exactly: [{ e: 'wrmsr' }, { e: 'read_cr2' }] }, {}, events)).toEqual([
    'event 3 is cond_resched, expected none; there were: wrmsr, read_cr2, cond_resched',
  ]);
});

test('an answer with too few steps is told', () => {
  const expanded = expandCase(caseOf('host', {}, { state: {} }), judging);
  expect(judge(expanded, { steps: [] }, judging)).toEqual([
    [{ path: 'steps', label: 'the number of steps answered is', actual: '0', expected: '1' }],
  ]);
});
