// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * What of the reference no case can judge, because it is text for people: it is not mutated. All else is. Each of these gives
 * the reason to whoever reads Stryker's report.
 */

import type { Ignorer, NodePath } from '@stryker-mutator/api/ignore';

/** As much of a node of Babel's syntax tree as is looked at. */
interface Syntax {
  type?: string;
  name?: string;
  value?: string;
  id?: Syntax | null;
  left?: Syntax;
  callee?: Syntax;
  object?: Syntax;
  property?: Syntax;
  arguments?: Syntax[];
  elements?: unknown[];
}

interface SyntaxPath extends NodePath {
  node: Syntax;
  parent: Syntax | null;
}

/** Errors that say that the reference or its user is wrong, or that something is not modelled. */
const ERRORS = new Set(['Error', 'NotModelled', 'HostBug', 'HostHang', 'IsolationBroken']);
const TEXTS = new Set(['StringLiteral', 'TemplateLiteral']);
/** Functions that put words together for `explain`. */
const NARRATORS = new Set(['whatIsCopied']);
/** The functions that make entries of an opcode table; the first text among their arguments is the mnemonic. */
const ENTRY_MAKERS = /^(opcode|lockable|arithmeticRow|row|conditionRow|withMemoryRow|vector|shift|m|r|r6)$/;

export const messages = ignorer(
  'the text and the name of an error are for people; that it is thrown is judged',
  ({ node, parent }) => isText(node) && (isErrorArgument(parent) || isErrorName(parent)),
);

export const narration = ignorer(
  'what `explain` is told, no case is',
  ({ node }) => isNote(node) || (node.type === 'FunctionDeclaration' && NARRATORS.has(node.id?.name ?? '')),
);

function isErrorArgument(parent: Syntax | null): boolean {
  if (parent?.type === 'NewExpression') return ERRORS.has(parent.callee?.name ?? '');
  return parent?.type === 'CallExpression' && parent.callee?.type === 'Super';
}

/** `this.name = ...`, which only errors have. */
function isErrorName(parent: Syntax | null): boolean {
  return parent?.type === 'AssignmentExpression' && parent.left?.property?.name === 'name';
}

function isNote({ type, callee }: Syntax): boolean {
  return (
    type === 'OptionalCallExpression' &&
    callee?.object?.property?.name === 'observer' &&
    ['note', 'hypercall', 'event'].includes(callee.property?.name ?? '')
  );
}

export const names = ignorer(
  'the name of an instruction is for people; what it does is judged',
  ({ node, parent }) => isText(node) && makesEntry(parent) && parent?.arguments?.find(isText) === node,
);

export const operands = ignorer(
  'the only change of an empty list of operands is a text that is no operand, which the compiler refuses',
  ({ node, parent }) => node.type === 'ArrayExpression' && node.elements?.length === 0 && makesEntry(parent),
);

function makesEntry(node: Syntax | null): boolean {
  return node?.type === 'CallExpression' && ENTRY_MAKERS.test(node.callee?.name ?? '');
}

function isText({ type }: Syntax): boolean {
  return TEXTS.has(type ?? '');
}

function ignorer(reason: string, isUnjudged: (path: SyntaxPath) => boolean): Ignorer {
  return {
    shouldIgnore: (path: NodePath) => (isPath(path) && isUnjudged(path) ? reason : undefined),
  };
}

/** Stryker hands out Babel's paths, but does not say so in its types. */
function isPath(path: NodePath): path is SyntaxPath {
  return 'node' in path && 'parent' in path;
}
