// SPDX-License-Identifier: GPL-2.0-or-later

import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml';
import type { Data, DataMap } from './case.js';
import type { Problem } from './problem.js';

/** A YAML file as plain data, which still knows where each of its nodes stands. */
export interface YamlFile {
  data: Data;
  /** Line and column of the node that the path leads to, or of the nearest node above it. */
  place(path: readonly (string | number)[]): { line: number; column: number };
}

/**
 * Parses one YAML file. Numbers in `hex` keys keep their text (`hex: 90` is the byte 90h, not ninety), and map keys become
 * strings. Syntax errors and duplicate keys are added to `problems`; then the answer is undefined.
 */
export function parseYaml(file: string, text: string, problems: Problem[]): YamlFile | undefined {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const faults = [...document.errors, ...document.warnings];
  for (const fault of faults) {
    const { line, col } = lines.linePos(fault.pos[0]);
    problems.push({ file, line, column: col, message: sentenceOf(fault.message) });
  }
  refuseCutText(file, document, lines, problems);
  if (faults.length > 0) return undefined;
  return {
    data: plain(document.contents, document),
    place: (path) => {
      const { line, col } = lines.linePos(offsetOf(document, path));
      return { line, column: col };
    },
  };
}

/** An exception's name, as in `#GP(0)`, after a text without quotes. */
const EXCEPTION_COMMENT = /^[A-Z]{2}\b/;

/** `title: it raises #GP(0)` without quotes is the text "it raises" and a comment: nobody means that. */
function refuseCutText(file: string, document: Document, lines: LineCounter, problems: Problem[]): void {
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value !== 'string' || node.comment == null || !EXCEPTION_COMMENT.test(node.comment))
        return;
      const { line, col } = lines.linePos(node.range?.[1] ?? 0);
      const message = `"#${node.comment}" is a comment here: put the text in quotes`;
      problems.push({ file, line, column: col, message });
    },
  });
}

/** The parser's message without the place and the picture that follow it. */
function sentenceOf(message: string): string {
  return (message.split('\n')[0] ?? message).replace(/ at line \d+, column \d+:?$/, '');
}

function plain(node: Node | null, document: Document): Data {
  if (node === null) return null;
  if (isAlias(node)) return plain(node.resolve(document) ?? null, document);
  if (isSeq(node)) return node.items.map((item) => plain(item as Node, document));
  if (isMap(node)) return plainMap(node.items, document);
  if (isScalar(node)) return scalar(node.value);
  return null;
}

function plainMap(pairs: readonly unknown[], document: Document): DataMap {
  const result: DataMap = {};
  for (const pair of pairs) {
    if (!isPair(pair)) continue;
    const key = keyText(pair.key);
    if (key === '<<') {
      for (const part of mergedMaps(pair.value as Node, document))
        Object.assign(result, { ...part, ...result });
    } else if (key === 'hex' && isScalar(pair.value) && typeof pair.value.value === 'number') {
      result[key] = pair.value.source ?? String(pair.value.value);
    } else {
      result[key] = plain(pair.value as Node | null, document);
    }
  }
  return result;
}

function mergedMaps(node: Node, document: Document): DataMap[] {
  const value = plain(node, document);
  const list = Array.isArray(value) ? value : [value];
  return list.filter(
    (item): item is DataMap => typeof item === 'object' && item !== null && !Array.isArray(item),
  );
}

function keyText(key: unknown): string {
  if (isScalar(key)) return String(key.value);
  return String(key);
}

function scalar(value: unknown): Data {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return null;
}

/** Offset of the deepest node that exists on the path; of the key where the path ends in a map. */
function offsetOf(document: Document, path: readonly (string | number)[]): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && keyText(item.key) === String(step));
      if (pair === undefined) return offset;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      offset = startOf(node) ?? offset;
    } else {
      return offset;
    }
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node)) return undefined;
  const range = node.range;
  return Array.isArray(range) && typeof range[0] === 'number' ? range[0] : undefined;
}
