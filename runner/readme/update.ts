// SPDX-License-Identifier: GPL-2.0-or-later

/** Brings the README's table and walk-through up to date: `npm run readme`. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadSuite } from '../cases/suite.js';
import { packageRoot } from '../package.js';
import { readClauses } from '../spec.js';
import { clauseTable, withTable } from './clause-table.js';
import { withOutputs } from './walkthrough.js';

const path = join(packageRoot, 'README.md');
const { cases } = await loadSuite();
writeFileSync(path, withOutputs(withTable(readFileSync(path, 'utf8'), clauseTable(readClauses(), cases))));
