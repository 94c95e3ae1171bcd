// SPDX-License-Identifier: GPL-2.0-or-later

import { afterEach, describe, expect, test, vi } from 'vitest';
import { Progress, paint, progressText, usesColor } from './terminal.js';
import { everySort, failed, recordWith, resultOf } from './testing/records.js';
import { renderText } from './text.js';

const options = { clauses: [], paint: paint(false), failures: 10 };
const text = (record = everySort, failures = 10): string => renderText(record, { ...options, failures });

test('failures with place, differences, the end of standard error and the command that runs them again', () => {
  const said = text(recordWith([{ ...failed('fpu/a'), stderr: `${'line\n'.repeat(30)}last` }]));
  expect(said).toContain('FAIL fpu/a\n  the title of fpu/a\n  cases/io-emulation/host.yaml:17\n');
  expect(said).toContain('    regs.eax 00000001, expected 00000002\n');
  expect(said.match(/ {4}\| line/g)).toHaveLength(19);
  expect(said).toContain('    | last\n  again: lguest-conformance run fpu/a --impl ./my-host\n');
});

test('known failures are counted, not shown; what is unexpected or stale is', () => {
  const said = text();
  expect(said).not.toContain('FAIL fpu/known');
  expect(said).toContain('1 of the failures are known');
  expect(said).toContain('1 are known to be flaky: 1 failed this time');
  expect(said).toContain('UNEXPECTED PASS fpu/surprise: known.yaml:3 says:');
  expect(said).toContain('CRASHED io-emulation/crashes');
  expect(said.trimEnd().endsWith('does not conform')).toBe(true);
});

test('behaviours in which not all passes have a line; the others share one', () => {
  const said = text(recordWith([failed('fpu/a'), resultOf('fpu/b', 'pass'), resultOf('gates/c', 'pass')]));
  expect(said).toContain('fpu  1 pass, 1 fail\n1 other behaviour: all pass\n');
  expect(text(recordWith([failed('fpu/a')]))).not.toContain('other behaviour');
});

describe('many failures', () => {
  const many = Array.from({ length: 500 }, (_, index) => failed(`fpu/case-${index}`, index.toString(16)));

  test('those that differ in the same way are one, with the names of some others', () => {
    const said = text(recordWith(many));
    expect(said.match(/^FAIL /gm)).toHaveLength(1);
    expect(said).toContain('  499 more like it:\n    fpu/case-1\n');
    expect(said).toContain('    and 494 more\n');
    expect(said).toContain('500 failures of 1 kind; --failures all shows each of them in full');
    expect(said.split('\n').length).toBeLessThan(30);
  });

  test('beyond the limit only their number is told, by behaviour', () => {
    const kinds = Array.from({ length: 9 }, (_, index) =>
      failed(`fpu/k${index}`, '1', `regs.${'x'.repeat(index + 1)}`),
    );
    const said = text(recordWith(kinds), 3);
    expect(said.match(/^FAIL fpu/gm)).toHaveLength(3);
    expect(said).toContain('FAIL 6 more in fpu, such as fpu/k3\n');
    expect(said).toContain('9 failures of 9 kinds; --failures all');
  });

  test('all of them, when that is asked for', () => {
    const said = text(recordWith(many), Number.POSITIVE_INFINITY);
    expect(said.match(/^FAIL /gm)).toHaveLength(500);
    expect(said).not.toContain('--failures all');
  });
});

describe('colour', () => {
  afterEach(() => vi.unstubAllEnvs());
  const terminal = (isTTY: boolean) => ({ isTTY, hasColors: () => true });
  const environment = (noColor: string, forceColor: string): void => {
    vi.stubEnv('NO_COLOR', noColor);
    vi.stubEnv('FORCE_COLOR', forceColor);
  };

  test.each<[boolean, boolean | undefined, boolean, string, string]>([
    [true, undefined, true, '', ''],
    [false, undefined, false, '', ''],
    [false, false, true, '', ''],
    [false, undefined, true, '1', ''],
    [false, undefined, true, '1', '1'],
    [true, undefined, false, '', '1'],
    [false, undefined, true, '', '0'],
    [false, false, true, '', '1'],
  ])('%s: option %s, terminal %s, NO_COLOR "%s", FORCE_COLOR "%s"', (wanted, option, isTTY, no, force) => {
    environment(no, force);
    expect(usesColor(option, terminal(isTTY))).toBe(wanted);
  });

  test('is only paint: the words are the same', () => {
    const colored = renderText(everySort, { ...options, paint: paint(true) });
    expect(colored).not.toBe(text());
    for (const code of ['0', '31']) expect(colored).toContain(`\x1b[${code}m`);
    const plain = (painted: string): string =>
      painted.replaceAll(`\x1b[31m`, '').replaceAll('\x1b[32m', '').replaceAll('\x1b[0m', '');
    expect(plain(colored)).toBe(plain(text()));
  });
});

describe('progress', () => {
  test('rate and remaining time, once they mean something', () => {
    expect(progressText(64, 1000, 0, 0.1)).toBe('64/1000 cases, 6 %');
    expect(progressText(500, 1000, 0, 2)).toBe('500/1000 cases, 50 %, 250/s, 2 s left');
    expect(progressText(10, 1000, 3, 10)).toBe('10/1000 cases, 1 %, 1.0/s, 16 min 30 s left, 3 failed');
    expect(progressText(1, 10_000, 0, 1)).toContain('2 h 46 min left');
  });

  function shown(isTTY: boolean): string[] {
    const lines: string[] = [];
    let now = 0;
    const stream = { isTTY, write: (line: string) => lines.push(line) > 0 };
    const progress = new Progress(100, stream, () => {
      now += 30;
      return now;
    });
    for (let index = 0; index < 100; index++) progress.count(index === 0);
    progress.end();
    return lines;
  }

  test('ten times a second at most, and gone at the end', () => {
    const lines = shown(true);
    expect(lines.length).toBeGreaterThan(10);
    expect(lines.length).toBeLessThan(40);
    expect(lines[0]).toBe('\r\x1b[K3/100 cases, 3 %, 1 failed');
    expect(lines.at(-1)).toBe('\r\x1b[K');
  });

  test('nothing where there is no terminal', () => {
    expect(shown(false)).toEqual([]);
  });
});
