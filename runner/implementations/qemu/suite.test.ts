// SPDX-License-Identifier: GPL-2.0-or-later

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadSuite } from '../../cases/suite.js';
import { compareKnown, readKnownFailures } from '../../known-failures.js';
import { runCases } from '../../run.js';
import { select } from '../../select.js';
import { createQemu } from './index.js';

/** The deviations in expectations.yaml are those of this version. */
const VERSION = '7.2';

const { stdout } = spawnSync(process.env.LGUEST_CONFORMANCE_QEMU ?? 'qemu-system-i386', ['--version'], {
  encoding: 'utf8',
});
const isRightVersion = stdout?.includes(`version ${VERSION}.`) ?? false;
const notice = isRightVersion ? '' : ` (skipped: needs QEMU ${VERSION})`;

describe.skipIf(!isRightVersion)(`all processor cases on QEMU${notice}`, () => {
  it('fail where expectations.yaml says so, and nowhere else', { timeout: 600_000 }, async () => {
    const { cases: suite } = await loadSuite();
    const selection = { patterns: [], classes: ['processor'], behaviours: [], clauses: [] };
    const known = await readKnownFailures(fileURLToPath(new URL('expectations.yaml', import.meta.url)));
    const qemu = createQemu();
    const declaration = await qemu.start();
    const { profile, choices = {}, observes } = declaration;
    const { cases } = select(suite, selection, profile);
    const results = await runCases(qemu, cases, { declaration, judging: { profile, choices, observes } });
    await qemu.stop();

    const { unexpected, unexpectedPasses, stale } = compareKnown(results, known, suite, true);
    expect(unexpected.map((result) => [result.case.id, result.verdict, ...result.details])).toEqual([]);
    expect(unexpectedPasses.map(({ result }) => result.case.id)).toEqual([]);
    expect(stale.map(({ pattern }) => pattern)).toEqual([]);
  });
});
