// SPDX-License-Identifier: GPL-2.0-or-later

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { splitWords } from './command-line.js';
import { LineSplitter, LineTooLong, Tail } from './lines.js';
import { encodeMessage } from './messages.js';

describe('LineSplitter', () => {
  test('gives the same lines however the bytes are cut', () => {
    const text = fc.array(fc.string({ unit: 'grapheme' }).map((line) => line.replaceAll('\n', '')));
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 7 }), (lines, size) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const splitter = new LineSplitter();
        const found: string[] = [];
        for (let at = 0; at < bytes.length; at += size)
          found.push(...splitter.push(bytes.subarray(at, at + size)));
        expect(found).toEqual(lines);
        expect(splitter.rest()).toBeUndefined();
      }),
    );
  });

  test('splits at 0Ah only', () => {
    const line = 'a\u2028b\u0085c\rd\u000be';
    expect([...new LineSplitter().push(Buffer.from(`${line}\n`))]).toEqual([line]);
  });

  test('keeps what no newline has ended', () => {
    const splitter = new LineSplitter();
    expect([...splitter.push(Buffer.from('one\ntw'))]).toEqual(['one']);
    expect(splitter.rest()).toBe('tw');
  });

  test('refuses a line beyond the limit', () => {
    const splitter = new LineSplitter(10);
    expect([...splitter.push(Buffer.from('0123456789\n'))]).toEqual(['0123456789']);
    expect(() => [...splitter.push(Buffer.from('0123456789a\n'))]).toThrow(LineTooLong);
  });
});

test('Tail keeps the last bytes', () => {
  const tail = new Tail(5);
  for (const part of ['abc', 'defgh', 'ijklmnopq', 'r']) tail.push(Buffer.from(part));
  expect(tail.toString()).toBe('nopqr');
});

describe('splitWords', () => {
  test.each([
    ['python3 adapter.py', ['python3', 'adapter.py']],
    ['  a \t b  ', ['a', 'b']],
    [`sh -c 'echo "$HOME"  x'`, ['sh', '-c', 'echo "$HOME"  x']],
    [`"my program" --name="a \\"b\\" \\c"`, ['my program', '--name=a "b" \\c']],
    ['a\\ b c', ['a b', 'c']],
    [`a '' ""`, ['a', '', '']],
    ['', []],
  ])('%s', (command, words) => {
    expect(splitWords(command)).toEqual(words);
  });

  test('names an open quote', () => {
    expect(() => splitWords(`a "b c`)).toThrow('the quote " is not closed in: a "b c');
  });
});

test('encodeMessage writes ASCII that means the same', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const line = encodeMessage({ text });
      expect(line).toMatch(/^[\x20-\x7e]*$/);
      expect(JSON.parse(line)).toEqual({ text });
    }),
  );
});
