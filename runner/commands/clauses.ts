// SPDX-License-Identifier: GPL-2.0-or-later

import type { Case } from '../cases/case.js';
import { loadSuite } from '../cases/suite.js';
import { write } from '../report/output.js';
import { type Clause, readClauses } from '../spec.js';
import { ExitCode } from '../usage.js';
import { refuseProblems } from './options.js';

/** What is missing between spec and cases. */
export interface Gaps {
  /** Clauses without a case. */
  untested: Clause[];
  /** Clauses that say the same id twice. */
  repeated: Clause[];
  /** Ids that cases name and the spec does not have, with the first such case. */
  unknown: { id: string; case: Case }[];
  /** Classes that a clause binds and no case of which names it. */
  classesWithout: { clause: Clause; class: string }[];
}

export interface ClausesOptions {
  json?: boolean;
  summary?: boolean;
}

/** Prints every clause with its cases and every case with its clauses; exit code 1 when there is a gap. */
export async function clauses(options: ClausesOptions): Promise<number> {
  const suite = await loadSuite();
  refuseProblems(suite.problems);
  const all = readClauses();
  const gaps = findGaps(all, suite.cases);
  if (options.json === true) write(asJson(all, suite.cases, gaps));
  else
    write(
      `${options.summary === true ? '' : bothWays(all, suite.cases)}${conclusion(all, suite.cases, gaps)}`,
    );
  const complete = gaps.untested.length + gaps.repeated.length + gaps.unknown.length === 0;
  return complete ? ExitCode.conforms : ExitCode.doesNotConform;
}

export function findGaps(all: readonly Clause[], cases: readonly Case[]): Gaps {
  const byClause = casesByClause(cases);
  const ids = new Set<string>();
  const repeated = all.filter((clause) => {
    const again = ids.has(clause.id);
    ids.add(clause.id);
    return again;
  });
  const bound = all.filter((clause) => !clause.withdrawn);
  return {
    untested: bound.filter((clause) => !byClause.has(clause.id)),
    repeated,
    unknown: [...byClause].flatMap(([id, [first]]) =>
      ids.has(id) || first === undefined ? [] : [{ id, case: first }],
    ),
    classesWithout: bound.flatMap((clause) =>
      clause.classes
        .filter((name) => byClause.get(clause.id)?.every((entry) => entry.class !== name) === true)
        .map((name) => ({ clause, class: name })),
    ),
  };
}

function casesByClause(cases: readonly Case[]): Map<string, Case[]> {
  const result = new Map<string, Case[]>();
  for (const entry of cases) {
    if (entry.withdrawn !== undefined) continue;
    for (const id of entry.clauses) result.set(id, [...(result.get(id) ?? []), entry]);
  }
  return result;
}

/** Rows of one table are told as one line. */
function tables(cases: readonly Case[]): string[] {
  const counts = new Map<string, number>();
  for (const { id } of cases) {
    const table = id.split('/').slice(0, 2).join('/');
    counts.set(table, (counts.get(table) ?? 0) + 1);
  }
  return [...counts].map(([table, count]) => (count === 1 ? table : `${table} (${count})`));
}

/** Every clause with its cases, then every case with its clauses. */
function bothWays(all: readonly Clause[], cases: readonly Case[]): string {
  const byClause = casesByClause(cases);
  const lines = all.flatMap((clause) => [
    `${clause.id} (${clause.withdrawn ? 'withdrawn' : clause.classes.join(', ')}) ${clause.file}:${clause.line}`,
    ...tables(byClause.get(clause.id) ?? []).map((table) => `    ${table}`),
  ]);
  lines.push('');
  const clausesOfTable = new Map<string, Set<string>>();
  for (const entry of cases) {
    const table = entry.id.split('/').slice(0, 2).join('/');
    const known = clausesOfTable.get(table) ?? new Set();
    for (const id of entry.clauses) known.add(id);
    clausesOfTable.set(table, known);
  }
  for (const [table, ids] of clausesOfTable) lines.push(`${table}: ${[...ids].join(' ')}`);
  return `${lines.join('\n')}\n\n`;
}

/** The gaps, and how much there is of everything. */
function conclusion(all: readonly Clause[], cases: readonly Case[], gaps: Gaps): string {
  const lines: string[] = [];
  for (const clause of gaps.untested)
    lines.push(`GAP ${clause.file}:${clause.line}: ${clause.id} has no case`);
  for (const clause of gaps.repeated)
    lines.push(`GAP ${clause.file}:${clause.line}: ${clause.id} is defined twice`);
  for (const { id, case: entry } of gaps.unknown) {
    lines.push(`GAP ${entry.file}:${entry.line}: ${entry.id} names ${id}, which the spec does not have`);
  }
  for (const { clause, class: name } of gaps.classesWithout) {
    lines.push(`note: ${clause.id} binds class ${name}, and no case of that class names it`);
  }
  const count = gaps.untested.length + gaps.repeated.length + gaps.unknown.length;
  lines.push(`${all.length} clauses, ${cases.length} cases, ${count === 0 ? 'no gap' : `${count} gaps`}`);
  return `${lines.join('\n')}\n`;
}

function asJson(all: readonly Clause[], cases: readonly Case[], gaps: Gaps): string {
  const byClause = casesByClause(cases);
  const object = {
    clauses: all.map((clause) => ({
      ...clause,
      cases: (byClause.get(clause.id) ?? []).map((entry) => entry.id),
    })),
    cases: cases.map(({ id, clauses: ids }) => ({ id, clauses: ids })),
    gaps: {
      untested: gaps.untested.map((clause) => clause.id),
      repeated: gaps.repeated.map((clause) => clause.id),
      unknown: gaps.unknown.map(({ id, case: entry }) => ({ id, case: entry.id })),
    },
  };
  return `${JSON.stringify(object, null, 2)}\n`;
}
