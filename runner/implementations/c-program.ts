// SPDX-License-Identifier: GPL-2.0-or-later

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, extname, join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../package.js';
import { CannotStart } from './implementation.js';

/** A C program that is built on the machine that it runs on. */
export interface CProgram {
  /** The source, and headers of this project that it includes, from the folder of implementations. */
  source: string;
  headers?: readonly string[];
  flags: readonly string[];
  /** After the source on the command line: `-lunicorn`. */
  libraries?: readonly string[];
  /** What to install when it cannot be compiled. */
  cure: string;
}

/** The path of the compiled program, built when the user's cache does not have it for these very sources. */
export async function builtProgram(program: CProgram): Promise<string> {
  const implementations = join(packageRoot, 'runner', 'implementations');
  const source = join(implementations, program.source);
  const command = [...program.flags, ...(program.libraries ?? [])];
  const hash = createHash('sha256').update(command.join(' ')).update(readFileSync(source));
  for (const header of program.headers ?? []) hash.update(readFileSync(join(implementations, header)));
  const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'lguest-conformance');
  const name = basename(source, extname(source));
  const built = join(folder, `${name}-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(built)) return built;
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new CannotStart(
      `${folder} cannot be made: ${String(error)}`,
      'set XDG_CACHE_HOME to a folder of yours',
    );
  }
  const unfinished = `${built}.${process.pid}`;
  await compile(program, source, unfinished);
  renameSync(unfinished, built);
  return built;
}

async function compile(program: CProgram, source: string, built: string): Promise<void> {
  const compiler = process.env.CC ?? 'cc';
  const { flags, libraries = [], cure } = program;
  try {
    await promisify(execFile)(compiler, [
      ...flags,
      `-I${dirname(dirname(source))}`,
      '-o',
      built,
      source,
      ...libraries,
    ]);
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: unknown };
    if (code === 'ENOENT') throw new CannotStart(`there is no C compiler "${compiler}"`, cure);
    throw new CannotStart(
      `${basename(source)} cannot be compiled with ${[compiler, ...flags].join(' ')}:\n${String(stderr)}`,
      cure,
    );
  }
}
