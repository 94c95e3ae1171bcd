// SPDX-License-Identifier: GPL-2.0-or-later
import { expect, test } from 'vitest';
import { loadSuite } from '../../cases/suite.js';
import { expandCase } from '../../expand/request.js';
import { narrate, type Story } from './narrate.js';

async function storyOf(id: string): Promise<Story> {
  const { cases } = await loadSuite([id.split('/')[0] ?? '']);
  const entry = cases.find((candidate) => candidate.id === id);
  if (entry === undefined) throw new Error(`no case ${id}`);
  const { request } = expandCase(entry, { profile: 'linux-2.6.29', choices: {} });
  return narrate(request, 'linux-2.6.29');
}

test('class processor: instructions, exceptions and what they change', async () => {
  const { lines } = await storyOf('page-fault/handler-makes-the-page');
  expect(lines[0]).toMatch(/^level 0 {2}0008:00008000 {2}8b 1d 00 00 40 00 +MOV$/);
  expect(lines[1]).toContain('-> exception 14 at 0008:00008000, level 0, error code 0000, CR2 00400000');
  expect(lines.join('\n')).toContain('ebx 00000000 -> 11223344');
});

test('class host: what the host does, by clause', async () => {
  const { lines } = await storyOf('io-emulation/in-byte/in-al-dx');
  expect(lines.join('\n')).toMatch(/^MEM-16 .*\nIO-19 .*1234ffff\nIO-21 .*1 byte/);
});

test('class system: the guest step by step, host and Switcher folded', async () => {
  const { lines } = await storyOf('io-emulation/guest-kernel/in-al-dx');
  const guest = lines.findIndex((line) => /^level 1 .* ec +IN$/.test(line));
  expect(lines[guest + 1]).toContain('-> exception 13');
  expect(lines[guest + 2]).toMatch(/^level 0 {2}\d+ instructions of host and Switcher$/);
});
