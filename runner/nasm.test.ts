// SPDX-License-Identifier: GPL-2.0-or-later

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Listing } from './cases/memory.js';
import { loadSuite } from './cases/suite.js';

const hasNasm = spawnSync('nasm', ['-v']).status === 0;
if (!hasNasm)
  console.warn('nasm is not installed (apt-get install nasm): asm and hex of the cases are not compared');

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lguest-conformance-nasm-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Stands between listings, so that one run of NASM serves many. */
const SEPARATOR = 'c0ffee5e9a7a70f1c0ffee';
const SEPARATOR_BYTES = SEPARATOR.match(/../g)
  ?.map((byte) => `0x${byte}`)
  .join(', ');

/** The bytes of each listing, or what NASM said. Labels are local to their listing. */
function assemble(listings: readonly Listing[]): string[] | { error: string } {
  const parts = listings.map(
    ({ asm, bits, origin }, index) =>
      `section s${index} vstart=0x${origin.toString(16)} align=1\nbits ${bits}\nlisting_${index}:\n${asm}\ndb ${SEPARATOR_BYTES}\n`,
  );
  const source = join(folder, 'listings.asm');
  const output = join(folder, 'listings.bin');
  writeFileSync(source, parts.join(''));
  const { status, stderr } = spawnSync('nasm', ['-f', 'bin', '-w-all', '-o', output, source], {
    encoding: 'utf8',
  });
  if (status !== 0) return { error: stderr };
  const assembled = readFileSync(output).toString('hex').split(SEPARATOR);
  return assembled.slice(0, listings.length);
}

function distinct(listings: readonly Listing[]): Listing[] {
  const byText = new Map(listings.map((listing) => [JSON.stringify(listing), listing]));
  return [...byText.values()];
}

/** Assembles all together when that works, else halves the batch until the wrong one stands alone. */
function disagreements(listings: readonly Listing[]): string[] {
  if (listings.length === 0) return [];
  const bytes = assemble(listings);
  if (Array.isArray(bytes)) {
    return listings.flatMap(({ asm, hex, origin }, index) =>
      bytes[index] === hex
        ? []
        : [`${asm.trim()} (at ${origin.toString(16)}h): NASM says ${bytes[index]}, the case ${hex}`],
    );
  }
  if (listings.length === 1) return [`${listings[0]?.asm.trim()}: ${bytes.error}`];
  const middle = Math.ceil(listings.length / 2);
  return [...disagreements(listings.slice(0, middle)), ...disagreements(listings.slice(middle))];
}

const BATCH = 400;

test.skipIf(!hasNasm)('asm and hex agree in every case and fixture', async () => {
  const listings = distinct((await loadSuite()).listings);
  expect(listings.length).toBeGreaterThan(0);
  const wrong: string[] = [];
  for (let start = 0; start < listings.length; start += BATCH) {
    wrong.push(...disagreements(listings.slice(start, start + BATCH)));
  }
  expect(wrong).toEqual([]);
});
