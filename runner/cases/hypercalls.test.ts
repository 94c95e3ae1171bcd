// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, it } from 'vitest';
import { hypercallDifferences } from '../compare/hypercalls.js';
import { expectedHypercalls } from './hypercalls.js';

describe('a line of hypercalls', () => {
  it('names the call, its arguments, and the ring', () => {
    expect(expectedHypercalls(['ring SET_STACK 0x69 _ 1'])).toEqual([
      { number: 7, ring: true, args: [0x69, null, 1] },
    ]);
  });

  it('may stand for several', () => {
    expect(expectedHypercalls(['2 * NOTIFY', 'HALT'])).toEqual([
      { number: 17, ring: false, args: [] },
      { number: 17, ring: false, args: [] },
      { number: 10, ring: false, args: [] },
    ]);
  });

  it.each(['NOTIFIED', 'notify', 'NOTIFY here', 'NOTIFY 1 2 3 4', 'NOTIFY 0x100000000', '2 NOTIFY', ''])(
    'is refused: "%s"',
    (line) => expect(() => expectedHypercalls([line])).toThrow(/hypercall|arguments|32 bits/),
  );
});

describe('two lists of hypercalls', () => {
  const notify = { number: 17, ring: false, args: [0x9000, 0, 0] };
  const fromRing = { ...notify, ring: true };

  it('are equal when the named arguments are', () => {
    expect(hypercallDifferences('hypercalls', [notify], expectedHypercalls(['NOTIFY 0x9000']))).toEqual([]);
    expect(hypercallDifferences('hypercalls', [notify], expectedHypercalls(['NOTIFY _ 0']))).toEqual([]);
  });

  it.each([
    ['another argument', [notify], ['NOTIFY 0x9001']],
    ['another call', [notify], ['HALT']],
    ['from the ring', [fromRing], ['NOTIFY']],
    ['not from the ring', [notify], ['ring NOTIFY']],
    ['one too many', [notify, notify], ['NOTIFY']],
    ['one missing', [notify], ['2 * NOTIFY']],
  ])('differ: %s', (_, is, should) => {
    expect(hypercallDifferences('hypercalls', is, expectedHypercalls(should))).toHaveLength(1);
  });
});
