// SPDX-License-Identifier: GPL-2.0-or-later

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fixturePath, fixtureText, programs } from './assemble.js';

const hasNasm = spawnSync('nasm', ['-v']).status === 0;
if (!hasNasm)
  console.warn(
    'nasm is missing: the guest programs are not compared with their fixtures (apt-get install nasm)',
  );

describe.skipIf(!hasNasm)('the fixture of a guest program is what its source assembles to', () => {
  it.each(programs())('%s', (program) => {
    expect(readFileSync(fixturePath(program), 'utf8')).toBe(fixtureText(program));
  });
});

it('every fixture of a guest program has its source', () => {
  const fixtures = readdirSync(dirname(fixturePath('any'))).filter((name) => name.startsWith('program-'));
  expect(fixtures.sort()).toEqual(
    programs()
      .map((program) => `program-${program}.yaml`)
      .sort(),
  );
});
