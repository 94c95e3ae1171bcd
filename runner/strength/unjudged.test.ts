// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from 'vitest';
import { messages, names, narration, operands } from './unjudged.js';

const text = { type: 'StringLiteral' };
const path = (node: object, parent: object | null = null) => ({ node, parent });
const newOf = (name: string) => ({ type: 'NewExpression', callee: { name } });
const noteOf = (object: string, name: string) => ({
  type: 'OptionalCallExpression',
  callee: { object: { property: { name: object } }, property: { name } },
});

test.each([
  ['the text of an error', path(text, newOf('NotModelled'))],
  ['that of a class of errors', path(text, { type: 'CallExpression', callee: { type: 'Super' } })],
  ['its name', path(text, { type: 'AssignmentExpression', left: { property: { name: 'name' } } })],
])('%s is not mutated', (_, syntax) => expect(messages.shouldIgnore(syntax)).toContain('for people'));

test.each([
  ['any other text', path(text, newOf('Map'))],
  ['a number', path({ type: 'NumericLiteral' }, newOf('Error'))],
  ['what is assigned elsewhere', path(text, { type: 'AssignmentExpression', left: { name: 'dead' } })],
])('%s is', (_, syntax) => expect(messages.shouldIgnore(syntax)).toBeUndefined());

test('what `explain` is told is not mutated, what the checker is told is', () => {
  expect(narration.shouldIgnore(path(noteOf('observer', 'note')))).toContain('explain');
  const narrator = { type: 'FunctionDeclaration', id: { name: 'whatIsCopied' } };
  expect(narration.shouldIgnore(path(narrator))).toContain('explain');
  expect(narration.shouldIgnore(path(noteOf('observer', 'boundary')))).toBeUndefined();
  expect(narration.shouldIgnore(path(noteOf('kernel', 'note')))).toBeUndefined();
});

test('the mnemonic of an opcode is not mutated, its operands are', () => {
  const call = {
    type: 'CallExpression',
    callee: { name: 'opcode' },
    arguments: [text, { type: 'StringLiteral' }],
  };
  expect(names.shouldIgnore(path(text, call))).toContain('for people');
  expect(names.shouldIgnore(path(call.arguments[1] ?? text, call))).toBeUndefined();
  const numbered = {
    type: 'CallExpression',
    callee: { name: 'arithmeticRow' },
    arguments: [{ type: 'NumericLiteral' }, text],
  };
  expect(names.shouldIgnore(path(text, numbered))).toContain('for people');
});

test('an empty list of operands is not mutated, any other list is', () => {
  const list = (...elements: object[]) => ({ type: 'ArrayExpression', elements });
  const call = { type: 'CallExpression', callee: { name: 'opcode' } };
  expect(operands.shouldIgnore(path(list(), call))).toContain('compiler');
  expect(operands.shouldIgnore(path(list(text), call))).toBeUndefined();
  expect(operands.shouldIgnore(path(list(), newOf('Set')))).toBeUndefined();
});
