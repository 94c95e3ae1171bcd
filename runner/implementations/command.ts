// SPDX-License-Identifier: GPL-2.0-or-later

import { existsSync } from 'node:fs';

/** A program and its arguments. */
export interface Command {
  file: string;
  args: readonly string[];
}

const SETPRIV = '/usr/bin/setpriv';

/** The command for a program that ends together with this process, even when that is killed in the middle of an endless case. */
export function endingWithUs({ file, args }: Command): Command {
  if (!existsSync(SETPRIV)) return { file, args };
  return { file: SETPRIV, args: ['--pdeathsig', 'KILL', file, ...args] };
}
