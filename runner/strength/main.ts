// SPDX-License-Identifier: GPL-2.0-or-later
import { measure } from './measure.js';
import { Sources } from './mutant.js';
const results = await measure({ mutate: process.argv.slice(2), jobs: 2, folder: '/tmp/STRENGTH/sandboxes' });
const sources = new Sources();
const by: Record<string, number> = {};
for (const m of results) { by[m.status] = (by[m.status] ?? 0) + 1; if (m.status !== 'Ignored') { const v = sources.view(m); console.log(m.status, `${v.file}:${v.at.line}`, v.mutator, v.original, '=>', v.replacement, v.clauses.join(','), m.statusReason ?? ''); } }
console.log(by);
