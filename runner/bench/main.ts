// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * `npm run bench [-- SECTION...]`. Machines and their load differ, so what counts is the ratio of two things that were measured
 * in the same round; the tables show the median of the rounds. Each section has a process of its own: what was compiled for
 * one must neither slow down nor speed up the next.
 */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Argument, Command } from 'commander';
import { runTool } from '../tool.js';
import { ExitCode } from '../usage.js';
import { measurePipes } from './pipes.js';
import { measureProcessors } from './processors.js';
import { measureSuite } from './suite.js';

const SECTIONS = new Map([
  ['suite', measureSuite],
  ['pipes', measurePipes],
  ['processors', measureProcessors],
]);

const command = new Command('bench')
  .description('Measures how fast the suite, the pipes to implementations, and processors are.')
  .addArgument(new Argument('[sections...]', 'default: all').choices([...SECTIONS.keys()]))
  .action(async (sections: string[]) => {
    const chosen = [...SECTIONS].filter(([name]) => sections.length === 0 || sections.includes(name));
    const [first, second] = chosen;
    if (first !== undefined && second === undefined) console.log(`${await first[1]()}\n`);
    else for (const [name] of chosen) measureApart(name);
  });

await runTool(command);

function measureApart(section: string): void {
  const self = fileURLToPath(import.meta.url);
  const { status } = spawnSync(process.execPath, [self, section], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = ExitCode.cannotStart;
}
