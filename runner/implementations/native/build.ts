// SPDX-License-Identifier: GPL-2.0-or-later

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../package.js';
import { CannotStart } from '../implementation.js';

const FLAGS = [
  '-m32',
  '-O1',
  '-static',
  '-fno-pie',
  '-no-pie',
  '-fno-stack-protector',
  '-fcf-protection=none',
  '-Wl,-Ttext-segment=0x70000000',
];

const CURE =
  'install a C compiler with 32-bit libraries: "apt-get install gcc gcc-multilib" on Debian and Ubuntu, ' +
  '"dnf install gcc glibc-devel.i686 glibc-static.i686" on Fedora';

/**
 * The path of the compiled native.c, built when the user's cache does not have it for this very source. Throws
 * `CannotStart`.
 */
export async function builtProgram(): Promise<string> {
  const source = join(packageRoot, 'runner', 'implementations', 'native', 'native.c');
  const hash = createHash('sha256').update(FLAGS.join(' ')).update(readFileSync(source)).digest('hex');
  const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'lguest-conformance');
  const program = join(folder, `native-${hash.slice(0, 16)}`);
  if (existsSync(program)) return program;
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new CannotStart(
      `${folder} cannot be made: ${String(error)}`,
      'set XDG_CACHE_HOME to a folder of yours',
    );
  }
  const unfinished = `${program}.${process.pid}`;
  await compile(source, unfinished);
  renameSync(unfinished, program);
  return program;
}

async function compile(source: string, program: string): Promise<void> {
  const compiler = process.env.CC ?? 'cc';
  try {
    await promisify(execFile)(compiler, [...FLAGS, '-o', program, source]);
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: unknown };
    if (code === 'ENOENT') throw new CannotStart(`there is no C compiler "${compiler}"`, CURE);
    throw new CannotStart(`native.c cannot be compiled with ${compiler} -m32:\n${String(stderr)}`, CURE);
  }
}
