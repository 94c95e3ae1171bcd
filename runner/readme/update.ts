// SPDX-License-Identifier: GPL-2.0-or-later

/** Brings the README's tables and the walk-throughs up to date: `npm run readme`. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadSuite } from '../cases/suite.js';
import { packageRoot } from '../package.js';
import { readClauses } from '../spec.js';
import { readEquivalents } from '../strength/equivalent.js';
import { equivalentIn, readFigures } from '../strength/figures.js';
import { withBlock } from './block.js';
import { clauseTable } from './clause-table.js';
import { strengthTable } from './strength.js';
import { WALKTHROUGHS, withOutputs } from './walkthrough.js';

const path = join(packageRoot, 'README.md');
const { cases } = await loadSuite();
let readme = readFileSync(path, 'utf8');
readme = withBlock(readme, 'table', clauseTable(readClauses(), cases));
readme = withBlock(readme, 'strength', strengthTable(readFigures(), equivalentIn(readEquivalents())));
writeFileSync(path, readme);
for (const name of WALKTHROUGHS) {
  const document = join(packageRoot, name);
  writeFileSync(document, withOutputs(readFileSync(document, 'utf8')));
}
