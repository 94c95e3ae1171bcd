// SPDX-License-Identifier: GPL-2.0-or-later

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { readKernelImage } from '../../reference/launcher/kernel-image.js';
import { packageRoot } from '../package.js';
import { compileSmallOs, IMAGES, imageFixturePath, imageFixtureText, SMALL_OS } from './build-images.js';
import { bootInMemory } from './testing/boot-in-memory.js';

const checkedIn = readFileSync(join(packageRoot, SMALL_OS));
const hasNasm = spawnSync('nasm', ['-v']).status === 0;
const compiled = tryToCompile();

if (!hasNasm)
  console.warn('nasm is missing: images are not compared with their sources (apt-get install nasm)');
if (compiled === null)
  console.warn('gcc -m32 is missing: the small system is not rebuilt (apt-get install gcc-multilib make)');

function tryToCompile(): Buffer | null {
  try {
    return compileSmallOs();
  } catch {
    return null;
  }
}

describe.skipIf(!hasNasm)('the fixture of an image is what its source gives', () => {
  it.each(IMAGES)('$name', (image) => {
    expect(readFileSync(imageFixturePath(image), 'utf8')).toBe(imageFixtureText(image));
  });
});

/** Another compiler may make other code of the same source, which then does the same. */
test.skipIf(compiled === null)(
  'the small system rebuilt from its source is the one that is checked in',
  async () => {
    if (compiled === null || compiled.equals(checkedIn)) return;
    const [before, after] = await Promise.all(
      [checkedIn, compiled].map((file) => bootInMemory({ image: readKernelImage(file) })),
    );
    expect(after.text).toBe(before.text);
    expect(after.end.ending).toEqual(before.end.ending);
  },
);
