// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * What it costs to ask an implementation: in this process, through `serve`, and through the example in C, whose own work is
 * next to nothing. Beside it stands a program in C that gives the same request lines back: none that is asked over pipes can be
 * faster. The cases are those of class host that the C example does, run again and again.
 */

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Case } from '../cases/case.js';
import { loadSuite } from '../cases/suite.js';
import { expandCase } from '../expand/request.js';
import type { Implementation } from '../implementations/implementation.js';
import { createImplementation } from '../implementations/index.js';
import { encodeRequest } from '../implementations/stdio/messages.js';
import { judgingFor } from '../judging.js';
import { packageRoot } from '../package.js';
import type { Declaration } from '../protocol.js';
import { runCases } from '../run.js';
import { median } from './median.js';
import { table } from './table.js';

const ROUNDS = 5;
/** Cases of one measurement; the first passes are not counted, so that what is compiled while running is compiled. */
const CASES = 3000;
const WINDOW = 16;
const NEWLINE = 0x0a;
/** An echo of the lines of all cases is over in no time: it is done so often, so that a busy machine slows down all alike. */
const ECHOES = 10;

const options = { profile: undefined, timeoutFactor: 1, onlyJudged: true };

/** Something that is measured: it works through so many cases, or lines. */
interface Contender {
  name: string;
  work: () => Promise<unknown>;
  /** Cases, or lines. */
  count: number;
  /** What its rate is compared with. */
  against?: string;
}

/** The table of what was measured, as text. */
export async function measurePipes(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'lguest-conformance-bench-'));
  const started: Implementation[] = [];
  try {
    const adapter = compiled('examples/c/adapter.c', join(folder, 'adapter'));
    const echo = compiled('bench/echo.c', join(folder, 'echo'));
    if (adapter === undefined || echo === undefined)
      return 'pipes: not measured, there is no C compiler (cc)';
    const { cases, declaration } = await casesDoneBy(adapter);
    const contender = async (
      name: string,
      implementationName: string,
      window?: number,
    ): Promise<Contender> => {
      const implementation = await createImplementation(implementationName, { ...options, window });
      started.push(implementation);
      const declaration = await implementation.start();
      return { name, work: () => run(implementation, declaration, cases), count: cases.length };
    };
    const lines = linesOf(cases, declaration);
    const often = Array.from({ length: ECHOES }, () => lines).flat();
    const cli = join(packageRoot, 'dist', 'runner', 'cli.js');
    const contenders: Contender[] = [
      await contender('reference in process', 'reference'),
      await contender('reference through serve', `"${process.execPath}" "${cli}" serve`),
      { name: 'bare echo, window 1', work: () => echoed(echo, often, 1), count: often.length },
      {
        ...(await contender('C example, window 1', adapter, 1)),
        against: 'bare echo, window 1',
      },
      { name: `bare echo, window ${WINDOW}`, work: () => echoed(echo, often, WINDOW), count: often.length },
      {
        ...(await contender(`C example, window ${WINDOW}`, adapter, WINDOW)),
        against: `bare echo, window ${WINDOW}`,
      },
    ];
    const rates = await measured(contenders);
    const bytes = Math.round(lines.reduce((sum, line) => sum + line.length, 0) / lines.length);
    const about = `${cases.length} cases of class host, requests of ${bytes} bytes on the average`;
    return `${about}, median of ${ROUNDS} rounds\n\n${table(rows(contenders, rates))}\n\n${await startUp(cli)}`;
  } finally {
    for (const implementation of started) await implementation.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function compiled(source: string, program: string): string | undefined {
  const { status } = spawnSync('cc', ['-O2', '-o', program, join(packageRoot, 'runner', source)]);
  return status === 0 ? program : undefined;
}

/** Cases that the adapter does and does not refuse, repeated until there are enough. */
async function casesDoneBy(adapter: string): Promise<{ cases: Case[]; declaration: Declaration }> {
  const { cases } = await loadSuite(['io-emulation']);
  const implementation = await createImplementation(adapter, options);
  const declaration = await implementation.start();
  const hosts = cases.filter((entry) => entry.class === 'host' && entry.unspecifiedBy === undefined);
  const results = await runCases(implementation, hosts, { declaration, judging: judgingFor(declaration) });
  await implementation.stop();
  const done = results.filter(({ verdict }) => verdict === 'pass').map((result) => result.case);
  const indices = Array.from({ length: CASES }, (_, index) => index % done.length);
  return { cases: indices.flatMap((index) => done[index] ?? []), declaration };
}

function linesOf(cases: readonly Case[], declaration: Declaration): string[] {
  const judging = judgingFor(declaration);
  return cases.map((entry, id) => `${encodeRequest(id, 'run_case', expandCase(entry, judging).request)}\n`);
}

/** Runs cases that pass: a failure costs more than a verdict, which is what is measured. */
async function run(
  implementation: Implementation,
  declaration: Declaration,
  cases: readonly Case[],
): Promise<void> {
  const results = await runCases(implementation, cases, { declaration, judging: judgingFor(declaration) });
  const other = results.find(({ verdict }) => verdict !== 'pass');
  if (other !== undefined)
    throw new Error(`${implementation.label}: ${other.verdict} in ${other.case.id}, which is measured`);
}

/** Sends lines through a program that gives them back, so many of them under way at a time. */
async function echoed(program: string, lines: readonly string[], window: number): Promise<void> {
  const echo = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    let sent = 0;
    let received = 0;
    const send = (): void => {
      while (sent < lines.length && sent - received < window) echo.stdin.write(lines[sent++] ?? '', 'latin1');
    };
    echo.once('error', reject);
    echo.stdout.on('data', (chunk: Buffer) => {
      for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) received++;
      if (received === lines.length) resolve();
      else send();
    });
    send();
  });
  echo.stdin.end();
}

/** Cases a second, the median of the rounds. */
async function measured(contenders: readonly Contender[]): Promise<Map<string, number>> {
  const rates = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < ROUNDS + 1; round++) {
    for (const { name, work, count } of contenders) {
      const began = performance.now();
      await work();
      // The first round is for the compiler.
      if (round > 0) rates.get(name)?.push((1000 * count) / (performance.now() - began));
    }
  }
  return new Map([...rates].map(([name, list]) => [name, median(list)]));
}

function rows(contenders: readonly Contender[], rates: ReadonlyMap<string, number>): string[][] {
  const rateOf = (name: string): number => rates.get(name) ?? Number.NaN;
  return [
    ['measured', 'a second', 'ratio', 'to'],
    ...contenders.map(({ name, against }) => [
      name,
      Math.round(rateOf(name)).toLocaleString('en'),
      against === undefined ? '' : (rateOf(name) / rateOf(against)).toFixed(2),
      against ?? '',
    ]),
  ];
}

/** Time from starting the program to the first verdict, of one case and of a run of all. */
async function startUp(cli: string): Promise<string> {
  const of = async (...patterns: string[]): Promise<number> => {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) times.push(await firstVerdict(cli, patterns));
    return Math.round(median(times));
  };
  const one = await of('io-emulation/in-byte/in-al-imm8');
  const all = await of();
  return `from start to the first verdict: ${one} ms for one case, ${all} ms for a run of all`;
}

function firstVerdict(cli: string, patterns: readonly string[]): Promise<number> {
  const began = performance.now();
  const run = spawn(process.execPath, [cli, 'run', ...patterns, '--reporter', 'jsonl'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    let text = '';
    run.once('error', reject);
    run.once('close', () => reject(new Error('the run had no verdict')));
    run.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (!text.includes('"type":"result"')) return;
      resolve(performance.now() - began);
      run.kill();
    });
  });
}
