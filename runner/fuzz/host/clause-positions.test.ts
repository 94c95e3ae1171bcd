// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from 'vitest';
import { clausePositions, reachedClauses } from './clause-positions.js';

const TEXT = `/** The whole function (A-1). */
function f(x) {
  if (x) return 1; // A-2 E-3
  // A-4
  g();
  return 'B-9'; // not A-99
}
`;
const known = new Set(['A-1', 'A-2', 'E-3', 'A-4', 'B-9']);
const at = (part: string): number => TEXT.indexOf(part);

test('a comment is about the code before it on its line, else about the code after it', () => {
  expect(clausePositions(TEXT, known)).toEqual([
    { clause: 'A-1', offset: at('{') },
    { clause: 'A-2', offset: at('return 1;') + 8 },
    { clause: 'E-3', offset: at('return 1;') + 8 },
    { clause: 'A-4', offset: at('g();') + 3 },
  ]);
});

test('the smallest measured part around a place counts', () => {
  const whole = { startOffset: at('function'), endOffset: TEXT.length - 1, count: 3 };
  const branch = { startOffset: at('return 1;'), endOffset: at('return 1;') + 9, count: 0 };
  const rest = { startOffset: at('g();'), endOffset: TEXT.length - 2, count: 2 };
  const positions = clausePositions(TEXT, known);
  expect(reachedClauses(positions, [whole, branch, rest])).toEqual(['A-1', 'A-4']);
  expect(reachedClauses(positions, [whole, { ...branch, count: 1 }])).toEqual(['A-1', 'A-2', 'E-3', 'A-4']);
  expect(reachedClauses(positions, [])).toEqual([]);
});
