// SPDX-License-Identifier: GPL-2.0-or-later
import { describe, expect, it } from 'vitest';
import { loadSuite } from '../../cases/suite.js';
import { expandCase } from '../../expand/request.js';
import type { CaseRequest } from '../../protocol.js';
import { ReferenceImplementation } from './index.js';

const reference = new ReferenceImplementation('linux-2.6.29');

/** A case of class processor that passes, as a request. */
async function requestOf(id: string): Promise<CaseRequest> {
  const { cases } = await loadSuite([id.split('/')[0] ?? '']);
  const entry = cases.find((candidate) => candidate.id === id);
  if (entry === undefined) throw new Error(`no case ${id}`);
  return expandCase(entry, { profile: 'linux-2.6.29', choices: {} }).request;
}

describe('requests of class processor that are not as the protocol says', () => {
  it.each([
    ['registers that are not complete', { registers: { eax: 0 } }],
    ['no memory', { memory: undefined }],
    ['no ports', { io: undefined }],
    ['memory outside of memory_size', { memory: [{ at: 0x1ffff, hex: 'f4f4' }] }],
  ])('%s', async (_, change) => {
    const request = await requestOf('execution/hlt-ends-the-run');
    const answer = reference.run({ ...request, given: { ...request.given, ...change } });
    expect(answer).toMatchObject({ kind: 'error', code: 1002 });
  });

  it('an operation that the class does not have', async () => {
    const request = await requestOf('execution/hlt-ends-the-run');
    expect(reference.run({ ...request, steps: [{ op: 'fly' }] })).toMatchObject({
      kind: 'error',
      code: 1002,
    });
  });
});

it('what is not modelled is answered as unsupported, with the bytes', async () => {
  const request = await requestOf('execution/hlt-ends-the-run');
  const memory = [...(Array.isArray(request.given.memory) ? request.given.memory : [])];
  memory.push({ at: 0x8000, hex: '0fe0c0f4' }); // PAVGB
  const answer = reference.run({ ...request, given: { ...request.given, memory } });
  expect(answer).toMatchObject({ kind: 'unsupported', reason: expect.stringContaining('0f e0 c0') });
});
