// SPDX-License-Identifier: GPL-2.0-or-later

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PAGE_SIZE, PhysicalMemory } from './memory.js';
import type { Moment } from './moment.js';

const PAGES = 40;

/** Numbers of the pages that hold something else than at the moment, ascending. */
function changedSince(moment: Moment): number[] {
  const changed = moment.written().filter(({ old, now }) => old.some((word, index) => word !== now[index]));
  return changed.map(({ page }) => page).sort((a, b) => a - b);
}

describe('a moment', () => {
  it('knows each page that was written since, and what it held', () => {
    const memory = new PhysicalMemory(PAGES * PAGE_SIZE);
    memory.write32(0x1004, 0x11111111);
    const moment = memory.moment();
    memory.write8(0x1004, 0x22);
    memory.write8(0x1005, 0x33);
    memory.load(0x2ffe, Uint8Array.of(1, 2, 3, 4));
    const [first, ...others] = moment.written();
    expect([first?.page, first?.old[1], first?.now[1]]).toEqual([1, 0x11111111, 0x11113322]);
    expect(others.map(({ page }) => page)).toEqual([2, 3]);
  });

  it('looks back to where it began last', () => {
    const memory = new PhysicalMemory(PAGES * PAGE_SIZE);
    const moment = memory.moment();
    memory.write32(0, 1);
    moment.begin();
    expect(moment.written()).toEqual([]);
    memory.write32(4, 2);
    expect(moment.written().map(({ old }) => [old[0], old[1]])).toEqual([[1, 0]]);
  });

  it('begins anew with another content', () => {
    const memory = new PhysicalMemory(PAGES * PAGE_SIZE);
    const moment = memory.moment();
    memory.write32(0, 1);
    memory.clear();
    expect(moment.written()).toEqual([]);
    memory.write32(0x3000, 1);
    expect(changedSince(moment)).toEqual([3]);
    expect(memory.isTouched(0x3fff)).toBe(true);
    expect(memory.isTouched(0)).toBe(false);
  });

  it('has no influence on another one, nor on what was touched', () => {
    const write = fc.record({ page: fc.nat(PAGES - 1), value: fc.integer({ min: 1, max: 255 }) });
    const action = fc.oneof(write, fc.constantFrom('first', 'second' as const));
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const memory = new PhysicalMemory(PAGES * PAGE_SIZE);
        const moments = { first: memory.moment(), second: memory.moment() };
        const contents = { first: memory.bytes.slice(), second: memory.bytes.slice() };
        const touched = new Set<number>();
        for (const act of actions) {
          if (typeof act === 'string') {
            moments[act].begin();
            contents[act] = memory.bytes.slice();
          } else {
            memory.write8(act.page * PAGE_SIZE + 5, act.value);
            touched.add(act.page);
          }
        }
        for (const name of ['first', 'second'] as const) {
          const differing = Array.from({ length: PAGES }, (_, page) => page).filter(
            (page) => memory.read8(page * PAGE_SIZE + 5) !== contents[name][page * PAGE_SIZE + 5],
          );
          expect(changedSince(moments[name])).toEqual(differing);
        }
        expect(memory.touchedPages()).toEqual([...touched].sort((a, b) => a - b));
      }),
    );
  });

  it('is one of seven at most', () => {
    const memory = new PhysicalMemory(PAGE_SIZE);
    for (let i = 0; i < 7; i++) memory.moment();
    memory.write8(0, 1);
    expect(() => memory.moment()).toThrow('seven');
  });
});
