// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from 'vitest';
import type { Problem } from './problem.js';
import { parseYaml } from './yaml.js';

function parse(text: string) {
  const problems: Problem[] = [];
  return { yaml: parseYaml('f.yaml', text, problems), problems };
}

test('hex keeps its digits, other numbers are numbers', () => {
  const { yaml } = parse('a: { hex: 90, at: 0x10 }\nb: { hex: 0090 }\nc: { hex: 1e5 }\n');
  expect(yaml?.data).toEqual({ a: { hex: '90', at: 16 }, b: { hex: '0090' }, c: { hex: '1e5' } });
});

test('keys are strings, aliases and merge keys are followed', () => {
  const { yaml } = parse('base: &b { x: 1, y: 2 }\n12: [1]\nuse: { <<: *b, y: 3 }\nsame: *b\n');
  expect(yaml?.data).toEqual({ base: { x: 1, y: 2 }, 12: [1], use: { x: 1, y: 3 }, same: { x: 1, y: 2 } });
});

test('places are those of keys and items', () => {
  const { yaml } = parse('a:\n  - b: 1\n    c: 2\n');
  expect(yaml?.place(['a', 0, 'c'])).toEqual({ line: 3, column: 5 });
  expect(yaml?.place(['a', 0, 'nothing'])).toEqual({ line: 2, column: 5 });
});

test('what is wrong is told with its place', () => {
  const { yaml, problems } = parse('a: 1\na: 2\n');
  expect(yaml).toBeUndefined();
  expect(problems).toEqual([{ file: 'f.yaml', line: 2, column: 1, message: 'Map keys must be unique' }]);
});

test('a text that is cut at the name of an exception is refused', () => {
  expect(parse('title: it raises #GP(0)\n').problems).toEqual([
    { file: 'f.yaml', line: 1, column: 17, message: '"#GP(0)" is a comment here: put the text in quotes' },
  ]);
  expect(parse('title: "it raises #GP(0)" # a comment\nx: 1 # GP\n').problems).toEqual([]);
});
