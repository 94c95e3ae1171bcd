// SPDX-License-Identifier: GPL-2.0-or-later

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadSuite } from '../cases/suite.js';
import { packageRoot } from '../package.js';
import { tableOf } from './deviations.js';

const { cases } = await loadSuite();
const suite = cases.filter((entry) => entry.class === 'processor');
const page = readFileSync(join(packageRoot, 'spec', 'implementations.md'), 'utf8');
const CURE = 'stale: make it again with lguest-conformance matrix --page spec/implementations.md';

describe('the page of the implementations', () => {
  it('has the behaviours that the suite has', () => {
    const [, matrix = ''] = page.split('## By behaviour');
    const rows = [...matrix.matchAll(/^\| \[([a-z0-9-]+)\]\(/gm)].map(([, behaviour]) => behaviour);
    expect(rows, CURE).toEqual([...new Set(suite.map(({ behaviour }) => behaviour))].sort());
  });

  it('names cases and tables that the suite has', () => {
    const ids = new Set(suite.flatMap(({ id }) => [id, `${tableOf(id)}/*`]));
    const named = [...page.matchAll(/`([a-z0-9-]+\/[^`]+)`/g)].map(([, id]) => id ?? '');
    expect(named.length).toBeGreaterThan(100);
    expect(
      named.filter((id) => !ids.has(id)),
      CURE,
    ).toEqual([]);
  });

  it('has a chapter for each implementation that can be had', () => {
    const chapters = [...page.matchAll(/^## (\S+) \S+$/gm)].map(([, name]) => name);
    const all = ['lguest-conformance', 'native', 'bochs', 'qemu-tcg', 'v86', 'unicorn'];
    expect(chapters, CURE).toEqual(expect.arrayContaining(all));
  });
});
