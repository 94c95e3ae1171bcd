// SPDX-License-Identifier: GPL-2.0-or-later

import type { Verdict } from '../../verdict.js';
import { countVerdicts, RECORD_FORMAT, type ResultRecord, type RunRecord } from '../record.js';

/** Text that every format must escape in its own way: markup, directives, control characters, several lines. */
export const NASTY = 'a < b & "c" # TODO, 50 %: ]]>\nsecond line \x00\x1b[31m\u2028 \ud800 </script>';

export function resultOf(id: string, verdict: Verdict, more: Partial<ResultRecord> = {}): ResultRecord {
  return {
    id,
    title: `the title of ${id}`,
    behaviour: id.split('/')[0] ?? '',
    class: 'host',
    clauses: ['IO-19'],
    file: 'cases/io-emulation/host.yaml',
    line: 17,
    verdict,
    details: verdict === 'pass' ? [] : [`why ${verdict}`],
    ...more,
  };
}

/** A failure that differs in one register. */
export function failed(id: string, actual = '00000001', path = 'regs.eax'): ResultRecord {
  const differences = [{ step: 1, path, label: path, actual, expected: '00000002' }];
  return resultOf(id, 'fail', { details: [`${path} ${actual}, expected 00000002`], differences });
}

export function recordWith(results: ResultRecord[], more: Partial<RunRecord> = {}): RunRecord {
  return {
    format: RECORD_FORMAT,
    suite: { name: 'lguest-conformance', version: '1.2.3' },
    implementation: { label: './my-host', name: 'mine', version: '1', classes: ['host'], choices: {} },
    profile: 'linux-2.6.29',
    shard: null,
    rerun: ' --impl ./my-host',
    conforms: false,
    interrupted: false,
    problems: [],
    counts: countVerdicts(results),
    not_run: { unspecified: {}, not_claimed: {}, other_profile: 0 },
    results,
    ...more,
  };
}

const known = { status: 'known-failure', reason: NASTY, file: 'known.yaml', line: 3 } as const;

/** A result of every sort. */
export const everySort = recordWith(
  [
    resultOf('io-emulation/passes', 'pass'),
    failed('io-emulation/fails'),
    resultOf('io-emulation/crashes', 'crashed', { details: [NASTY], stderr: NASTY }),
    resultOf('io-emulation/hangs', 'timeout'),
    resultOf('io-emulation/babbles', 'bad-reply'),
    resultOf('fpu/cannot', 'unsupported', { details: [NASTY] }),
    resultOf('fpu/gone', 'withdrawn'),
    resultOf('fpu/known', 'fail', { known: { kind: 'expected', ...known } }),
    resultOf('fpu/surprise', 'pass', { known: { kind: 'unexpected-pass', ...known } }),
    resultOf('fpu/flaky', 'fail', { known: { kind: 'flaky', ...known, status: 'flaky' } }),
  ],
  { problems: [NASTY] },
);
