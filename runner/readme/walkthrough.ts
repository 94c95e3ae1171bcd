// SPDX-License-Identifier: GPL-2.0-or-later

/** Texts that show commands: what these print is checked, and brought up to date, by running them. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../package.js';

export const WALKTHROUGHS = ['README.md', 'spec/plugging-in.md'];

const BLOCK = /```console\n\$ ([\s\S]*?)```/g;
/** From the sources, so that no build is needed. */
const FROM_SOURCE = `${process.execPath} --import tsx ${join(packageRoot, 'runner', 'cli.ts')}`;
const WIDTH = 160;

/** The console blocks of a text, each from its fence to its fence. */
export function consoleBlocks(text: string): string[] {
  return [...text.matchAll(BLOCK)].map(([block]) => block);
}

/**
 * The text with the output of each console block as its commands print it now. Where only the time taken differs, the
 * block stays as it is.
 */
export function withOutputs(document: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'walkthrough-'));
  try {
    for (const name of ['runner', 'node_modules', 'cases'])
      symlinkSync(join(packageRoot, name), join(folder, name));
    return document.replaceAll(BLOCK, (block, content: string) => {
      const commands = `$ ${content}`.split('\n').filter((line) => line.startsWith('$ '));
      const fresh = `\`\`\`console\n${commands.map((line) => transcript(line, folder)).join('')}\`\`\``;
      return withoutTimes(fresh) === withoutTimes(block) ? block : fresh;
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function transcript(line: string, folder: string): string {
  const command = line.slice('$ '.length).replaceAll('npx lguest-conformance', FROM_SOURCE);
  const { stdout, error } = spawnSync('sh', ['-c', command], { cwd: folder, encoding: 'utf8' });
  if (error !== undefined) throw error;
  const lines = stdout
    .split('\n')
    .map((text) => (text.length > WIDTH ? `${text.slice(0, WIDTH - 4)} ...` : text));
  return `${line}\n${lines.join('\n')}`;
}

function withoutTimes(text: string): string {
  return text.replaceAll(/in \d+\.\d+ s/g, 'in N s');
}
