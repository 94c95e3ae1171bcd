// SPDX-License-Identifier: GPL-2.0-or-later

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
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

/** Where Debian has it. */
const CHROMIUM = '/usr/bin/chromium';

describe.skipIf(!existsSync(CHROMIUM))('in a browser (needs chromium)', () => {
  let folder = '';
  let file = '';
  let browser: Browser;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lguest-conformance-html-'));
    file = join(folder, 'report.html');
    const whole = recordWith([{ ...failed(ID, 'a < b & "c"'), clauses, stderr: 'the end' }]);
    writeFileSync(file, await renderHtml([good, whole]));
    // Root, which a CI is, cannot have the sandbox.
    const args = ['--no-sandbox', '--disable-gpu'];
    browser = await chromium.launch({ executablePath: CHROMIUM, args });
  });
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The page at this address; whatever is wrong with it to the browser fails the test. */
  async function opened(target: string, options: BrowserContextOptions = {}, page = file): Promise<Page> {
    const context = await browser.newContext(options);
    const tab = await context.newPage();
    tab.on('pageerror', (error) => expect.unreachable(error.message));
    tab.on('request', (request) => expect(request.url()).toMatch(/^(file|data):/));
    await tab.goto(`file://${page}${target}`);
    await tab.locator('output', { hasText: 'cases' }).waitFor();
    return tab;
  }

  const expanded = (page: Page, key: string): Promise<string | null> =>
    page.locator(`[data-key="${key}"]`).getAttribute('aria-expanded');
  const counted = (page: Page): Promise<string | null> => page.locator('output').textContent();
  const isOpen = (page: Page): Promise<boolean> =>
    page.locator('dialog').evaluate((it) => it.hasAttribute('open'));

  test('the behaviours are there, closed', async () => {
    const page = await opened('');
    expect(await expanded(page, 'io-emulation')).toBe('false');
    expect(await counted(page)).toBe('2 of 2 cases');
  });

  test('the address of a clause opens it', async () => {
    const page = await opened('#IO-19');
    expect(await expanded(page, 'io-emulation IO-19')).toBe('true');
    expect(await page.locator(`a[href="#${ID}"]`).count()).toBeGreaterThan(0);
    expect(await page.locator('main').innerText()).toContain('✗ fail');
  });

  test('the address of a case opens it, with all there is to know', async () => {
    const page = await opened(`#${ID}`);
    const dialog = page.locator('dialog');
    await dialog.getByText('Clauses').first().waitFor();
    const text = (await dialog.textContent()) ?? '';
    expect(text).toContain('An emulated IN of a byte without prefix');
    expect(text).toContain('regs.eaxa < b & "c"');
    expect(text).toContain('the end');
    expect(text).toContain('- id: in-byte');
    expect(text).toContain('op: "handle_trap"');
    expect(text).toContain(`lguest-conformance run ${ID} --impl ./my-host`);
  });

  test('a filter in the address', async () => {
    expect(await counted(await opened('#?show=bad'))).toBe('1 of 2 cases');
    expect(await counted(await opened('#?q=another-suite'))).toBe('1 of 2 cases');
    expect(await counted(await opened('#?class=processor'))).toBe('0 of 2 cases');
  });

  test('the keyboard is enough: filter, open, read, back', async () => {
    const page = await opened('');
    await page.keyboard.press('/');
    await page.keyboard.type('in-al-imm8');
    await page.locator('output', { hasText: '1 of 2 cases' }).waitFor();
    await page.locator('[data-key="io-emulation"]').focus();
    while (!(await page.evaluate('document.activeElement.matches("a")'))) {
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('ArrowDown');
    }
    await page.keyboard.press('Enter');
    expect(await isOpen(page)).toBe(true);
    expect(new URL(page.url()).hash).toBe(`#${ID}?q=in-al-imm8`);
    await page.keyboard.press('Escape');
    expect(await isOpen(page)).toBe(false);
    expect(await page.evaluate('document.activeElement.textContent')).toContain(ID);
  });

  test('dark where the system is, and as wide as a telephone', async () => {
    const ground = (page: Page): Promise<unknown> =>
      page.evaluate('getComputedStyle(document.body).backgroundColor');
    const light = await ground(await opened(''));
    const narrow = await opened(`#${ID}`, { colorScheme: 'dark', viewport: { width: 360, height: 640 } });
    expect(await ground(narrow)).not.toBe(light);
    expect(await narrow.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
  });

  test('thousands of cases open: only what is looked at is drawn', async () => {
    const { cases } = await loadSuite(['io-emulation']);
    const record: RunRecord = recordWith(
      cases.map((entry) => resultOf(entry.id, 'pass', { clauses: entry.clauses, title: entry.title })),
    );
    const large = join(folder, 'large.html');
    writeFileSync(large, await renderHtml([record]));
    const page = await opened('#IO-17', {}, large);
    expect(await counted(page)).toBe(`${cases.length} of ${cases.length} cases`);
    expect(await page.locator('tr[data-level="3"]').count()).toBe(201);
    expect(await page.locator('button.more').innerText()).toMatch(/200 more of \d+/);
  });
});
