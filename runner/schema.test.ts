// SPDX-License-Identifier: GPL-2.0-or-later

import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { readSchema } from './cases/schema.js';
import { loadSuite } from './cases/suite.js';
import { expandCase } from './expand/request.js';
import { ReferenceImplementation } from './implementations/reference/index.js';
import {
  type CaseRequest,
  type CaseResult,
  type Declaration,
  PROTOCOL_VERSION,
  type ProcessorGiven,
} from './protocol.js';

const reading = { profile: 'linux-2.6.29', choices: {} } as const;
const protocol = readSchema('protocol');
const ajv = new Ajv2020({ allErrors: true, strict: false });
ajv.addSchema(readSchema('host-state'));
ajv.addSchema(protocol);

function problems(definition: string, value: unknown): string[] {
  const validate = ajv.getSchema(`${protocol.$id}#/$defs/${definition}`);
  if (validate === undefined) throw new Error(`the protocol schema has no ${definition}`);
  if (validate(value) === true) return [];
  return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
}

const suite = await loadSuite();

test('every case file follows the schema and has no other problem', () => {
  expect(suite.problems).toEqual([]);
});

test('every request follows the schema', () => {
  const wrong = suite.cases.flatMap((entry) => {
    const found = problems('run_case', expandCase(entry, reading).request);
    return found.length === 0 ? [] : [`${entry.id}: ${found.join('; ')}`];
  });
  expect(wrong).toEqual([]);
});

test('what the reference answers follows the schema', async () => {
  const reference = new ReferenceImplementation('linux-2.6.29');
  expect(problems('declaration', await reference.start())).toEqual([]);
  const wrong: string[] = [];
  for (const [index, entry] of suite.cases.entries()) {
    if (index % 11 !== 0) continue;
    const { request } = expandCase(entry, reading);
    const answer = reference.run(request);
    if (answer.kind !== 'result') continue;
    const found = problems(request.class === 'processor' ? 'processorResult' : 'hostResult', answer.result);
    if (found.length > 0) wrong.push(`${entry.id}: ${found.slice(0, 3).join('; ')}`);
  }
  expect(wrong).toEqual([]);
});

const segment = { selector: 8, base: 0, limit: 0xffffffff, attributes: 0xc09b };
const given: ProcessorGiven = {
  memory_size: 4096,
  memory: [{ at: 0, hex: 'f4' }],
  registers: {
    ...{ eax: 0, ecx: 0, edx: 0, ebx: 0, esp: 0, ebp: 0, esi: 0, edi: 0, eip: 0, eflags: 2 },
    ...{ cr0: 17, cr2: 0, cr3: 0, cr4: 0, sysenter_cs: 0, sysenter_esp: 0, sysenter_eip: 0 },
    ...{
      es: segment,
      cs: segment,
      ss: segment,
      ds: segment,
      fs: segment,
      gs: segment,
      tr: segment,
      ldtr: segment,
    },
    gdtr: { base: 0, limit: 0 },
    idtr: { base: 0, limit: 0 },
  },
  io: [{ port: 96, size: 1, value: 255 }],
};
const request: CaseRequest = {
  id: 'execution/hlt',
  class: 'processor',
  profile: 'hardened',
  given,
  steps: [{ op: 'run', until: 'hlt', max_instructions: 10, interrupts: [{ after: 1, vector: 32 }] }],
  observe: { registers: true, memory: [[0, 4096]] },
};
const result: CaseResult = {
  steps: [
    {
      outcome: { stop: 'hlt' },
      state: { registers: given.registers, memory: [], io: [{ dir: 'in', port: 96, size: 1, value: 255 }] },
      events: [],
    },
  ],
};
const declaration: Declaration = {
  protocol_version: PROTOCOL_VERSION,
  implementation: { name: 'an adapter', version: '1', language: 'C', homepage: 'https://example.org' },
  classes: ['processor'],
  profile: 'linux-2.6.29',
  operations: ['run'],
  observes: ['registers'],
  features: [],
  choices: { pushed_selector: 'zero_extended' },
};

test('the types of protocol.ts and the schema agree on examples', () => {
  expect(problems('run_case', request)).toEqual([]);
  expect(problems('processorResult', result)).toEqual([]);
  expect(problems('declaration', declaration)).toEqual([]);
  expect(problems('request', { jsonrpc: '2.0', id: 1, method: 'run_case', params: request })).toEqual([]);
  expect(problems('response', { jsonrpc: '2.0', id: 1, result })).toEqual([]);
});

test.each<[string, unknown]>([
  ['a negative number', { ...request, given: { ...given, memory_size: -1 } }],
  ['a number as text', { ...request, given: { ...given, memory_size: '4096' } }],
  ['hex with 0x', { ...request, given: { ...given, memory: [{ at: 0, hex: '0xf4' }] } }],
  ['an unknown key', { ...request, given: { ...given, extra: 1 } }],
  ['a missing register', { ...request, given: { ...given, registers: { eax: 0 } } }],
  ['no steps', { ...request, steps: [] }],
  ['another class', { ...request, class: 'kernel' }],
])('the schema refuses a request with %s', (_, wrong) => {
  expect(problems('run_case', wrong)).not.toEqual([]);
});
