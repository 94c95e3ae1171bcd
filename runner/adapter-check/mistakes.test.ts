// SPDX-License-Identifier: GPL-2.0-or-later

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../package.js';
import { MISTAKES } from './mistakes.js';

test('the guide has every mistake with its cure', () => {
  const guide = readFileSync(join(packageRoot, 'spec', 'plugging-in.md'), 'utf8');
  const rows = guide.split('\n').filter((line) => line.startsWith('| '));
  for (const { title, cure } of Object.values(MISTAKES)) expect(rows).toContain(`| ${title} | ${cure} |`);
});
