// SPDX-License-Identifier: GPL-2.0-or-later

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadSuite } from '../../cases/suite.js';
import type { RunRecord } from '../record.js';
import { failed, NASTY, recordWith, resultOf } from '../testing/records.js';
import { caseText } from './material.js';
import { renderHtml } from './render.js';

const ID = 'io-emulation/in-byte/in-al-imm8';
const clauses = ['IO-19', 'E-1'];
const good = recordWith([resultOf(ID, 'pass', { clauses }), resultOf('fpu/of-another-suite', 'pass')], {
  conforms: true,
});
const bad = recordWith([{ ...failed(ID, NASTY), clauses, stderr: NASTY }], { problems: [NASTY] });

function unpacked(html: string, name: string): unknown {
  const [, text = ''] = new RegExp(`id="${name}">([^<]*)<`).exec(html) ?? [];
  return JSON.parse(gunzipSync(Buffer.from(text, 'base64')).toString('utf8'));
}

describe('the page', () => {
  let html = '';
  beforeAll(async () => {
    html = await renderHtml([good, bad]);
  });

  test('is one file that asks for nothing else', () => {
    expect(html).not.toMatch(/\b(src|href)="(?!data:|#)/);
    expect(html).not.toMatch(/@import\s+(url|['"])|url\(/);
    expect(html).toContain("default-src 'none'");
    expect(html).not.toMatch(/\{\{\w+\}\}/);
  });

  test('has nothing in it that results could break out of', () => {
    expect(html.split('</script>')).toHaveLength(html.split('<script').length);
    expect(html).not.toContain('a < b & "c"');
  });

  test('tells the counts without a script', () => {
    expect(html).toContain('<tr><th scope="row">io-emulation</th><td>1 pass</td><td>1 fail</td></tr>');
    expect(html).toContain('<tr><th scope="row">fpu</th><td>1 pass</td><td>none ran</td></tr>');
  });

  test('holds cases in the order of the suite, with a verdict for each implementation', () => {
    expect(unpacked(html, 'index')).toMatchObject({
      runs: [{ label: './my-host' }, { label: './my-host' }],
      cases: [
        { id: ID, verdicts: ['pass', 'fail'] },
        { id: 'fpu/of-another-suite', verdicts: ['pass', 'not-run'] },
      ],
    });
  });

  test('holds text, request, expectation and outcome of each case', () => {
    const [first, second] = unpacked(html, 'pack-0') as object[];
    expect(first).toMatchObject({
      yaml: expect.stringContaining('- id: in-byte\n'),
      request: expect.stringContaining('op: "handle_trap"'),
      expected: expect.stringContaining('eip: 0xc0010002'),
      results: [{ details: [] }, { stderr: NASTY, differences: [{ actual: NASTY }] }],
    });
    expect(second).toMatchObject({ problem: expect.stringContaining('no case of this name') });
  });

  test('is the same each time', async () => {
    expect(await renderHtml([good, bad])).toBe(html);
  });
});

describe('the text of a case', () => {
  const lines = [
    'cases:',
    '  - id: table',
    '    examples:',
    '      - { id: a }',
    '      - { id: b,',
    '          more: 1 }',
    '    then: {}',
    '    variants:',
    '      - { profile: hardened }',
    '',
    '  - id: single',
    '    then: {}',
  ];

  test('of a row is its table without the other rows', () => {
    const rest = '  then: {}\n  variants:\n    - { profile: hardened }';
    expect(caseText(lines, 3)).toBe(`- id: table\n  examples:\n    - { id: a }\n${rest}`);
    expect(caseText(lines, 4)).toBe(`- id: table\n  examples:\n    - { id: b,\n        more: 1 }\n${rest}`);
  });

  test('of a case is the case', () => {
    expect(caseText(lines, 10)).toBe('- id: single\n  then: {}');
  });
});

/** What a browser makes of the page at this address. */
function drawn(file: string, target: string): string {
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--virtual-time-budget=20000', '--dump-dom'];
  const { stdout } = spawnSync('chromium', [...flags, `file://${file}${target}`], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return stdout;
}

const hasChromium = spawnSync('chromium', ['--version']).status === 0;

describe.skipIf(!hasChromium)('in a browser (needs chromium)', () => {
  let folder = '';
  let file = '';
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lguest-conformance-html-'));
    file = join(folder, 'report.html');
    // Chromium writes nothing at all of a page with half a character in it.
    const whole = recordWith([{ ...failed(ID, 'a < b & "c"'), clauses, stderr: 'the end' }]);
    writeFileSync(file, await renderHtml([good, whole]));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('the behaviours are there, closed', () => {
    const page = drawn(file, '');
    expect(page).toContain('aria-expanded="false" data-key="io-emulation"');
    expect(page).toContain('2 of 2 cases');
  });

  test('the address of a clause opens it', () => {
    const page = drawn(file, '#IO-19');
    expect(page).toContain('aria-expanded="true" data-key="io-emulation IO-19"');
    expect(page).toContain(`<a href="#${ID}"`);
    expect(page).toContain('✗ fail');
  });

  test('the address of a case opens it, with all there is to know', () => {
    const page = drawn(file, `#${ID}`);
    const dialog = page.slice(page.indexOf('<dialog'));
    expect(dialog).toMatch(/^<dialog[^>]* open=""/);
    expect(dialog).toContain('An emulated IN of a byte without prefix');
    expect(dialog).toContain('<td>regs.eax</td><td>a &lt; b &amp; "c"</td>');
    expect(dialog).toContain('<code>the end</code>');
    expect(dialog).toContain('- id: in-byte');
    expect(dialog).toContain('op: "handle_trap"');
    expect(dialog).toContain(`lguest-conformance run ${ID} --impl ./my-host`);
  });

  test('a filter in the address', () => {
    expect(drawn(file, '#?show=bad')).toContain('1 of 2 cases');
    expect(drawn(file, '#?q=another-suite')).toContain('1 of 2 cases');
    expect(drawn(file, '#?class=processor')).toContain('0 of 2 cases');
  });

  test('thousands of cases open: only what is looked at is drawn', async () => {
    const { cases } = await loadSuite(['io-emulation']);
    const record: RunRecord = recordWith(
      cases.map((entry) => resultOf(entry.id, 'pass', { clauses: entry.clauses, title: entry.title })),
    );
    const large = join(folder, 'large.html');
    writeFileSync(large, await renderHtml([record]));
    const page = drawn(large, '#IO-17');
    expect(page).toContain(`${cases.length} of ${cases.length} cases`);
    expect(page.match(/<tr data-level="3"/g)).toHaveLength(201);
    expect(page).toMatch(/>200 more of \d+</);
  });
});
