// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from 'vitest';
import { loadSuite } from '../../cases/suite.js';
import { ReferenceImplementation } from '../../implementations/reference/index.js';
import { hostRequest, originOf } from './case.js';
import { hostCaseText } from './yaml.js';

/** The text of a case in which a guest faults again and again, but for the limit that is given. */
async function textOf(max_instructions: number): Promise<string> {
  const { cases } = await loadSuite(['page-fault']);
  const origin = cases.find(({ id }) => id === 'page-fault/directory-entry-read-only');
  const entry = origin === undefined ? undefined : originOf(origin);
  if (entry === undefined) throw new Error('there is no such case');
  for (const step of entry.steps) step.max_instructions = max_instructions;
  const implementation = new ReferenceImplementation('linux-2.6.29');
  const request = hostRequest(entry, 'linux-2.6.29');
  const contestant = { implementation, declaration: await implementation.start() };
  const reference = { contestant, request, answer: implementation.run(request) };
  return hostCaseText(entry, { differences: [], reference, other: reference }, ['nobody']);
}

test('all events are told, and of very many the first', async () => {
  const [short, long, longer] = [await textOf(10), await textOf(1000), await textOf(5000)];
  expect(short).toContain('events_exactly:');
  expect(long).toMatch(/^ +events:$/m);
  expect(long).not.toContain('events_exactly:');
  expect(longer.split('\n').length).toBe(long.split('\n').length);
});
