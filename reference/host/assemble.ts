// SPDX-License-Identifier: GPL-2.0-or-later

/** Assembles the host's two listings with NASM and writes their bytes as TypeScript modules. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** A listing and the module that holds its bytes. */
export interface Listing {
  source: string;
  module: string;
  constant: string;
}

export const LISTINGS: readonly Listing[] = [
  { source: 'switcher.asm', module: 'switcher-code.ts', constant: 'SWITCHER_CODE' },
  { source: 'host-code.asm', module: 'host-code-bytes.ts', constant: 'HOST_CODE' },
];

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const BYTES_PER_LINE = 48;

/** The bytes of a listing, by NASM. */
export function assemble(listing: Listing): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'assemble-'));
  try {
    const output = join(folder, 'code.bin');
    execFileSync('nasm', ['-f', 'bin', '-o', output, join(FOLDER, listing.source)], { stdio: 'pipe' });
    return readFileSync(output);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The text of the module for a listing. */
export function moduleText(listing: Listing, code: Uint8Array): string {
  const hex = Buffer.from(code).toString('hex');
  const lines = hex.match(new RegExp(`.{1,${BYTES_PER_LINE * 2}}`, 'g')) ?? [];
  return [
    '// SPDX-License-Identifier: GPL-2.0-or-later',
    '',
    `/** The bytes of ${listing.source}, written by assemble.ts; a test compares the two. */`,
    `export const ${listing.constant} =`,
    ...lines.map((line, index) => `  '${line}'${index === lines.length - 1 ? ';' : ' +'}`),
    '',
  ].join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const listing of LISTINGS)
    writeFileSync(join(FOLDER, listing.module), moduleText(listing, assemble(listing)));
}
