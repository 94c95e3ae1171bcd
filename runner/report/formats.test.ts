// SPDX-License-Identifier: GPL-2.0-or-later

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FinalResults, Parser } from 'tap-parser';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { packageRoot } from '../package.js';
import { renderGitHub } from './github.js';
import { renderStepSummary } from './github-summary.js';
import { renderJson, renderJsonLines } from './json.js';
import { renderJUnit } from './junit.js';
import { readRecord } from './read.js';
import { writeReports } from './reporters.js';
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

const hasXmllint = spawnSync('xmllint', ['--version']).status === 0;
const XSD = join(packageRoot, 'runner', 'report', 'testing', 'junit.xsd');

/** What is wrong with the XML: not well formed, or not as the schema has it. */
function junitFaults(xml: string): string {
  const { stderr } = spawnSync('xmllint', ['--noout', '--schema', XSD, written('junit.xml', xml)], {
    encoding: 'utf8',
  });
  return stderr.replace(/^.* validates\n$/, '');
}

describe('junit', () => {
  test.skipIf(!hasXmllint)('is XML as the schema has it, whatever the texts hold (needs xmllint)', () => {
    expect(junitFaults(renderJUnit(everySort))).toBe('');
    expect(junitFaults(renderJUnit(recordWith([])))).toBe('');
    const timed = recordWith([resultOf('fpu/a', 'pass', { seconds: 0.5 })]);
    expect(junitFaults(renderJUnit(timed))).toBe('');
  });

  test.skipIf(!hasXmllint)('the schema refuses what is none (needs xmllint)', () => {
    const xml = renderJUnit(everySort);
    expect(junitFaults(xml.replace(' errors="3"', ''))).toContain("attribute 'errors' is required");
    expect(junitFaults(xml.replace('<skipped', '<skip'))).toContain('skip');
    expect(junitFaults(xml.replace('&amp;', '&'))).toContain('parser error');
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
  });
});

describe('tap', () => {
  /** What a parser of the protocol makes of it; in strict mode a line that is none of it is a failure. */
  function parsed(text: string): Promise<FinalResults> {
    return new Promise((resolve) => new Parser({ strict: true }, resolve).end(text));
  }

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

  test('a parser finds the same failures, with what is told of them', async () => {
    const { ok, count, failures, todos, skips } = await parsed(renderTap(everySort));
    expect({ ok, count }).toEqual({ ok: false, count: 11 });
    expect(failures.map(({ id }) => id)).toEqual([2, 3, 4, 5, 9, 11]);
    expect(todos.map(({ id }) => id)).toEqual([8, 10]);
    expect(skips.map(({ id }) => id)).toEqual([6, 7]);
    expect(failures[0]?.diag).toMatchObject({
      message: 'regs.eax 00000001, expected 00000002',
      again: 'lguest-conformance run io-emulation/fails --impl ./my-host',
    });
    expect(failures[1]?.diag).toMatchObject({ stderr: NASTY.replace('\ud800', '\ufffd') });
  });

  test('a run that conforms is green to it', async () => {
    expect(await parsed(renderTap(green))).toMatchObject({ ok: true, count: 2, pass: 2, skip: 1 });
  });

  test('the parser refuses what is none', async () => {
    const broken = renderTap(everySort).replace('1..11', '1..10');
    expect((await parsed(broken)).failures.some(({ tapError }) => tapError !== null)).toBe(true);
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

  test('the summary of a step tells the counts, behaviours that fail, and the failures', () => {
    const text = renderStepSummary(everySort);
    expect(text).toMatch(/^### \.\/my-host: ❌ does not conform\n/);
    expect(text).toContain('| io-emulation | 1 pass, 1 fail, 1 crashed, 1 timeout, 1 bad-reply |');
    expect(text).toContain('<details><summary><code>io-emulation/fails</code></summary>');
    expect(text).toContain('- a &lt; b &amp; "c" # TODO, 50 %: \\]\\]&gt; second line');
    expect(text).not.toContain('</script>');
    expect(renderStepSummary(green)).toBe(
      '### ./my-host: ✅ conforms\n\nProfile linux-2.6.29: 1 pass, 1 unsupported.\n\n',
    );
  });

  test('a step of a job has its summary written, beside the commands', async () => {
    const file = written('summary.md', 'before\n');
    vi.stubEnv('GITHUB_STEP_SUMMARY', file);
    const requests = [{ name: 'github' as const, file: join(folder, 'commands') }];
    await writeReports([green], { requests, failures: 10 });
    vi.unstubAllEnvs();
    expect(readFileSync(file, 'utf8')).toMatch(/^before\n### /);
  });

  test('no error when the run conforms', () => {
    expect(render(green)).toEqual(['::notice title=./my-host conforms::1 pass, 1 unsupported']);
  });
});
