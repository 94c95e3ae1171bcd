// SPDX-License-Identifier: GPL-2.0-or-later

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { loadSuite } from '../../cases/suite.js';
import { packageRoot } from '../../package.js';
import { readClauses } from '../../spec.js';
import { UsageError } from '../../usage.js';
import { countsText, countVerdicts, groupBy, type ResultRecord, type RunRecord } from '../record.js';
import { type Material, Materials } from './material.js';

/** So many cases are packed together: what must be unpacked when one of them is opened. */
const CASES_PER_PACK = 250;

/**
 * The page: one file that needs no network. Its table is there at once; what stands behind it is packed text in elements
 * of its own, of which the page's script unpacks the index when it starts and a pack of cases when one is opened.
 */
export async function renderHtml(records: readonly RunRecord[]): Promise<string> {
  const [first] = records;
  if (first === undefined) throw new UsageError('there are no results to show');
  const suite = await loadSuite();
  const materials = new Materials(suite.cases, first.profile, first.implementation.choices);
  const cases = casesOf(
    records,
    suite.cases.map(({ id }) => id),
  );
  const packs = Array.from({ length: Math.ceil(cases.length / CASES_PER_PACK) }, (_, index) =>
    packed(
      `pack-${index}`,
      cases.slice(index * CASES_PER_PACK, (index + 1) * CASES_PER_PACK).map((row) => details(row, materials)),
    ),
  );
  return page({
    title: `Conformance of ${records.map(({ implementation }) => implementation.label).join(', ')}`,
    head: headOf(records),
    table: tableOf(records),
    data: [packed('index', indexOf(records, cases)), ...packs].join('\n'),
  });
}

/** A case and what became of it, in the order of the implementations. */
interface Row {
  head: ResultRecord;
  results: (ResultRecord | undefined)[];
}

/** Each case that any run has a result for, in the order of the suite; those that it no longer has come last. */
function casesOf(records: readonly RunRecord[], order: readonly string[]): Row[] {
  const byId = records.map(({ results }) => new Map(results.map((result) => [result.id, result])));
  const ids = new Set([...order, ...records.flatMap(({ results }) => results.map(({ id }) => id))]);
  return [...ids].flatMap((id) => {
    const results = byId.map((map) => map.get(id));
    const head = results.find((result) => result !== undefined);
    return head === undefined ? [] : [{ head, results }];
  });
}

/** What the table is drawn from. */
function indexOf(records: readonly RunRecord[], rows: readonly Row[]): unknown {
  const named = new Set(rows.flatMap(({ head }) => head.clauses));
  const clauses = readClauses().filter(({ id }) => named.has(id));
  return {
    packSize: CASES_PER_PACK,
    runs: records.map(({ implementation, profile, rerun }) => ({
      label: implementation.label,
      profile,
      rerun,
    })),
    clauses: clauses.map(({ id, text, file, line }) => ({ id, text, file, line })),
    cases: rows.map(({ head: { id, title, behaviour, class: name, clauses, file, line }, results }) => ({
      ...{ id, title, behaviour, class: name, clauses, file, line },
      verdicts: results.map((result) => result?.verdict ?? 'not-run'),
      known: results.map((result) => result?.known?.kind ?? null),
    })),
  };
}

/** What is shown when the case is opened. */
function details({ head, results }: Row, materials: Materials): Material & { results: unknown[] } {
  return {
    ...materials.of(head.id),
    results: results.map((result) => {
      if (result === undefined) return null;
      const { details, differences, stderr, known } = result;
      return { details, differences, stderr, known };
    }),
  };
}

/** JSON, packed: an element that the browser neither runs nor shows. */
function packed(id: string, data: unknown): string {
  const text = gzipSync(JSON.stringify(data), { level: 6 }).toString('base64');
  return `<script type="application/gzip" id="${id}">${text}</script>`;
}

function headOf(records: readonly RunRecord[]): string {
  const items = records.map((record) => {
    const { implementation, profile, conforms, problems, shard, suite } = record;
    const state = conforms ? '<b class="good">conforms</b>' : '<b class="bad">does not conform</b>';
    const part = shard === null ? '' : `, part ${escaped(shard)}`;
    const known = record.results.filter((result) => result.known?.kind === 'expected').length;
    const notes = [
      countsText(record.counts),
      ...(known > 0 ? [`${known} of the failures are known`] : []),
      ...Object.entries(record.not_run.unspecified).map(([name, count]) => `${count} left open by ${name}`),
      ...Object.entries(record.not_run.not_claimed).map(
        ([name, count]) => `${count} of class ${name} not claimed`,
      ),
    ];
    const list = problems.map((problem) => `<li class="bad">${escaped(problem)}</li>`).join('');
    return (
      `<li><strong>${escaped(implementation.label)}</strong> (${escaped(implementation.name)} ` +
      `${escaped(implementation.version)}), profile ${profile}${part}: ${state}<br><small>${escaped(notes.join('; '))}; ` +
      `${escaped(suite.name)} ${escaped(suite.version)}</small>${list === '' ? '' : `<ul>${list}</ul>`}</li>`
    );
  });
  return `<ul class="runs">${items.join('')}</ul>`;
}

/** The counts by behaviour: all of the table that needs no script. */
function tableOf(records: readonly RunRecord[]): string {
  const byBehaviour = records.map(({ results }) => groupBy(results, ({ behaviour }) => behaviour));
  const behaviours = [...new Set(byBehaviour.flatMap((groups) => [...groups.keys()]))].sort();
  const columns = records
    .map(({ implementation }) => `<th scope="col">${escaped(implementation.label)}</th>`)
    .join('');
  const rows = behaviours.map((behaviour) => {
    const cells = byBehaviour.map(
      (groups) => `<td>${countsText(countVerdicts(groups.get(behaviour) ?? []))}</td>`,
    );
    return `<tr><th scope="row">${escaped(behaviour)}</th>${cells.join('')}</tr>`;
  });
  return (
    `<table><caption class="unseen">Results by behaviour, clause and case</caption><thead><tr><th scope="col">Behaviour, ` +
    `clause, case</th>${columns}</tr></thead><tbody>${rows.join('\n')}</tbody></table>`
  );
}

const FOLDER = join(packageRoot, 'runner', 'report', 'html');

/** Fills the marks of page.html. */
function page(parts: { title: string; head: string; table: string; data: string }): string {
  const read = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');
  const values: Readonly<Record<string, string>> = {
    ...parts,
    title: escaped(parts.title),
    style: read('page.css'),
    script: SCRIPTS.map((name) => asPart(read(name))).join('\n'),
  };
  return read('page.html').replaceAll(/\{\{(\w+)\}\}/g, (mark, name: string) => values[name] ?? mark);
}

/** The page's script in the order in which the parts need each other. */
const SCRIPTS = ['elements.mjs', 'case.mjs', 'page.mjs'];

/** A module as a part of one script, where nothing needs to be imported. */
function asPart(module: string): string {
  return module.replaceAll(/^import [^;]*;\n/gm, '').replaceAll(/^export /gm, '');
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escaped(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character: string) => ENTITIES[character] ?? character);
}
