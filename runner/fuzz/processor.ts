// SPDX-License-Identifier: GPL-2.0-or-later

import { CaseError } from '../cases/problem.js';
import { differenceText } from '../compare/difference.js';
import { type CaseRequest, isProcessorGiven } from '../protocol.js';
import { readChoices, withDefaults } from '../spec.js';
import { type FuzzCase, makeCase, requestOf } from './case.js';
import { differencesOf, type Ending, endingOf, lastFault, leavesMemory } from './compare.js';
import type { FixtureMachines } from './fixtures.js';
import { type Freedom, freedomsOf, isDisturbed, isOver64K, isOverTheEnd, nativeDoubt } from './freedoms.js';
import { undefinedBefore } from './instruction.js';
import type { Comparison, Contestant, Dispute, Kind, Said, Simplification } from './kind.js';
import type { Family } from './machine.js';
import { simplifications } from './simplify.js';
import { caseText, fileHead, titleOf } from './yaml.js';

/** Class processor: a machine and a few instructions. */
export class ProcessorKind implements Kind<FuzzCase> {
  readonly #choices = readChoices();
  readonly #freedoms = new WeakMap<Contestant, Freedom[]>();
  readonly titleOf = (entry: FuzzCase): string => `${entry.family}: ${titleOf(entry)}`;
  readonly fileHead = fileHead;

  constructor(
    private readonly seed: number,
    private readonly families: readonly Family[],
    private readonly fixtures: FixtureMachines,
  ) {}

  make(number: number): FuzzCase {
    return makeCase(this.seed, number, this.families);
  }

  /** Undefined when the tables of a case that was made simpler lead nowhere. */
  requestOf(entry: FuzzCase): CaseRequest | undefined {
    try {
      return requestOf(entry, this.fixtures);
    } catch (error) {
      if (error instanceof CaseError) return undefined;
      throw error;
    }
  }

  doubtOf(_: FuzzCase, { request, answer }: Said): string | undefined {
    const expected = endingOf(answer);
    if (typeof expected === 'string') {
      return answer.kind === 'unsupported' ? `reference: ${expected}` : undefined;
    }
    if (isProcessorGiven(request.given) && leavesMemory(request.given, expected)) {
      return 'a segment goes beyond the memory';
    }
    return expected.stop === 'limit' ? 'no end within the limit' : undefined;
  }

  compare(entry: FuzzCase, reference: Said, other: Said): Comparison {
    const expected = endingOf(reference.answer);
    const actual = endingOf(other.answer);
    const { label } = other.contestant.implementation;
    const nothing = (reason: string): Comparison => ({ kind: 'nothing', reason: `${label}: ${reason}` });
    if (typeof actual === 'string') return nothing(actual);
    if (actual.stop === 'limit') return nothing('no end within the limit');
    if (typeof expected !== 'string' && isDisturbed(label, expected.state.registers)) {
      return nothing('selectors with another RPL than 3');
    }
    const doubt = label === 'native' ? doubtOfNative(entry, reference.request, expected) : undefined;
    if (doubt !== undefined) return nothing(doubt);
    if (typeof expected === 'string') {
      const fallen = { path: 'outcome', label: 'the reference', actual: actual.stop, expected };
      return { kind: 'compared', differences: [fallen] };
    }
    const { given } = reference.request;
    if (isProcessorGiven(given)) {
      const [one, two] = [lastFault(given.registers, expected), lastFault(given.registers, actual)];
      if (isOverTheEnd(one) || isOverTheEnd(two))
        return nothing('an access over the end of the address space');
      if (isOver64K(entry.instructions, one, two)) return nothing('a long operand over the end of 64 KiB');
    }
    const { observes } = other.contestant.declaration;
    const freedoms = this.#freedomsOf(other.contestant, reference.contestant);
    const differences = differencesOf(entry, reference.request, expected, actual, observes, freedoms);
    return { kind: 'compared', differences };
  }

  #freedomsOf(contestant: Contestant, reference: Contestant): Freedom[] {
    const known = this.#freedoms.get(contestant);
    if (known !== undefined) return known;
    const own = withDefaults(this.#choices, contestant.declaration.choices);
    const freedoms = freedomsOf(own, withDefaults(this.#choices, reference.declaration.choices));
    this.#freedoms.set(contestant, freedoms);
    return freedoms;
  }

  simplifications(entry: FuzzCase): Simplification<FuzzCase>[] {
    return simplifications(entry);
  }

  isMeaningful({ instructions }: FuzzCase): boolean {
    return undefinedBefore(instructions) !== undefined;
  }

  groupOf({ instructions }: FuzzCase): string {
    return instructions.at(-1)?.mnemonic ?? '';
  }

  /** A case that expects what the implementation did. */
  caseText(entry: FuzzCase, { differences, other }: Dispute, labels: readonly string[]): string {
    const ending = endingOf(other.answer);
    const source = `${labels.join(' and ')}; fuzzing, ${entry.id}`;
    const remarks = differences.map((found) => `  # ${differenceText(found)} of the reference`);
    const known = typeof ending === 'string' ? undefined : ending;
    return [...remarks, caseText(entry, known, source, this.fixtures)].join('\n');
  }
}

function doubtOfNative(
  { instructions }: FuzzCase,
  { given }: CaseRequest,
  ending: Ending | string,
): string | undefined {
  if (typeof ending === 'string' || !isProcessorGiven(given)) return undefined;
  return nativeDoubt(instructions, lastFault(given.registers, ending));
}
