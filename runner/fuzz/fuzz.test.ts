// SPDX-License-Identifier: GPL-2.0-or-later

import { beforeAll, describe, expect, test } from 'vitest';
import { compileFile } from '../cases/compile.js';
import { Fixtures } from '../cases/fixtures.js';
import type { Problem } from '../cases/problem.js';
import { caseChecks } from '../cases/schema.js';
import type { Answer, Implementation } from '../implementations/implementation.js';
import { ReferenceImplementation } from '../implementations/reference/index.js';
import { type CaseRequest, isProcessorGiven } from '../protocol.js';
import { codeHex, type FuzzCase, makeCase, requestOf } from './case.js';
import { Contest } from './contest.js';
import { FixtureMachines, fixtureSources } from './fixtures.js';
import { type FuzzPlan, type FuzzReport, fuzz } from './fuzz.js';
import type { Contestant } from './kind.js';
import { FAMILIES, type Family } from './machine.js';
import { ProcessorKind } from './processor.js';
import { fileHead } from './yaml.js';

let fixtures: FixtureMachines;
let reference: Contestant;

beforeAll(async () => {
  fixtures = new FixtureMachines();
  reference = await contestant(new ReferenceImplementation('linux-2.6.29'));
});

async function contestant(implementation: Implementation): Promise<Contestant> {
  return { implementation, declaration: await implementation.start() };
}

/** The reference under another name, with a mistake in its answers. */
class Mistaken implements Implementation {
  readonly window = 1;
  readonly #honest = new ReferenceImplementation('linux-2.6.29');

  constructor(
    readonly label: string,
    private readonly isMistaken: (request: CaseRequest) => boolean,
    private readonly mistake: (registers: Record<string, unknown>) => void,
  ) {}

  start = () => this.#honest.start();
  stop = () => this.#honest.stop();

  run(request: CaseRequest): Answer {
    const answer = this.#honest.run(request);
    if (answer.kind !== 'result' || !this.isMistaken(request)) return answer;
    const copy = structuredClone(answer);
    const registers = copy.result.steps[0]?.state.registers;
    if (typeof registers === 'object' && registers !== null)
      this.mistake(registers as Record<string, unknown>);
    return copy;
  }
}

const codeOf = ({ given }: CaseRequest): string =>
  (isProcessorGiven(given) && given.memory.at(-1)?.hex) || '';

/** A program that begins with CMC ends with a wrong ESI. */
const wrongWithCmc = (label: string) =>
  new Mistaken(
    label,
    (request) => codeOf(request).startsWith('f5'),
    (registers) => {
      registers.esi = 0x12345678;
    },
  );

const plan: FuzzPlan = {
  ...{ first: 0, cases: 1000, milliseconds: Number.POSITIVE_INFINITY, most: 1 },
};
const SEED = 7;
const userFamily = FAMILIES.filter(({ name }) => name === 'user');
const silent = { progress: () => {}, finding: () => {} };

async function fuzzed(
  others: Contestant[],
  changes: Partial<FuzzPlan> = {},
  families: readonly Family[] = userFamily,
): Promise<FuzzReport<FuzzCase>> {
  const kind = new ProcessorKind(SEED, families, fixtures);
  const contest = new Contest(reference, others, kind);
  return fuzz(kind, contest, { ...plan, ...changes }, silent, new AbortController().signal);
}

describe('the generator', () => {
  test('makes the same case of the same seed and number, and others of others', () => {
    expect(makeCase(1, 5, FAMILIES)).toEqual(makeCase(1, 5, FAMILIES));
    expect(makeCase(1, 5, FAMILIES)).not.toEqual(makeCase(1, 6, FAMILIES));
    expect(makeCase(1, 5, FAMILIES)).not.toEqual(makeCase(2, 5, FAMILIES));
  });

  test('fits the machine of every family', () => {
    for (let number = 0; number < 500; number++) {
      const entry = makeCase(3, number, FAMILIES);
      expect(() => requestOf(entry, fixtures), entry.id).not.toThrow();
    }
  });
});

describe('a wrong implementation', () => {
  test('is found, and its case made as small as it can be', async () => {
    const { findings } = await fuzzed([await contestant(wrongWithCmc('wrong'))]);
    const [finding] = findings;
    if (finding === undefined) throw new Error('it was not found');
    expect(codeHex(finding.entry)).toBe('f5');
    expect(finding.entry.machine.memory).toEqual([]);
    expect(Object.keys(finding.entry.machine.registers)).toEqual([]);
    expect(finding.differences.map(({ path }) => path)).toEqual(['registers.esi']);
  });

  test('is told as a case file without a problem', async () => {
    const { findings } = await fuzzed([await contestant(wrongWithCmc('wrong'))]);
    const text = `${fileHead('a test')}\n${findings[0]?.text}\n`;
    const problems: Problem[] = [];
    const checks = caseChecks();
    const machines = new Fixtures(fixtureSources(), checks.fixture, problems);
    const compiled = compileFile({ file: 'cases/execution/fuzzed.yaml', text }, machines, checks, problems);
    expect(problems).toEqual([]);
    expect(compiled?.cases).toHaveLength(1);
    expect(text).toContain('esi: 0x12345678');
  });

  test('is not believed when a second one agrees with the reference', async () => {
    const honest = await contestant(
      new Mistaken(
        'honest',
        () => false,
        () => {},
      ),
    );
    const { different } = await fuzzed([await contestant(wrongWithCmc('wrong')), honest]);
    expect(different).toBe(0);
  });

  test('is believed when a second one says the same', async () => {
    const two = [await contestant(wrongWithCmc('one')), await contestant(wrongWithCmc('two'))];
    expect((await fuzzed(two)).findings).toHaveLength(1);
  });
});

test('an implementation that is right shows no difference', async () => {
  const honest = await contestant(
    new Mistaken(
      'honest',
      () => false,
      () => {},
    ),
  );
  const report = await fuzzed([honest], { cases: 500 }, FAMILIES);
  expect(report).toMatchObject({ ran: 500, different: 0 });
});

test('what cannot be run is counted with its reason', async () => {
  const refusing = await contestant(
    new Mistaken(
      'refusing',
      () => false,
      () => {},
    ),
  );
  refusing.implementation.run = () => ({ kind: 'unsupported', reason: 'nothing at all' });
  const { ran, unanswered } = await fuzzed([refusing], { cases: 300 });
  expect(ran).toBe(300);
  expect(unanswered.get('refusing: nothing at all')).toBeGreaterThan(250);
});

test('undefined flags are left out, defined ones are not', async () => {
  const flips = (flag: number) =>
    new Mistaken(
      'flips',
      (request) => codeOf(request) === 'f7e1',
      (registers) => {
        registers.eflags = Number(registers.eflags) ^ flag;
      },
    );
  const entry = {
    ...makeCase(1, 1, userFamily),
    machine: { fixture: 'machine-ring0', registers: {}, memory: [] },
    instructions: [
      {
        ...{ clause: 'EX-25', mnemonic: 'MUL', prefixes: [], opcode: [0xf7], modrm: [0xe1] },
        ...{ displacement: [], immediate: [], size: 4 as const },
        ...{ operands: ['Ev'], wide: 4 as const, address32: true },
      },
    ],
  };
  const verdictOf = async (flag: number) => {
    const kind = new ProcessorKind(SEED, userFamily, fixtures);
    const contest = new Contest(reference, [await contestant(flips(flag))], kind);
    return (await contest.judge([entry]))[0]?.kind;
  };
  expect(await verdictOf(0x10)).toBe('same');
  expect(await verdictOf(0x01)).toBe('different');
});
