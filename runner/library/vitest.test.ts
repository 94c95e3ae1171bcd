// SPDX-License-Identifier: GPL-2.0-or-later

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageRoot } from '../package.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lguest-conformance-library-'));
  cpSync(join(packageRoot, 'templates', 'typescript', 'host.ts'), join(folder, 'host.ts'));
  symlinkSync(join(packageRoot, 'node_modules'), join(folder, 'node_modules'));
  const library = (name: string): string => JSON.stringify(join(packageRoot, 'runner', 'library', name));
  writeFileSync(
    join(folder, 'vitest.config.mjs'),
    `export default { resolve: { alias: [
      { find: /^lguest-conformance$/, replacement: ${library('index.ts')} },
      { find: /^lguest-conformance\\/vitest$/, replacement: ${library('vitest.ts')} },
    ] } };`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Told {
  fullName: string;
  status: string;
  failureMessages: string[];
}

/** What vitest says of a test file of somebody who uses the library. */
function told(source: string): { code: number | null; tests: Told[] } {
  writeFileSync(join(folder, 'host.test.ts'), source);
  const report = join(folder, 'report.json');
  const vitest = join(packageRoot, 'node_modules', 'vitest', 'vitest.mjs');
  const words = [vitest, 'run', '--root', folder, '--reporter', 'json', '--outputFile', report];
  const { status } = spawnSync(process.execPath, words, { encoding: 'utf8', cwd: folder });
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
    testResults: { assertionResults: Told[] }[];
  };
  return { code: status, tests: testResults.flatMap(({ assertionResults }) => assertionResults) };
}

function statuses(tests: readonly Told[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status } of tests) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

const IMPORTS = `
import { conformance } from 'lguest-conformance/vitest';
import { Unsupported } from 'lguest-conformance';
import host from './host.ts';
`;

test('a right host: each case is a test, and the rest is skipped with its reason', () => {
  const { code, tests } = told(`${IMPORTS}
    await conformance({ host, cases: ['initial-registers/nothing-else', 'hypercalls/init'] });`);
  expect(statuses(tests)).toEqual({ passed: 2, skipped: 1 });
  expect(tests.map(({ fullName }) => fullName)).toContain(
    'initial-registers initial-registers/nothing-else: registers and descriptors that hold something keep it',
  );
  expect(code).toBe(0);
});

test('a wrong host: the failure says clause, place and difference', () => {
  const { code, tests } = told(`${IMPORTS}
    const wrong = { ...host, async runCase(request) {
      const result = host.runCase(request);
      result.steps[0].state.regs.eip++;
      return result;
    } };
    await conformance({ host: () => wrong, cases: ['initial-registers/nothing-else'] });`);
  const [failure] = tests.filter(({ status }) => status === 'failed');
  expect(failure?.failureMessages[0]).toContain('cases/initial-registers/host.yaml:');
  expect(failure?.failureMessages[0]).toContain('REGS-1: ');
  expect(failure?.failureMessages[0]).toMatch(/eip \w+, expected \w+/i);
  expect(code).toBe(1);
});

test('known failures: foreseen ones are skipped, a pass and a stale entry are red', () => {
  writeFileSync(
    join(folder, 'known.yaml'),
    '- { case: initial-registers/nothing-else, reason: not yet }\n- { case: initial-registers/gone, reason: x }\n',
  );
  const { tests } = told(`${IMPORTS}
    const options = { cases: ['initial-registers/nothing-else'], expectations: '${join(folder, 'known.yaml')}' };
    const dead = { ...host, runCase() { throw new Error('it fell'); } };
    await conformance({ host: dead, ...options });
    await conformance({ host, ...options });`);
  const failures = tests
    .filter(({ status }) => status === 'failed')
    .map(({ failureMessages }) => failureMessages[0]);
  expect(failures).toEqual([
    expect.stringContaining('"initial-registers/gone" matches no case'),
    expect.stringContaining('it passes, but'),
    expect.stringContaining('"initial-registers/gone" matches no case'),
  ]);
});

test('a host that does nothing is red', () => {
  const { code, tests } = told(`${IMPORTS}
    const nothing = { ...host, runCase() { throw new Unsupported('nothing is done'); } };
    await conformance({ host: nothing, cases: ['initial-registers/nothing-else'] });`);
  expect(statuses(tests)).toEqual({ skipped: 1, failed: 1 });
  expect(code).toBe(1);
});
