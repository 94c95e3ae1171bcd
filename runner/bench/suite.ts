// SPDX-License-Identifier: GPL-2.0-or-later

/** What the parts of a run of the whole suite cost. */

import { join } from 'node:path';
import type { Case } from '../cases/case.js';
import { loadSuite } from '../cases/suite.js';
import type { Answer, Implementation } from '../implementations/implementation.js';
import { createImplementation } from '../implementations/index.js';
import { judgingFor } from '../judging.js';
import { packageRoot } from '../package.js';
import type { CaseRequest, Declaration } from '../protocol.js';
import { runCases } from '../run.js';
import { select } from '../select.js';
import { median } from './median.js';
import { table } from './table.js';

const ROUNDS = 3;

const options = { profile: undefined, timeoutFactor: 1, onlyJudged: true };

/** Milliseconds of each thing that is measured, in one round. */
interface Round {
  fromTable: number;
  inProcess: number;
  overStdio: number;
}

/** Answers from what another implementation has answered: what is left is the runner's own cost. */
class Table implements Implementation {
  readonly label = 'table';
  readonly window = 1;
  private readonly answers = new Map<string, Answer>();

  constructor(
    private readonly asked: Implementation,
    private readonly declaration: Declaration,
  ) {}

  async start(): Promise<Declaration> {
    return this.declaration;
  }

  run(request: CaseRequest): Answer | Promise<Answer> {
    const known = this.answers.get(request.id);
    if (known !== undefined) return known;
    const answer = this.asked.run(request);
    if (answer instanceof Promise) return answer;
    this.answers.set(request.id, answer);
    return answer;
  }

  async stop(): Promise<void> {}
}

async function milliseconds(work: () => unknown): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** The table of what was measured, as text. */
export async function measureSuite(): Promise<string> {
  const { cases: all } = await loadSuite();
  const selection = { patterns: [], classes: [], behaviours: [], clauses: [] };
  const { cases } = select(all, selection, 'linux-2.6.29');
  const reference = await createImplementation('reference', options);
  const serve = `"${process.execPath}" "${join(packageRoot, 'dist', 'runner', 'cli.js')}" serve`;
  const overStdio = await createImplementation(serve, options);
  try {
    const declaration = await reference.start();
    await overStdio.start();
    const table = new Table(reference, declaration);
    const run = (implementation: Implementation, which: readonly Case[] = cases) =>
      runCases(implementation, which, { declaration, judging: judgingFor(declaration) });

    const first = await milliseconds(() => run(table));
    const measured: Round[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      measured.push({
        fromTable: await milliseconds(() => run(table)),
        inProcess: await milliseconds(() => run(reference)),
        overStdio: await milliseconds(() => run(overStdio)),
      });
    }
    return told(measured, first, cases.length);
  } finally {
    await overStdio.stop();
    await reference.stop();
  }
}

function told(rounds: readonly Round[], first: number, cases: number): string {
  const typical = (part: (round: Round) => number): number => median(rounds.map(part));
  const perSecond = (count: number, part: (round: Round) => number): string =>
    `${Math.round((1000 * count) / typical(part)).toLocaleString('en')}/s`;
  const ratio = (part: (round: Round) => number): string => typical(part).toFixed(2);
  const rows: [string, string, string, string][] = [
    ['measured', 'speed', 'ratio', 'what the ratio is'],
    [
      'reference in process',
      `${perSecond(cases, (round) => round.inProcess)} cases`,
      ratio((round) => round.inProcess / round.fromTable),
      'to the same cases answered from a table: 1 is a reference that costs nothing',
    ],
    [
      'the first time',
      `${Math.round((1000 * cases) / first).toLocaleString('en')}/s cases`,
      ratio((round) => first / round.inProcess),
      'to a later time: what compiling while running costs',
    ],
    [
      'reference over stdio',
      `${perSecond(cases, (round) => round.overStdio)} cases`,
      ratio((round) => round.overStdio / round.inProcess),
      'to in process: what the protocol costs, or saves with a second core',
    ],
  ];
  return `${cases} cases, median of ${rounds.length} rounds\n\n${table(rows)}`;
}
