// SPDX-License-Identifier: GPL-2.0-or-later

import { CaseError } from '../../cases/problem.js';
import { difference } from '../../compare/difference.js';
import type { Answer } from '../../implementations/implementation.js';
import {
  type CaseRequest,
  type CaseResult,
  type Declaration,
  ErrorCode,
  type StepResult,
} from '../../protocol.js';
import type { Comparison, Contestant, Dispute, Kind, Said, Simplification } from '../kind.js';
import { type HostFuzzCase, hostRequest } from './case.js';
import { divergenceOf, openOutcome } from './compare.js';
import { explained } from './errata.js';
import { makeHostCase } from './mutate.js';
import { isPossible } from './possible.js';
import { simplifications } from './simplify.js';
import { hostCaseText, hostFileHead, hostTitle } from './yaml.js';

/** Keeps inputs that show something new. */
export interface Keeper {
  /** Inputs to begin with, those that have been kept included. */
  readonly origins: readonly HostFuzzCase[];
  learn(entries: readonly HostFuzzCase[]): void;
}

/** Classes host and system: a state of a host with its guests, and operations on it. */
export class HostKind implements Kind<HostFuzzCase> {
  readonly simplifications = (entry: HostFuzzCase): Simplification<HostFuzzCase>[] => simplifications(entry);
  readonly groupOf = hostTitle;
  readonly titleOf = hostTitle;
  readonly fileHead = hostFileHead;

  /** @param does says which operations the implementations have; with the others nothing would be tried */
  constructor(
    private readonly seed: number,
    private readonly keeper: Keeper,
    private readonly does: (op: string) => boolean = () => true,
  ) {}

  make(number: number): HostFuzzCase {
    const entry = makeHostCase(this.seed, number, this.keeper.origins);
    const steps = entry.steps.filter(({ op }) => this.does(String(op)));
    return steps.length === 0 ? entry : { ...entry, steps };
  }

  learn(entries: readonly HostFuzzCase[]): void {
    this.keeper.learn(entries);
  }

  requestOf(entry: HostFuzzCase, { declaration }: Contestant): CaseRequest | undefined {
    try {
      return hostRequest(entry, declaration.profile);
    } catch (error) {
      if (error instanceof CaseError) return undefined;
      throw error;
    }
  }

  doubtOf(_: HostFuzzCase, { answer }: Said): string | undefined {
    if (answer.kind === 'unsupported') return `reference: ${answer.reason}`;
    if (isMalformed(answer)) return `malformed: ${answer.message.replace(/\d+/g, '…')}`;
    return undefined;
  }

  compare(entry: HostFuzzCase, reference: Said, other: Said): Comparison {
    const { answer, contestant, request } = other;
    const refused = refusal(request, contestant.declaration, answer);
    if (refused !== undefined)
      return { kind: 'nothing', reason: `${contestant.implementation.label}: ${refused}` };
    const expected = resultOf(reference);
    const actual = resultOf(other);
    if (typeof expected === 'string') return fallen('the reference', expected);
    if (typeof actual === 'string') return fallen(contestant.implementation.label, actual);
    const ofHardened = [reference, other].flatMap((said) => unsafe(said) ?? []);
    if (ofHardened.length > 0) return { kind: 'compared', differences: ofHardened };
    if (reference.request.profile !== request.profile) return explained(entry, reference, other);
    const divergence = divergenceOf(entry.class, expected, actual, contestant.declaration);
    if (divergence !== undefined) return { kind: 'compared', differences: divergence.differences };
    const open = expected.steps.map(openOutcome).find((reason) => reason !== undefined);
    return open === undefined
      ? { kind: 'compared', differences: [] }
      : { kind: 'nothing', reason: `left open: ${open}` };
  }

  isMeaningful(entry: HostFuzzCase): boolean {
    return isPossible(entry);
  }

  caseText(entry: HostFuzzCase, dispute: Dispute, labels: readonly string[]): string {
    return hostCaseText(entry, dispute, labels);
  }
}

type Malformed = Extract<Answer, { kind: 'error' }>;

const isMalformed = (answer: Answer): answer is Malformed =>
  answer.kind === 'error' && answer.code === ErrorCode.malformedCase;

/** Why an implementation has no answer to a request, if that is its right. */
function refusal(
  request: CaseRequest,
  { classes, operations }: Declaration,
  answer: Answer,
): string | undefined {
  if (answer.kind === 'unsupported') return answer.reason;
  if (isMalformed(answer)) return 'it finds the case malformed';
  if (!classes.includes(request.class)) return `class ${request.class}`;
  const unknown = request.steps.find(({ op }) => operations?.includes(op) === false);
  return unknown === undefined ? undefined : `operation ${unknown.op}`;
}

/** The steps of an answer, or how it failed to be one. */
function resultOf({ answer }: Said): CaseResult | string {
  switch (answer.kind) {
    case 'result':
      return answer.result;
    case 'crashed':
      return answer.how;
    case 'timeout':
      return `no answer within ${answer.seconds} s`;
    case 'bad-reply':
      return answer.problem;
    case 'error':
      return `error ${answer.code}: ${answer.message}`;
    case 'unsupported':
      return answer.reason;
  }
}

/** Whoever falls is wrong. Numbers in the reason do not make another kind of fall. */
function fallen(who: string, how: string): Comparison {
  const place = `fall of ${who}: ${how.replace(/(0x)?[0-9a-f]*\d[0-9a-f]*/g, '…')}`;
  return { kind: 'compared', differences: [difference(place, who, how, 'an answer')] };
}

const harm = (step: StepResult): string | undefined =>
  step.outcome.stop === 'shutdown' ? 'the machine shuts down' : openOutcome(step);

/** In profile hardened nothing is left open. */
function unsafe({ contestant, answer }: Said) {
  if (contestant.declaration.profile !== 'hardened' || answer.kind !== 'result') return undefined;
  const open = answer.result.steps.map(harm).find((reason) => reason !== undefined);
  if (open === undefined) return undefined;
  const { label } = contestant.implementation;
  return [difference('outcome', `${label}, hardened,`, open, 'that its host comes to no harm')];
}
