// SPDX-License-Identifier: GPL-2.0-or-later

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadSuite } from '../cases/suite.js';
import { judgingFor } from '../judging.js';
import { runCases } from '../run.js';
import { select } from '../select.js';
import { createBochs } from './bochs/index.js';
import { romImage } from './bochs/monitor.js';
import { CannotStart, type Implementation } from './implementation.js';
import { createKvm } from './kvm/index.js';
import { createUnicorn } from './unicorn/index.js';

/** Why it cannot be had here, or undefined. */
async function reasonAgainst(implementation: Implementation): Promise<string | undefined> {
  try {
    await implementation.start();
    return undefined;
  } catch (error) {
    if (error instanceof CannotStart) return error.message.split('\n')[0];
    throw error;
  } finally {
    await implementation.stop();
  }
}

const [noBochs, noUnicorn, noKvm] = await Promise.all([
  reasonAgainst(createBochs()),
  reasonAgainst(createUnicorn()),
  reasonAgainst(createKvm()),
]);
const notice = (reason: string | undefined): string => (reason === undefined ? '' : ` (skipped: ${reason})`);
const { cases: suite } = await loadSuite(['execution', 'gates', 'segmentation']);

async function failuresOf(implementation: Implementation, patterns: string[]) {
  const selection = { patterns, classes: ['processor'], behaviours: [], clauses: [] };
  const declaration = await implementation.start();
  const { cases } = select(suite, selection, 'linux-2.6.29');
  const results = await runCases(implementation, cases, { declaration, judging: judgingFor(declaration) });
  await implementation.stop();
  expect(results.length).toBe(cases.length);
  return results
    .filter(({ verdict }) => verdict !== 'pass')
    .map((result) => [result.case.id, ...result.details]);
}

describe.skipIf(noBochs !== undefined)(`bochs${notice(noBochs)}`, () => {
  it('agrees on privilege, segments and arithmetic', { timeout: 120_000 }, async () => {
    const patterns = [
      'gates/gate-dpl',
      'gates/inwards-stack-refused',
      'execution/multiply',
      'segmentation/rights',
    ];
    expect(await failuresOf(createBochs(), patterns)).toEqual([]);
  });

  it('reports a shutdown and goes on', { timeout: 120_000 }, async () => {
    expect(await failuresOf(createBochs(), ['gates/shutdown', 'gates/gate-dpl'])).toEqual([]);
  });

  it('has the deviations that are known', { timeout: 120_000 }, async () => {
    const found = await failuresOf(createBochs(), ['gates/stack-refused/absent']);
    expect(found.map(([id]) => id)).toEqual(['gates/stack-refused/absent']);
  });
});

describe('a bochs that does not exist', () => {
  it('cannot be started, and the package to install is named', async () => {
    const failure = await createBochs({ binary: 'no-such-bochs' })
      .start()
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CannotStart);
    if (failure instanceof CannotStart) expect(failure.cure).toContain('apt-get install bochs');
  });
});

describe.skipIf(noUnicorn !== undefined)(`unicorn${notice(noUnicorn)}`, () => {
  it('agrees on arithmetic, and on faults that are composed', { timeout: 60_000 }, async () => {
    expect(
      await failuresOf(createUnicorn(), [
        'execution/arithmetic',
        'execution/bound-exceeded',
        'execution/conditional-move-reads',
      ]),
    ).toEqual([]);
  });
});

describe.skipIf(noKvm !== undefined)(`kvm${notice(noKvm)}`, () => {
  it('agrees on privilege and arithmetic', { timeout: 60_000 }, async () => {
    expect(await failuresOf(createKvm(), ['execution/multiply', 'gates/gate-dpl'])).toEqual([]);
  });
});

describe('the ROM for Bochs', () => {
  it('is what monitor.asm assembles to', ({ skip }) => {
    const folder = mkdtempSync(join(tmpdir(), 'lguest-conformance-nasm-'));
    try {
      const binary = join(folder, 'monitor.bin');
      const source = fileURLToPath(new URL('bochs/monitor.asm', import.meta.url));
      try {
        execFileSync('nasm', ['-f', 'bin', source, '-o', binary]);
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
          skip('nasm is not installed');
        throw error;
      }
      expect(romImage().subarray(-0x400)).toEqual(readFileSync(binary));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
