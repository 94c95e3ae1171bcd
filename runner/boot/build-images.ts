// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * Builds the images that the launcher's cases boot, from the sources in cases/, and writes them beside the sources and as
 * fixtures: `npx tsx runner/boot/build-images.ts`. Tests compare.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../package.js';

const BYTES_PER_LINE = 40;

/** An image: how it is built, and what its fixture says of it. */
export interface ImageSource {
  name: string;
  /** Relative to the package. */
  source: string;
  about: string;
  format: 'flat' | 'elf';
  ram: string;
  /** Builds it. */
  build(): Buffer;
}

export const SMALL_OS = 'cases/guests/small-os/small-os.elf';
const MONITOR = 'cases/launcher/programs/monitor.asm';

export const IMAGES: readonly ImageSource[] = [
  {
    name: 'boot-monitor',
    source: MONITOR,
    about: 'A guest of 2 MiB that does what its command line says; its words are in the source.',
    format: 'flat',
    ram: '0x200000',
    build: () => inFolder((folder) => assembled(folder)),
  },
  {
    name: 'boot-small-os',
    source: SMALL_OS,
    about: 'The operating system of cases/guests/small-os, in 4 MiB.',
    format: 'elf',
    ram: '0x400000',
    build: () => readFileSync(join(packageRoot, SMALL_OS)),
  },
];

/** Path of the fixture with an image. */
export function imageFixturePath({ name }: ImageSource): string {
  return join(packageRoot, 'cases', 'fixtures', `${name}.yaml`);
}

/** The text of that fixture, from an image that is built now. */
export function imageFixtureText({ source, about, format, ram, build }: ImageSource): string {
  const lines =
    build()
      .toString('hex')
      .match(new RegExp(`.{1,${2 * BYTES_PER_LINE}}`, 'g')) ?? [];
  return [
    '# yaml-language-server: $schema=../../spec/schema/fixture.schema.json',
    `# Written by runner/boot/build-images.ts from ${source}.`,
    'about: >',
    `  ${about}`,
    'class: system',
    'given:',
    '  launcher:',
    `    format: ${format}`,
    `    ram: ${ram}`,
    '    image:',
    '      - at: 0',
    '        hex: |',
    ...lines.map((line) => `          ${line}`),
    '',
  ].join('\n');
}

function assembled(folder: string): Buffer {
  const output = join(folder, 'image.bin');
  execFileSync('nasm', ['-f', 'bin', '-o', output, join(packageRoot, MONITOR)], { stdio: 'pipe' });
  return readFileSync(output);
}

/** The small operating system, compiled now. */
export function compileSmallOs(): Buffer {
  return inFolder((folder) => {
    const sources = join(packageRoot, 'cases', 'guests', 'small-os');
    execFileSync('make', ['-C', sources, `OUT=${folder}`], { stdio: 'pipe' });
    return readFileSync(join(folder, 'small-os.elf'));
  });
}

function inFolder(build: (folder: string) => Buffer): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'lguest-image-'));
  try {
    return build(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(join(packageRoot, SMALL_OS), compileSmallOs());
  for (const image of IMAGES) writeFileSync(imageFixturePath(image), imageFixtureText(image));
}
