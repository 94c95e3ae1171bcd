// SPDX-License-Identifier: GPL-2.0-or-later

/** Runs Stryker on some of the reference. */

import { fileURLToPath } from 'node:url';
import type { MutantResult, PartialStrykerOptions } from '@stryker-mutator/api/core';
import { Stryker } from '@stryker-mutator/core';
import { THOROUGH } from './case-runner.js';

/** More than any mutant takes: the runner of the cases has limits of its own, by how long the cases take without mutation. */
const NEVER_MILLISECONDS = 3_600_000;
const DRY_RUN_MINUTES = 60;

export interface Measuring {
  /** Files, or ranges of files (`file.ts:3:0-3:10`), that are mutated; what is not begins with `!`. */
  mutate: readonly string[];
  /** Whether also those that are argued to be equivalent are tried with all that may kill them, however long that takes. */
  thorough: boolean;
  /** Processes. */
  jobs: number;
  /** Where the sandbox is made, and the coverage kept. */
  folder: string;
}

/** What becomes of each mutant. */
export function measure({ mutate, thorough, jobs, folder }: Measuring): Promise<MutantResult[]> {
  const options: PartialStrykerOptions = {
    mutate: [...mutate],
    ignorePatterns: ['/*', '!/reference', '!/runner', '!/package.json'],
    testRunner: 'cases',
    [THOROUGH]: thorough,
    ignorers: ['messages', 'narration', 'names', 'operands'],
    plugins: [fileURLToPath(new URL('./plugin.js', import.meta.url))],
    pluginModulePaths: [],
    coverageAnalysis: 'perTest',
    disableTypeChecks: false,
    symlinkNodeModules: false,
    concurrency: jobs,
    tempDirName: folder,
    timeoutMS: NEVER_MILLISECONDS,
    dryRunTimeoutMinutes: DRY_RUN_MINUTES,
    reporters: ['progress-append-only', 'survivors', 'whole-files'],
    allowConsoleColors: false,
    warnings: false,
  };
  return new Stryker(options).runMutationTest();
}
