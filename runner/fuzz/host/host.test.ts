// SPDX-License-Identifier: GPL-2.0-or-later

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileFile } from '../../cases/compile.js';
import { Fixtures } from '../../cases/fixtures.js';
import type { Problem } from '../../cases/problem.js';
import { caseChecks } from '../../cases/schema.js';
import { loadSuite } from '../../cases/suite.js';
import { judge } from '../../compare/judge.js';
import { expandCase } from '../../expand/request.js';
import { Random } from '../../generate/random.js';
import type { Answer, Implementation } from '../../implementations/implementation.js';
import { ReferenceImplementation } from '../../implementations/reference/index.js';
import {
  type CaseRequest,
  type CaseResult,
  type Declaration,
  isObject,
  type Profile,
} from '../../protocol.js';
import { Contest } from '../contest.js';
import { type FuzzReport, fuzz } from '../fuzz.js';
import type { Contestant } from '../kind.js';
import { type HostClass, type HostFuzzCase, hostRequest, originOf } from './case.js';
import type { ClauseCoverage } from './clause-coverage.js';
import { Corpus, SuiteOnly } from './corpus.js';
import { HostKind } from './kind.js';
import { makeHostCase } from './mutate.js';
import { makePossible } from './possible.js';

let origins: HostFuzzCase[] = [];
let folder = '';

beforeAll(async () => {
  const { cases } = await loadSuite(['io-emulation', 'hypercalls', 'shadow-page-tables', 'isolation']);
  origins = cases.flatMap((entry) => originOf(entry) ?? []);
  folder = mkdtempSync(join(tmpdir(), 'lguest-conformance-corpus-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const originsOf = (wanted: HostClass): HostFuzzCase[] =>
  origins.filter(({ class: conformanceClass }) => conformanceClass === wanted);

/** What a mistaken host does with the answer to a request. */
type Mistake = (result: CaseResult, request: CaseRequest) => void;

/** The reference with a mistake in its answers. */
class Mistaken implements Implementation {
  readonly label = 'mistaken';
  readonly window = 1;
  readonly #honest: ReferenceImplementation;

  constructor(
    profile: Profile,
    private readonly mistake: Mistake,
    private readonly declared: Partial<Declaration> = {},
  ) {
    this.#honest = new ReferenceImplementation(profile);
  }

  start = async (): Promise<Declaration> => ({ ...(await this.#honest.start()), ...this.declared });
  stop = () => this.#honest.stop();

  run(request: CaseRequest): Answer {
    const answer = structuredClone(this.#honest.run(request));
    if (answer.kind === 'result') this.mistake(answer.result, request);
    return answer;
  }
}

async function contestant(implementation: Implementation): Promise<Contestant> {
  return { implementation, declaration: await implementation.start() };
}

const honest = (): void => {};

interface Fuzzed {
  kind: HostKind;
  report: FuzzReport<HostFuzzCase>;
}

async function fuzzed(
  other: Implementation,
  cases: number,
  wanted: HostClass = 'host',
  most = 1,
  signal = new AbortController().signal,
): Promise<Fuzzed> {
  const reference = await contestant(new ReferenceImplementation('linux-2.6.29'));
  const kind = new HostKind(7, new SuiteOnly(originsOf(wanted)));
  const contest = new Contest(reference, [await contestant(other)], kind);
  const plan = { first: 0, cases, milliseconds: Number.POSITIVE_INFINITY, most };
  const silent = { progress: honest, finding: honest };
  const report = await fuzz(kind, contest, plan, silent, signal);
  return { kind, report };
}

/** Saved registers in the answer to a step, of a case with one guest. */
const registersOf = ({ state }: CaseResult['steps'][number]): Record<string, unknown> =>
  isObject(state.regs) ? state.regs : {};

/** A trap 13 that is emulated leaves EBX one higher. */
const changesEbx: Mistake = ({ steps }, request) => {
  const [step] = steps;
  const { regs } = isObject(request.given) ? request.given : {};
  if (step === undefined || request.steps[0]?.op !== 'handle_trap' || !isObject(regs)) return;
  const saved = registersOf(step);
  if (regs.trapnum === 13 && saved.eip !== regs.eip) saved.ebx = Number(saved.ebx) ^ 1;
};

describe('the generator', () => {
  test('makes the same input of the same seed and number, and others of others', () => {
    const host = originsOf('host');
    expect(makeHostCase(1, 5, host)).toEqual(makeHostCase(1, 5, host));
    expect(makeHostCase(1, 5, host).given).not.toEqual(makeHostCase(1, 6, host).given);
    expect(makeHostCase(1, 5, host).given).not.toEqual(makeHostCase(2, 5, host).given);
  });

  test('does not change what it begins with', () => {
    const host = originsOf('host');
    const before = structuredClone(host);
    for (let number = 0; number < 300; number++) makeHostCase(3, number, host);
    expect(host).toEqual(before);
  });

  test.each(['host', 'system'] as const)('makes states of class %s that the reference takes', (wanted) => {
    const reference = new ReferenceImplementation('linux-2.6.29');
    let refused = 0;
    const count = wanted === 'host' ? 600 : 60;
    for (let number = 0; number < count; number++) {
      const answer = reference.run(hostRequest(makeHostCase(4, number, originsOf(wanted)), 'linux-2.6.29'));
      if (answer.kind !== 'result') refused++;
    }
    expect(refused).toBeLessThan(count / 20);
  });
});

describe('a wrong implementation', () => {
  let found: Fuzzed | undefined;
  beforeAll(async () => {
    found = await fuzzed(new Mistaken('linux-2.6.29', changesEbx), 2000);
  }, 60_000);

  test('is found, and its case made as small as it can be', () => {
    const finding = found?.report.findings[0];
    if (finding === undefined) throw new Error('it was not found');
    expect(finding.differences.map(({ path }) => path)).toEqual(['regs.ebx']);
    expect(finding.entry.steps).toEqual([{ op: 'handle_trap' }]);
    const { regs } = finding.entry.given;
    expect(Object.keys(isObject(regs) ? regs : {})).toEqual(expect.arrayContaining(['trapnum']));
    expect(JSON.stringify(finding.entry.given).length).toBeLessThan(600);
  });

  test('is told as a case file without a problem, which the reference passes', () => {
    const finding = found?.report.findings[0];
    if (found === undefined || finding === undefined) throw new Error('it was not found');
    const text = `${found.kind.fileHead('a test', finding.entry)}\n${finding.text}\n`;
    const problems: Problem[] = [];
    const checks = caseChecks();
    const fixtures = new Fixtures([], checks.fixture, problems);
    const file = compileFile({ file: 'cases/io-emulation/fuzzed.yaml', text }, fixtures, checks, problems);
    expect(problems).toEqual([]);
    const [compiled] = file?.cases ?? [];
    if (compiled === undefined) throw new Error('there is no case');
    expect(text).toContain('has to be derived');
    const { given, steps } = compiled;
    const entry = { ...compiled, recorded: false, body: () => ({ given, steps }) };
    const judging = { profile: 'linux-2.6.29' as const, choices: {}, features: ['pool_and_clock_events'] };
    const expanded = expandCase(entry, judging);
    const right = new ReferenceImplementation('linux-2.6.29').run(expanded.request);
    const wrong = new Mistaken('linux-2.6.29', changesEbx).run(expanded.request);
    if (right.kind !== 'result' || wrong.kind !== 'result') throw new Error('there is no answer');
    expect(judge(expanded, right.result, judging).flat()).toEqual([]);
    expect(judge(expanded, wrong.result, judging).flat()).not.toEqual([]);
  });

  test('is not judged by what it cannot observe', async () => {
    const blind = { observes: ['lg', 'events'] };
    const { report } = await fuzzed(new Mistaken('linux-2.6.29', changesEbx, blind), 600);
    expect(report.different).toBe(0);
  });

  test('that falls is found', async () => {
    const falls = new Mistaken('linux-2.6.29', (_, { steps }) => {
      if (steps.some(({ op }) => op === 'do_hypercalls')) throw new Error('out of bounds at 4711');
    });
    const { report } = await fuzzed(falls, 600);
    expect(report.findings[0]?.differences).toMatchObject([
      { path: 'fall of mistaken: out of bounds at …', actual: 'out of bounds at 4711' },
    ]);
    expect(report.findings[0]?.entry.steps).toEqual([{ op: 'do_hypercalls' }]);
  });
});

test('what an implementation does not do is counted with its reason', async () => {
  const { report } = await fuzzed(new Mistaken('linux-2.6.29', honest, { operations: ['handle_trap'] }), 400);
  expect(report.different).toBe(0);
  expect([...report.unanswered.keys()]).toEqual(
    expect.arrayContaining([expect.stringMatching(/^mistaken: operation /)]),
  );
});

test('an implementation that is right shows no difference, in either class', async () => {
  expect((await fuzzed(new Mistaken('linux-2.6.29', honest), 400)).report.different).toBe(0);
  expect((await fuzzed(new Mistaken('linux-2.6.29', honest), 30, 'system')).report.different).toBe(0);
});

describe('profile against profile', () => {
  test('every difference has its erratum', async () => {
    const { report } = await fuzzed(new Mistaken('hardened', honest), 1500);
    expect(report.findings.map(({ text }) => text)).toEqual([]);
    expect([...report.explained.keys()]).toEqual(
      expect.arrayContaining(['E-1', 'E-3', 'E-6', 'E-7', 'E-12']),
    );
  });

  test('one that no erratum explains is found', async () => {
    const { report } = await fuzzed(new Mistaken('hardened', changesEbx), 2000);
    expect(report.findings[0]?.differences.map(({ path }) => path)).toContain('regs.ebx');
  });

  test.each([
    ['host_bug', 'an assertion of the host'],
    ['shutdown', 'the machine shuts down'],
  ])('a hardened host that ends in %s is found', async (stop, actual) => {
    const harmed: Mistake = ({ steps }, request) => {
      const [step] = steps;
      if (step !== undefined && request.steps[0]?.op === 'do_hypercalls') step.outcome.stop = stop;
    };
    const { report } = await fuzzed(new Mistaken('hardened', harmed), 1000);
    expect(report.findings[0]?.differences).toMatchObject([{ path: 'outcome', actual }]);
  });
});

/** Coverage that says what the test has put there. */
class PretendedCoverage implements Pick<ClauseCoverage, 'take'> {
  next: string[] = [];

  take(): Set<string> {
    const reached = new Set(this.next);
    this.next = [];
    return reached;
  }
}

test('no task is on a CPU that the host does not have', () => {
  const origin = originsOf('host')[0];
  if (origin === undefined) throw new Error('there is no case');
  const given = { ...structuredClone(origin.given), host: { nr_cpu_ids: 1, host_cpu: 1 } };
  const entry = { ...origin, given, steps: [{ op: 'run_guest', host_cpu: 1, script: [{ host_cpu: 3 }] }] };
  makePossible(entry, new Random(1));
  expect(entry.given.host).toEqual({ nr_cpu_ids: 1, host_cpu: 0 });
  expect(entry.steps).toEqual([{ op: 'run_guest', host_cpu: 0, script: [{ host_cpu: 0 }] }]);
});

test('an interruption is noticed, even by what never waits', async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 100);
  const { report } = await fuzzed(
    new Mistaken('linux-2.6.29', honest),
    1_000_000,
    'host',
    1,
    controller.signal,
  );
  expect(report).toMatchObject({ interrupted: true, findings: [] });
  expect(report.ran).toBeLessThan(100_000);
});

describe('the corpus', () => {
  const [first, second] = ['one', 'two'];

  function corpusWith(coverage: PretendedCoverage, clausesOf: (entry: HostFuzzCase) => string[]): Corpus {
    return new Corpus(folder, 'host', originsOf('host').slice(0, 10), coverage, (entry) => {
      coverage.next = clausesOf(entry);
    });
  }

  const entryNamed = (id: string): HostFuzzCase => ({ ...makeHostCase(1, 1, originsOf('host')), id });

  test('keeps an input that reaches a new clause, and no other', () => {
    const coverage = new PretendedCoverage();
    const corpus = corpusWith(coverage, ({ id }) => (id === first ? ['IO-4'] : []));
    coverage.next = ['IO-4'];
    corpus.learn([entryNamed(second), entryNamed(first)]);
    expect(readdirSync(folder)).toEqual([`${first}.json`]);
    coverage.next = ['IO-4'];
    corpus.learn([entryNamed(second)]);
    expect(corpus.kept).toBe(1);
  });

  test('begins with what it has kept', () => {
    const corpus = corpusWith(new PretendedCoverage(), () => []);
    expect(corpus.kept).toBe(1);
    expect([...corpus.reached]).toEqual(['IO-4']);
    expect(corpus.origins.filter(({ id }) => id === first)).toHaveLength(10);
  });
});
