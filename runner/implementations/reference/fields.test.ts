// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from 'vitest';
import { bytesAt, MalformedCase } from './fields.js';

/** Short texts and long ones are decoded in different ways. */
const ZEROS = ['', '00'.repeat(100)];

test.each(ZEROS)('bytes are read from hex digits of either case', (zeros) => {
  const bytes = bytesAt({ hex: `${zeros}09afAF` }, 'hex');
  expect([...bytes.subarray(-3)]).toEqual([0x09, 0xaf, 0xaf]);
  expect(bytes.length).toBe(zeros.length / 2 + 3);
});

test('what was read stays as it is when more is read', () => {
  const bytes = bytesAt({ hex: '0102' }, 'hex');
  bytesAt({ hex: '0304' }, 'hex');
  expect([...bytes]).toEqual([1, 2]);
});

test.each(ZEROS.flatMap((zeros) => [`${zeros}0`, `${zeros}0g`, `${zeros}g0`]))(
  'what is not hex is refused',
  (hex) => {
    expect(() => bytesAt({ hex }, 'hex')).toThrow(MalformedCase);
  },
);
