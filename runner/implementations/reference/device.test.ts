// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, it } from 'vitest';
import type { CaseRequest, RequestStep } from '../../protocol.js';
import type { Answer } from '../implementation.js';
import { ReferenceImplementation } from './index.js';

const WITH_FILE = { mem_size: 0x1000, lg: { pfn_limit: 1 }, file: {} };

function request(given: object, step: RequestStep): CaseRequest {
  return {
    id: 'test/case',
    class: 'host',
    profile: 'linux-2.6.29',
    given: { ...given },
    steps: [step],
    observe: {},
  };
}

const reference = new ReferenceImplementation('linux-2.6.29');

function returned(answer: Answer): unknown {
  return answer.kind === 'result' ? answer.result.steps[0]?.outcome.return : answer;
}

describe('calls that are not as the protocol says', () => {
  const irq = { op: 'lguest_write', args: { offset: 0, words: [2, 1] } };

  it.each<[string, object, RequestStep]>([
    ['a call without a file', { mem_size: 0x1000 }, irq],
    ['a file without memory for a guest', { guests: [], file: {} }, irq],
    ['loading without a module', { mem_size: 0x1000 }, { op: 'lguest_init' }],
    ['an offset that is not a number', WITH_FILE, { ...irq, args: { offset: '12', words: [] } }],
    [
      'an offset of more than 64 bits',
      WITH_FILE,
      { ...irq, args: { offset: '0x10000000000000000', words: [] } },
    ],
    ['an unknown access', WITH_FILE, { ...irq, user_buffer_access: 'secret' }],
    [
      'an unknown call while asleep',
      WITH_FILE,
      { op: 'lguest_write', args: { words: [3, 1] }, meanwhile: [{ op: 'fly' }] },
    ],
    ['a module on a host that has one', { module: {} }, { op: 'lguest_init' }],
  ])('%s', (_, given, step) => {
    expect(reference.run(request(given, step))).toMatchObject({ kind: 'error', code: 1002 });
  });
});

describe('offsets', () => {
  it.each([
    ['0x0', 0],
    ['0x7fffffff00000000', 0],
    ['0x7fffffff00000001', -22],
    ['0x8000000000000000', -22],
  ])('%s', (offset, result) => {
    const step = { op: 'lguest_write', args: { offset, words: [2, 1] } };
    expect(returned(reference.run(request(WITH_FILE, step)))).toBe(result);
  });
});
