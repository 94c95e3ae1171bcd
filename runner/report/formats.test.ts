// SPDX-License-Identifier: GPL-2.0-or-later

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../package.js';
import { renderGitHub } from './github.js';
import { renderJson, renderJsonLines } from './json.js';
import { renderJUnit } from './junit.js';
import { readRecord } from './read.js';
import { renderTap } from './tap.js';
import { everySort, failed, NASTY, recordWith, resultOf } from './testing/records.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lguest-conformance-report-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function written(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const green = recordWith([resultOf('fpu/a', 'pass'), resultOf('fpu/b', 'unsupported')], { conforms: true });

describe('json', () => {
  test('is read back as it was', () => {
    expect(readRecord(written('results.json', renderJson(everySort)))).toEqual(everySort);
  });

  test('without results it is JSON all the same', () => {
    expect(JSON.parse(renderJson(recordWith([])))).toMatchObject({ results: [] });
  });

  test('other JSON is refused', () => {
    expect(() => readRecord(written('other.json', '{"results": []}'))).toThrow('no results of this version');
    expect(() => readRecord(join(folder, 'missing.json'))).toThrow('cannot read');
  });

  test('jsonl: each line is JSON, what is known before first and what is known after last', () => {
    const lines: unknown[] = renderJsonLines(everySort)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(2 + everySort.results.length);
    expect(lines[0]).toMatchObject({ type: 'run', rerun: ' --impl ./my-host' });
    expect(lines[2]).toMatchObject({ type: 'result', id: 'io-emulation/fails', verdict: 'fail' });
    expect(lines.at(-1)).toMatchObject({ type: 'end', conforms: false, problems: [NASTY] });
  });

  test('jsonl is read back too', () => {
    expect(readRecord(written('results.jsonl', renderJsonLines(everySort)))).toEqual(everySort);
  });

  test('jsonl of a run that did not come to its end has what there was, and is no success', () => {
    const text = renderJsonLines(everySort);
    const third = text.split('\n').slice(0, 3).join('\n');
    const record = readRecord(written('broken.jsonl', text.slice(0, third.length + 20)));
    expect(record.results).toEqual(everySort.results.slice(0, 2));
    expect(record).toMatchObject({ conforms: false, interrupted: true, counts: { pass: 1, fail: 1 } });
    expect(record.problems).toEqual([expect.stringContaining('ends before the run did: 2 cases')]);
  });
});

/** What the schema of Jenkins' xUnit plugin, version 10, allows: for each element its attributes and children. */
const JUNIT_ALLOWS: Readonly<Record<string, { required: string[]; optional: string[]; children: string[] }>> =
  {
    testsuites: {
      required: [],
      optional: ['name', 'time', 'tests', 'failures', 'errors'],
      children: ['testsuite'],
    },
    testsuite: {
      required: ['name', 'tests', 'failures', 'errors'],
      optional: ['time', 'skipped', 'timestamp', 'hostname', 'id', 'package', 'file', 'log', 'url'],
      children: ['properties', 'testcase', 'system-out', 'system-err'],
    },
    properties: { required: [], optional: [], children: ['property'] },
    property: { required: ['name', 'value'], optional: [], children: [] },
    testcase: {
      required: ['name'],
      optional: ['time', 'classname', 'group'],
      children: ['skipped', 'error', 'failure', 'system-out', 'system-err'],
    },
    failure: { required: [], optional: ['type', 'message'], children: ['text'] },
    error: { required: [], optional: ['type', 'message'], children: ['text'] },
    skipped: { required: [], optional: ['type', 'message'], children: ['text'] },
    'system-err': { required: [], optional: [], children: ['text'] },
  };

const TOKEN = /<\?xml[^>]*\?>|<(\/?)([\w-]+)((?:\s+[\w-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gy;

/** What is wrong with the XML: not well formed, or not as the schema has it. */
function junitFaults(xml: string): string[] {
  const faults: string[] = [];
  const open: string[] = [];
  let end = 0;
  for (const match of xml.matchAll(TOKEN)) {
    end = match.index + match[0].length;
    const [, closing, name, list = '', empty, text] = match;
    const parent = open.at(-1);
    const allowed = JUNIT_ALLOWS[parent ?? '']?.children ?? ['testsuites', 'text'];
    if (text !== undefined) {
      if (text.trim() !== '' && !allowed.includes('text')) faults.push(`text in ${parent}`);
      if (/&(?!(amp|lt|gt|quot|#10);)/.test(text)) faults.push(`a bare & in ${parent}`);
    } else if (closing === '/') {
      if (open.pop() !== name) faults.push(`</${name}> closes ${parent}`);
    } else if (name !== undefined) {
      if (!allowed.includes(name)) faults.push(`${name} in ${parent}`);
      const attributes = [...list.matchAll(/([\w-]+)="/g)].map(([, attribute]) => attribute ?? '');
      const { required = [], optional = [] } = JUNIT_ALLOWS[name] ?? {};
      faults.push(...attributes.filter((one) => ![...required, ...optional].includes(one)));
      faults.push(
        ...required.filter((one) => !attributes.includes(one)).map((one) => `${name} has no ${one}`),
      );
      if (empty !== '/') open.push(name);
    }
  }
  if (end !== xml.length) faults.push(`not XML: ${xml.slice(end, end + 40)}`);
  return [...faults, ...open.map((name) => `${name} is not closed`)];
}

describe('junit', () => {
  test('is XML as the schema of JUnit has it, whatever the texts hold', () => {
    expect(junitFaults(renderJUnit(everySort))).toEqual([]);
    expect(junitFaults(renderJUnit(recordWith([])))).toEqual([]);
  });

  test('the check of the schema sees faults', () => {
    expect(junitFaults('<testsuites><testcase name="a" file="b"/></testsuites>')).toHaveLength(2);
    expect(junitFaults('<testsuites><testsuite name="a & b" tests="1"></testsuites>')).not.toEqual([]);
  });

  const hasXmllint = spawnSync('xmllint', ['--version']).status === 0;
  test.skipIf(!hasXmllint)('is well formed to a parser of XML (needs xmllint)', () => {
    const { status, stderr } = spawnSync('xmllint', [
      '--noout',
      written('junit.xml', renderJUnit(everySort)),
    ]);
    expect(String(stderr)).toBe('');
    expect(status).toBe(0);
  });

  test('counts failures, errors and skipped tests of a behaviour', () => {
    const xml = renderJUnit(everySort);
    expect(xml).toContain('<testsuite name="io-emulation" tests="5" failures="1" errors="3" skipped="0">');
    expect(xml).toContain('<testsuite name="fpu" tests="5" failures="1" errors="0" skipped="4">');
    expect(xml).toContain('<testsuite name="the run as a whole" tests="1" failures="1" errors="0">');
  });

  test('has times only when they were taken', () => {
    expect(renderJUnit(everySort)).not.toContain('time=');
    const timed = recordWith([
      resultOf('fpu/a', 'pass', { seconds: 0.5 }),
      resultOf('fpu/b', 'pass', { seconds: 1 }),
    ]);
    expect(renderJUnit(timed)).toContain('skipped="0" time="1.500000"');
    expect(junitFaults(renderJUnit(timed))).toEqual([]);
  });
});

describe('tap', () => {
  const hasProve = spawnSync('prove', ['--version']).status === 0;
  const prove = (text: string) =>
    spawnSync('prove', ['--exec', 'cat', written('results.tap', text)], { encoding: 'utf8' });

  test('a point for each case and for each problem of the run; known failures are TODO', () => {
    const lines = renderTap(everySort).split('\n');
    expect(lines.slice(0, 2)).toEqual(['TAP version 13', '1..11']);
    expect(lines).toContain('ok 1 - io-emulation/passes');
    expect(lines).toContain('not ok 2 - io-emulation/fails');
    expect(lines.find((line) => line.startsWith('ok 6 '))).toMatch(
      /^ok 6 - fpu\/cannot # SKIP unsupported: a < b/,
    );
    expect(lines.find((line) => line.startsWith('not ok 8 '))).toMatch(/ # TODO known-failure: a < b/);
    expect(lines).toContain('not ok 9 - fpu/surprise');
    expect(lines.at(-2)).toMatch(/^not ok 11 - the run as a whole: a < b/);
  });

  test.skipIf(!hasProve)('a TAP parser finds the same failures (needs prove)', () => {
    const { status, stdout } = prove(renderTap(everySort));
    expect(stdout).toContain('Failed tests:  2-5, 9, 11');
    expect(stdout).not.toContain('Parse errors');
    expect(status).not.toBe(0);
  });

  test.skipIf(!hasProve)('a run that conforms is green to it', () => {
    expect(prove(renderTap(green)).status).toBe(0);
  });
});

describe('github', () => {
  const render = (record = everySort): string[] => renderGitHub(record, packageRoot).trimEnd().split('\n');

  test('one command a line, the place and the escapes as documented', () => {
    const lines = render();
    expect(lines.every((line) => /^::(error|notice) [^:\n]*::[^\n]*$/.test(line))).toBe(true);
    expect(lines.filter((line) => line.startsWith('::error'))).toHaveLength(6);
    expect(lines.find((line) => line.includes('io-emulation/fails'))).toContain(
      '::error file=cases/io-emulation/host.yaml,line=17,title=io-emulation/fails::regs.eax 00000001, expected 00000002%0A',
    );
    expect(lines[0]).toContain('50 %25: ]]>%0Asecond line');
  });

  test('a suite that is installed elsewhere is named by its own path', () => {
    expect(renderGitHub(everySort, '/somewhere/else')).toContain('file=cases/io-emulation/host.yaml');
    expect(renderGitHub(everySort, join(packageRoot, '..'))).toMatch(/file=[^,/]+\/cases\/io-emulation/);
  });

  test('never more errors than GitHub shows; the last one counts the others', () => {
    const many = Array.from({ length: 30 }, (_, index) =>
      failed(`fpu/case-${index}`, '1', `regs.r${'x'.repeat(index)}`),
    );
    const errors = render(recordWith(many)).filter((line) => line.startsWith('::error'));
    expect(errors).toHaveLength(10);
    expect(errors.at(-1)).toBe('::error title=21 more failures::fpu: 21, such as fpu/case-9');
  });

  test('no error when the run conforms', () => {
    expect(render(green)).toEqual(['::notice title=./my-host conforms::1 pass, 1 unsupported']);
  });
});
