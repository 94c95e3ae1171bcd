// SPDX-License-Identifier: GPL-2.0-or-later

import type { Difference } from '../compare/difference.js';
import type { Answer, Implementation } from '../implementations/implementation.js';
import { messageOf } from '../message-of.js';
import type { CaseRequest } from '../protocol.js';
import type { Contestant, Dispute, Kind, Said } from './kind.js';

/** What became of one input. */
export type Verdict =
  | { kind: 'same' }
  /** Too few implementations had an answer; why. */
  | { kind: 'unanswered'; reason: string }
  /** It differs as it has to; what requires it. */
  | { kind: 'explained'; by: string }
  | ({ kind: 'different' } & Dispute);

/** Implementations against the reference: it is doubted where enough of them say the same that it does not. */
export class Contest<Entry extends { id: string }> {
  constructor(
    private readonly reference: Contestant,
    private readonly others: readonly Contestant[],
    private readonly kind: Kind<Entry>,
  ) {}

  get labels(): string[] {
    return this.others.map(({ implementation }) => implementation.label);
  }

  async judge(entries: readonly Entry[]): Promise<Verdict[]> {
    const possible = entries.flatMap((entry, index) => {
      const requests = this.#requests(entry);
      return requests === undefined ? [] : [{ entry, requests, index }];
    });
    const contestants = [this.reference, ...this.others];
    const answers = await Promise.all(
      contestants.map(({ implementation }, who) => {
        const asked = possible.flatMap(({ requests }) => requests[who] ?? []);
        return answersOf(implementation, asked);
      }),
    );
    const verdicts: Verdict[] = entries.map(() => ({
      kind: 'unanswered',
      reason: 'the machine cannot be built',
    }));
    possible.forEach(({ entry, requests, index }, i) => {
      const said = contestants.map((contestant, who) => {
        const [request, answer] = [requests[who], answers[who]?.[i]];
        if (request === undefined || answer === undefined) throw new Error('an answer is missing');
        return { contestant, request, answer };
      });
      verdicts[index] = this.#verdict(entry, said);
    });
    return verdicts;
  }

  /** What each contestant is asked; undefined when nothing can be made of the input. */
  #requests(entry: Entry): CaseRequest[] | undefined {
    const requests: CaseRequest[] = [];
    for (const contestant of [this.reference, ...this.others]) {
      const request = this.kind.requestOf(entry, contestant);
      if (request === undefined) return undefined;
      requests.push(request);
    }
    return requests;
  }

  #verdict(entry: Entry, [reference, ...others]: readonly Said[]): Verdict {
    if (reference === undefined) throw new Error('there is no reference');
    const doubt = this.kind.doubtOf(entry, reference);
    if (doubt !== undefined) return { kind: 'unanswered', reason: doubt };
    const needed = Math.min(2, others.length);
    const told: Dispute[] = [];
    let reason = 'no answer';
    for (const other of others) {
      const comparison = this.kind.compare(entry, reference, other);
      if (comparison.kind === 'explained') return comparison;
      if (comparison.kind === 'nothing') reason = comparison.reason;
      else told.push({ differences: comparison.differences, reference, other });
    }
    return told.length < needed ? { kind: 'unanswered', reason } : agreed(told, needed);
  }
}

/** What enough of them agree on. */
function agreed(told: readonly Dispute[], needed: number): Verdict {
  for (const dispute of told) {
    const differences = dispute.differences.filter(
      (one) =>
        told.filter(({ differences: others }) => others.some((two) => isSame(one, two))).length >= needed,
    );
    if (differences.length > 0) return { kind: 'different', ...dispute, differences };
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
