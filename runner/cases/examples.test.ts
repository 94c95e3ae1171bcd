// SPDX-License-Identifier: GPL-2.0-or-later

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rowsOf, substitute } from './examples.js';

test('a string that is nothing but a column takes its value with its type', () => {
  const columns = { eax: 255, mask: [1, 2], asm: 'nop' };
  expect(substitute({ a: '{eax}', b: '{mask}', c: '{asm}!' }, columns)).toEqual({
    a: 255,
    b: [1, 2],
    c: 'nop!',
  });
});

test('formats are those of numbers', () => {
  const text = substitute('{n} {n:x} {n:02x} {n:08X} {n:4x} {n:d}', { n: 0xab });
  expect(text).toBe('171 ab ab 000000AB   ab 171');
});

test('formatted bytes read back as the numbers that they were', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 255 }), (n) => {
      const text = substitute('{n:02x}', { n });
      expect(text).toHaveLength(2);
      expect(Number.parseInt(String(text), 16)).toBe(n);
    }),
  );
});

test('keys are substituted too', () => {
  expect(substitute({ '{reg}': 1 }, { reg: 'eax' })).toEqual({ eax: 1 });
});

test('a column that the table does not have is an error', () => {
  expect(() => substitute('{eac}', { eax: 1 })).toThrow('the table has no column "eac"');
  expect(() => substitute('{eax:02x}', { eax: 'no' })).toThrow('column "eax" is not a number');
});

test('a product of a range and a table has a row for each pair', () => {
  const rows = rowsOf({
    product: [
      { range: 'byte', from: 0xe4, to: 0xe6, except: [0xe5] },
      [
        { id: 'plain', prefix: '' },
        { id: 'o16', prefix: '66' },
      ],
    ],
  });
  expect(rows.map((row) => row.id)).toEqual(['e4-plain', 'e4-o16', 'e6-plain', 'e6-o16']);
  expect(rows[3]?.columns).toEqual({ byte: 0xe6, prefix: '66' });
});

test.each([
  [[{ id: 'a' }, { id: 'a' }], 'two rows have the id "a"'],
  [[{ id: 'A b' }], '"A b" is not a row id'],
  [[{ eax: 1 }], 'a row of a table needs an id'],
  [[], 'the table has no rows'],
  [{ product: [[{ id: 'a', x: 1 }], [{ id: 'b', x: 2 }]] }, 'two tables of a product have the column "x"'],
])('%j is refused', (examples, message) => {
  expect(() => rowsOf(examples)).toThrow(message);
});
