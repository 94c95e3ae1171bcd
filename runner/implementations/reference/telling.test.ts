// SPDX-License-Identifier: GPL-2.0-or-later

/** An answer that shares objects with the request must mean what the answer of the protocol means. */

import { beforeAll, describe, expect, it } from 'vitest';
import type { Case } from '../../cases/case.js';
import { loadSuite } from '../../cases/suite.js';
import { MemoryImage } from '../../expand/image.js';
import { expandCase } from '../../expand/request.js';
import { CONFORMANCE_CLASSES, isObject, type MemoryRun, type StepResult } from '../../protocol.js';
import { readChoices, withDefaults } from '../../spec.js';
import type { Answer } from '../implementation.js';
import { ReferenceImplementation } from './index.js';

/** Not all of them: the whole suite is judged in both forms elsewhere. */
const EVERY = 47;
const TABLES = new Set(['gdt', 'idt']);

let cases: Case[];
beforeAll(async () => {
  cases = (await loadSuite()).cases.filter(({ withdrawn }) => withdrawn === undefined);
});

describe.each(CONFORMANCE_CLASSES)('class %s', (name) => {
  it.each(['linux-2.6.29', 'hardened'] as const)('means the same, profile %s', (profile) => {
    const whole = new ReferenceImplementation(profile);
    const shared = new ReferenceImplementation(profile, 'shared');
    const reading = { profile, choices: withDefaults(readChoices(), undefined) };
    const tried = cases.filter((entry) => entry.class === name && entry.profile !== otherThan(profile));
    for (const entry of tried.filter((_, index) => index % EVERY === 0)) {
      const { request } = expandCase(entry, reading);
      expect(steps(shared.run(request)), entry.id).toEqual(steps(whole.run(request)));
    }
  });
});

function otherThan(profile: 'linux-2.6.29' | 'hardened'): string {
  return profile === 'hardened' ? 'linux-2.6.29' : 'hardened';
}

function steps(answer: Answer): unknown {
  if (answer.kind !== 'result') return answer;
  return answer.result.steps.map((step: StepResult) => ({ ...step, state: plain('', step.state) }));
}

/** A state in which everything that may be told in several ways is told in one. */
function plain(key: string, value: unknown): unknown {
  if (key === 'memory') return MemoryImage.of(value as MemoryRun[]).runs();
  if (Array.isArray(value)) {
    const list = value.map((element) => plain('', element));
    return key === 'pde' || key === 'pte' ? sorted(list) : list;
  }
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([inner, part]) => [inner, plain(inner, part)] as const);
  return Object.fromEntries(TABLES.has(key) ? entries.filter(([, pair]) => !isZero(pair)) : entries);
}

function sorted(list: unknown[]): unknown[] {
  return list
    .filter(isObject)
    .map(({ pgdir, vaddr, flags, guest_pfn }) => JSON.stringify({ pgdir, vaddr, flags, guest_pfn }))
    .sort();
}

function isZero(pair: unknown): boolean {
  return Array.isArray(pair) && pair.every((word) => word === 0);
}
