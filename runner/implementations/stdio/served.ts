// SPDX-License-Identifier: GPL-2.0-or-later

import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Profile } from '../../protocol.js';
import type { Implementation } from '../implementation.js';
import { createStdio, type ProgramOptions } from './index.js';

export interface ServedOptions extends ProgramOptions {
  profile?: Profile;
}

/** An implementation of JavaScript in a process of its own, in which the command `serve` offers it. */
export function createServed(name: string, { profile, ...options }: ServedOptions): Implementation {
  const own = fileURLToPath(import.meta.url);
  const cli = join(dirname(own), '..', '..', `cli${extname(own)}`);
  const words = [process.execPath, ...loaders(), cli, 'serve', '--impl', name];
  if (profile !== undefined) words.push('--profile', profile);
  return createStdio(words, { ...options, label: name });
}

/** The options of this process that make it understand TypeScript; a debugger can only be attached to one. */
function loaders(): string[] {
  return process.execArgv.filter((word) => !word.startsWith('--inspect'));
}
