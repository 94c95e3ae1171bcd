// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * Assembles the guest programs of cases/guest-programs/programs with NASM and writes each as a fixture, `program-<name>`:
 * `npx tsx runner/programs/assemble.ts`. A test compares the two.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../package.js';

const SOURCES = join(packageRoot, 'cases', 'guest-programs', 'programs');
const FIXTURES = join(packageRoot, 'cases', 'fixtures');
/** Guest-physical address at which an image is loaded. */
const LOAD_ADDRESS = 0x10000;
const BYTES_PER_LINE = 32;
/** So many lines of zeros are worth a gap. */
const GAP_LINES = 2;

/** The names of the programs, in order. */
export function programs(): string[] {
  return readdirSync(SOURCES)
    .filter((name) => name.endsWith('.asm'))
    .map((name) => name.replace(/\.asm$/, ''))
    .sort();
}

/** Path of the fixture of a program. */
export function fixturePath(program: string): string {
  return join(FIXTURES, `program-${program}.yaml`);
}

/** The text of the fixture, assembled now. */
export function fixtureText(program: string): string {
  const items = memoryItems(assemble(program)).flatMap(({ at, lines }) => [
    `    - at: 0x${at.toString(16)}`,
    '      hex: |',
    ...lines.map((line) => `        ${line}`),
  ]);
  return [
    '# yaml-language-server: $schema=../../spec/schema/fixture.schema.json',
    `# Written by runner/programs/assemble.ts from cases/guest-programs/programs/${program}.asm.`,
    'about: >',
    ...description(program).map((line) => `  ${line}`.trimEnd()),
    'class: system',
    'extends: program',
    'given:',
    '  memory:',
    ...items,
    '',
  ].join('\n');
}

function assemble(program: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'guest-program-'));
  try {
    const output = join(folder, 'image.bin');
    const source = join(SOURCES, `${program}.asm`);
    execFileSync('nasm', ['-f', 'bin', '-i', `${SOURCES}/`, '-o', output, source], { stdio: 'pipe' });
    return readFileSync(output);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The comment at the head of the source, without the licence. */
function description(program: string): string[] {
  const lines = readFileSync(join(SOURCES, `${program}.asm`), 'utf8').split('\n');
  const end = lines.findIndex((line) => !line.startsWith(';'));
  return lines.slice(2, end).map((line) => line.replace(/^; ?/, ''));
}

/** The bytes in lines of hex digits, with gaps where there are many zeros. */
function memoryItems(image: Buffer): { at: number; lines: string[] }[] {
  const items: { at: number; lines: string[] }[] = [];
  let zeros = GAP_LINES;
  for (let from = 0; from < image.length; from += BYTES_PER_LINE) {
    const bytes = image.subarray(from, from + BYTES_PER_LINE);
    if (bytes.every((byte) => byte === 0)) {
      zeros++;
      continue;
    }
    const item = items.at(-1);
    if (item === undefined || zeros >= GAP_LINES) {
      items.push({ at: LOAD_ADDRESS + from, lines: [bytes.toString('hex')] });
    } else {
      for (; zeros > 0; zeros--) item.lines.push('00'.repeat(BYTES_PER_LINE));
      item.lines.push(bytes.toString('hex'));
    }
    zeros = 0;
  }
  return items;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const program of programs()) writeFileSync(fixturePath(program), fixtureText(program));
}
