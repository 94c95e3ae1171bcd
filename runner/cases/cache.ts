// SPDX-License-Identifier: GPL-2.0-or-later

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../package.js';

/** Raise it when what is kept changes its meaning. */
const FORMAT = '4';

/** Beside the compiled program: the build fills it, so that an installed package has it from the start. */
const folder = join(packageRoot, 'dist', 'cases');

/** A short name for a sequence of texts, different as soon as one of them differs. */
export function contentHash(parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256').update(FORMAT);
  for (const part of parts) hash.update('\0').update(part);
  return hash.digest('hex').slice(0, 24);
}

/** What was kept under a name and hash. */
export interface Kept<Head, Body> {
  head: Head;
  /** Read when it is asked for. */
  body(): Body;
}

/** What was kept under this name and hash, or undefined. A file that cannot be read counts as not there. */
export function readCache<Head, Body = null>(name: string, hash: string): Kept<Head, Body> | undefined {
  try {
    const text = readFileSync(join(folder, `${name}.${hash}.json`), 'latin1');
    const end = text.indexOf('\n');
    const body = lazily(() => JSON.parse(text.slice(end + 1)) as Body);
    return { head: JSON.parse(text.slice(0, end)) as Head, body };
  } catch {
    return undefined;
  }
}

/** Makes a value at the first use. */
export function lazily<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** One line of ASCII: quicker to read than other text. */
function asciiLine(value: unknown): string {
  const escaped = (character: string): string =>
    `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(value).replace(/[^\x20-\x7e]/g, escaped);
}

/**
 * Keeps a value in two parts, the second read on demand; older ones of the same name go. The file appears under its name only when it is complete, so that
 * runs at the same time never read half of it. Where the folder cannot be written there is no cache.
 */
export function writeCache(name: string, hash: string, head: unknown, body: unknown = null): void {
  const file = `${name}.${hash}.json`;
  const temporary = join(folder, `${file}.${process.pid}.tmp`);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(temporary, `${asciiLine(head)}\n${asciiLine(body)}`);
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
