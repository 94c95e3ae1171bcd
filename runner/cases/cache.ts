// SPDX-License-Identifier: GPL-2.0-or-later

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../package.js';

/** Raise it when what is kept changes its meaning. */
const FORMAT = '3';

/** Beside the compiled program: the build fills it, so that an installed package has it from the start. */
const folder = join(packageRoot, 'dist', 'cases');

/** A short name for a sequence of texts, different as soon as one of them differs. */
export function contentHash(parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256').update(FORMAT);
  for (const part of parts) hash.update('\0').update(part);
  return hash.digest('hex').slice(0, 24);
}

/** What was kept under this name and hash, or undefined. A file that cannot be read counts as not there. */
export function readCache<T>(name: string, hash: string): T | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, `${name}.${hash}.json`), 'utf8')) as T;
  } catch {
    return undefined;
  }
}

/**
 * Keeps a value; older ones of the same name go. The file appears under its name only when it is complete, so that
 * runs at the same time never read half of it. Where the folder cannot be written there is no cache.
 */
export function writeCache(name: string, hash: string, value: unknown): void {
  const file = `${name}.${hash}.json`;
  const temporary = join(folder, `${file}.${process.pid}.tmp`);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(temporary, JSON.stringify(value));
    renameSync(temporary, join(folder, file));
    for (const other of readdirSync(folder)) {
      if (other.startsWith(`${name}.`) && other.endsWith('.json') && other !== file) {
        rmSync(join(folder, other), { force: true });
      }
    }
  } catch {
    rmSync(temporary, { force: true });
  }
}
