// SPDX-License-Identifier: GPL-2.0-or-later

import { CaseError } from '../cases/problem.js';
import type { Difference } from '../compare/difference.js';
import type { Answer, Implementation } from '../implementations/implementation.js';
import { messageOf } from '../message-of.js';
import { type CaseRequest, type Declaration, isProcessorGiven } from '../protocol.js';
import { readChoices, withDefaults } from '../spec.js';
import { type FuzzCase, requestOf } from './case.js';
import { differencesOf, type Ending, endingOf, leavesMemory } from './compare.js';
import type { FixtureMachines } from './fixtures.js';
import { type Freedom, freedomsOf, isDisturbed } from './freedoms.js';

/** An implementation that has been started, and what it has declared. */
export interface Contestant {
  implementation: Implementation;
  declaration: Declaration;
}

/** What became of one case. */
export type Verdict =
  | { kind: 'same' }
  /** Too few implementations had an answer; why. */
  | { kind: 'unanswered'; reason: string }
  | { kind: 'different'; differences: Difference[]; ending: Ending | undefined };

/** Implementations against the reference: it is doubted where enough of them say the same that it does not. */
export class Contest {
  readonly #reference: Contestant;
  readonly #others: readonly (Contestant & { freedoms: Freedom[] })[];

  constructor(
    reference: Contestant,
    others: readonly Contestant[],
    private readonly fixtures: FixtureMachines,
  ) {
    this.#reference = reference;
    const choices = readChoices();
    const defaults = withDefaults(choices, reference.declaration.choices);
    this.#others = others.map((other) => ({
      ...other,
      freedoms: freedomsOf(withDefaults(choices, other.declaration.choices), defaults),
    }));
  }

  get labels(): string[] {
    return this.#others.map(({ implementation }) => implementation.label);
  }

  async judge(cases: readonly FuzzCase[]): Promise<Verdict[]> {
    const possible = cases.flatMap((entry, index) => {
      const request = quietRequest(entry, this.fixtures);
      return request === undefined ? [] : [{ entry, request, index }];
    });
    const requests = possible.map(({ request }) => request);
    const [expected = [], ...answers] = await Promise.all(
      [this.#reference, ...this.#others].map(({ implementation }) => answersOf(implementation, requests)),
    );
    const verdicts: Verdict[] = cases.map(() => ({
      kind: 'unanswered',
      reason: 'the machine cannot be built',
    }));
    possible.forEach(({ entry, request, index }, i) => {
      const reference = expected[i];
      if (reference === undefined) throw new Error('an answer is missing');
      const others = answers.map((list) => list[i]);
      verdicts[index] = this.#verdict(entry, request, reference, others);
    });
    return verdicts;
  }

  #verdict(
    entry: FuzzCase,
    request: CaseRequest,
    reference: Answer,
    answers: readonly (Answer | undefined)[],
  ): Verdict {
    const expected = endingOf(reference);
    if (typeof expected === 'string' && reference.kind === 'unsupported')
      return { kind: 'unanswered', reason: `reference: ${expected}` };
    if (
      typeof expected !== 'string' &&
      isProcessorGiven(request.given) &&
      leavesMemory(request.given, expected)
    ) {
      return { kind: 'unanswered', reason: 'a segment goes beyond the memory' };
    }
    if (typeof expected !== 'string' && expected.stop === 'limit') {
      return { kind: 'unanswered', reason: 'no end within the limit' };
    }
    const needed = Math.min(2, this.#others.length);
    const told: { differences: Difference[]; ending: Ending }[] = [];
    let reason = 'no answer';
    this.#others.forEach(({ implementation, declaration, freedoms }, i) => {
      const answer = answers[i];
      const actual = answer === undefined ? 'no answer' : endingOf(answer);
      if (typeof actual === 'string') {
        reason = `${implementation.label}: ${actual}`;
        return;
      }
      if (actual.stop === 'limit') {
        reason = `${implementation.label}: no end within the limit`;
        return;
      }
      if (typeof expected !== 'string' && isDisturbed(implementation.label, expected.state.registers)) {
        reason = `${implementation.label}: selectors with another RPL than 3`;
        return;
      }
      const differences =
        typeof expected === 'string'
          ? [{ path: 'outcome', label: 'the reference', actual: actual.stop, expected: expected }]
          : differencesOf(entry, request, expected, actual, declaration.observes, freedoms);
      told.push({ differences, ending: actual });
    });
    if (told.length < needed) return { kind: 'unanswered', reason };
    return agreed(told, needed);
  }
}

/** Undefined when the tables of a case that was made simpler lead nowhere. */
function quietRequest(entry: FuzzCase, fixtures: FixtureMachines): CaseRequest | undefined {
  try {
    return requestOf(entry, fixtures);
  } catch (error) {
    if (error instanceof CaseError) return undefined;
    throw error;
  }
}

/** What enough of them agree on. */
function agreed(told: readonly { differences: Difference[]; ending: Ending }[], needed: number): Verdict {
  for (const { differences, ending } of told) {
    const shared = differences.filter(
      (one) =>
        told.filter(({ differences: others }) => others.some((two) => isSame(one, two))).length >= needed,
    );
    if (shared.length > 0) return { kind: 'different', differences: shared, ending };
  }
  return { kind: 'same' };
}

const isSame = (one: Difference, two: Difference): boolean =>
  one.path === two.path && one.actual === two.actual;

/** The answers in the order of the requests, with no more at a time than the implementation takes. */
export async function answersOf(
  implementation: Implementation,
  requests: readonly CaseRequest[],
): Promise<(Answer | undefined)[]> {
  const answers: (Answer | undefined)[] = requests.map(() => undefined);
  const queue = requests.entries();
  const worker = async (): Promise<void> => {
    for (const [i, request] of queue) answers[i] = await answerOf(implementation, request);
  };
  await Promise.all(Array.from({ length: Math.min(implementation.window, requests.length) }, worker));
  return answers;
}

async function answerOf(implementation: Implementation, request: CaseRequest): Promise<Answer> {
  try {
    return await implementation.run(request);
  } catch (error) {
    return { kind: 'crashed', how: messageOf(error), stderr: '' };
  }
}
