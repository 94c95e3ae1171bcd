// SPDX-License-Identifier: GPL-2.0-or-later

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../package.js';
import { failuresOf, ReporterFlags, type ReportRequest, reportRequests } from './flags.js';

/** Flags as they stand on a command line: `--reporter` and `--output` in turn. */
function requestsOf(...words: string[]): ReportRequest[] {
  const flags = new ReporterFlags();
  for (let place = 0; place < words.length; place += 2) {
    const value = words[place + 1] ?? '';
    if (words[place] === '--reporter') flags.reporter(value);
    else flags.output(value);
  }
  return flags.list();
}

test('without flags it is text', () => {
  expect(reportRequests({})).toEqual([{ name: 'text' }]);
});

test('an output belongs to the reporter before it, or to the first', () => {
  const wanted = [{ name: 'junit', file: 'junit.xml' }, { name: 'text' }];
  expect(requestsOf('--reporter', 'junit', '--output', 'junit.xml', '--reporter', 'text')).toEqual(wanted);
  expect(requestsOf('--reporter', 'junit=junit.xml', '--reporter', 'text')).toEqual(wanted);
  expect(requestsOf('--output', 'junit.xml', '--reporter', 'junit', '--reporter', 'text')).toEqual(wanted);
  expect(requestsOf('--reporter', 'json=a=b.json')).toEqual([{ name: 'json', file: 'a=b.json' }]);
});

test('text and the lines for GitHub can share standard output', () => {
  expect(requestsOf('--reporter', 'text', '--reporter', 'github')).toHaveLength(2);
});

test.each<[string[], string]>([
  [['--reporter', 'junut'], 'there is no reporter "junut"; did you mean "junit"?; there are text, json'],
  [['--reporter', 'json='], 'names no file'],
  [['--output', 'a'], '--output a needs a --reporter'],
  [['--reporter', 'json=a', '--output', 'b'], '--output b has no --reporter of its own'],
  [['--output', 'a', '--output', 'b'], '--output b has no --reporter of its own'],
  [['--reporter', 'json', '--reporter', 'text'], 'json and text cannot both go to standard output'],
  [['--reporter', 'json=a', '--reporter', 'tap=a'], 'two reporters write to a'],
  [['--reporter', 'json=/nowhere/at/all.json'], 'cannot write /nowhere/at/all.json'],
  [['--reporter', `json=${join(packageRoot, 'spec')}`], 'it is a folder'],
])('refused before anything runs: %j', (words, message) => {
  expect(() => requestsOf(...words)).toThrow(message);
});

test('--failures takes a number, or all', () => {
  expect(failuresOf('3')).toBe(3);
  expect(failuresOf('0')).toBe(0);
  expect(failuresOf('all')).toBe(Number.POSITIVE_INFINITY);
  for (const wrong of ['many', '-1', ''])
    expect(() => failuresOf(wrong)).toThrow('--failures needs a number');
});
