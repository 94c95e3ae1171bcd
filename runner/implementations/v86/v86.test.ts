// SPDX-License-Identifier: GPL-2.0-or-later

import { afterEach, describe, expect, it, vi } from 'vitest';
import { PROGRAMS } from '../../bench/programs.js';
import { loadSuite } from '../../cases/suite.js';
import { judgingFor } from '../../judging.js';
import { runCases } from '../../run.js';
import { select } from '../../select.js';
import { CannotStart } from '../implementation.js';
import { createV86 } from './index.js';
import { v86Package } from './package-folder.js';

afterEach(() => vi.unstubAllEnvs());

const missing = (): string | undefined => {
  try {
    v86Package();
    return undefined;
  } catch (error) {
    if (error instanceof CannotStart) return error.message;
    throw error;
  }
};
const reason = missing();

describe('without the package', () => {
  it('v86 cannot be started, and says how to get it', async () => {
    vi.stubEnv('LGUEST_CONFORMANCE_V86', '/nonexistent');
    const failure = await createV86()
      .start()
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CannotStart);
    if (failure instanceof CannotStart) {
      expect(failure.message).toContain('/nonexistent is not the npm package v86');
      expect(failure.cure).toContain('npm install v86');
    }
  });
});

describe.skipIf(reason !== undefined)(`v86${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  it('passes, fails and panics where it is known to', async () => {
    const { cases: suite } = await loadSuite(['execution', 'gates']);
    const patterns = [
      'execution/arithmetic',
      'gates/contributory-by-selector/null-selector',
      'gates/gate-dpl',
    ];
    const selection = { patterns, classes: ['processor'], behaviours: [], clauses: [] };
    const v86 = createV86();
    const declaration = await v86.start();
    const results = await runCases(v86, select(suite, selection, 'linux-2.6.29').cases, {
      declaration,
      judging: judgingFor(declaration),
    });
    await v86.stop();
    const of = (prefix: string) => results.filter((result) => result.case.id.startsWith(prefix));
    expect(new Set(of('execution/arithmetic').map(({ verdict }) => verdict))).toEqual(new Set(['pass']));
    expect(of('gates/contributory').map(({ verdict }) => verdict)).toEqual(['crashed']);
    // After the panic a new engine goes on; what it does wrong here is RF, and nothing else.
    const later = of('gates/gate-dpl').flatMap(({ paths = [] }) => paths);
    expect(new Set(later)).toEqual(new Set(['memory.pushed_eflags.RF']));
  });

  it('computes the same with its JIT', { timeout: 60_000 }, async () => {
    const [integer] = PROGRAMS;
    if (integer === undefined) throw new Error('there are no programs');
    const answers = [];
    for (const jit of [false, true]) {
      const v86 = createV86({ jit });
      await v86.start();
      answers.push(await v86.run(integer.request(300_000)));
      await v86.stop();
    }
    const [interpreted, translated] = answers;
    expect(interpreted).toMatchObject({ kind: 'result', result: { steps: [{ outcome: { stop: 'hlt' } }] } });
    expect(translated).toEqual(interpreted);
  });
});
