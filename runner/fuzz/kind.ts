// SPDX-License-Identifier: GPL-2.0-or-later

import type { Difference } from '../compare/difference.js';
import type { Answer, Implementation } from '../implementations/implementation.js';
import type { CaseRequest, Declaration } from '../protocol.js';

/** An implementation that has been started, and what it has declared. */
export interface Contestant {
  implementation: Implementation;
  declaration: Declaration;
}

/** What a contestant was asked, and what it said. */
export interface Said {
  contestant: Contestant;
  request: CaseRequest;
  answer: Answer;
}

/** What an answer says beside that of the reference. */
export type Comparison =
  /** Nothing; why. */
  | { kind: 'nothing'; reason: string }
  /** Differences that have to be, and what requires them. */
  | { kind: 'explained'; by: string }
  /** All differences that nothing explains; none: it says the same. */
  | { kind: 'compared'; differences: Difference[] };

/** Makes an input simpler; the same object when it has nothing to do. */
export type Simplification<Entry> = (entry: Entry) => Entry;

/** A difference on which enough implementations agree, with an answer that has it. */
export interface Dispute {
  differences: Difference[];
  reference: Said;
  other: Said;
}

/** A kind of inputs: how they are made, compared, made simpler and told. */
export interface Kind<Entry extends { id: string }> {
  /** The input of a number; with the same seed and the same beginnings always the same. */
  make(number: number): Entry;
  /** What a contestant is asked; undefined when nothing can be made of the input. */
  requestOf(entry: Entry, contestant: Contestant): CaseRequest | undefined;
  /** Why the reference's answer says nothing about the others; undefined when it does. */
  doubtOf(entry: Entry, reference: Said): string | undefined;
  compare(entry: Entry, reference: Said, other: Said): Comparison;
  /** Told of all inputs of a batch once they have been judged. */
  learn?(entries: readonly Entry[]): void;
  simplifications(entry: Entry): Simplification<Entry>[];
  /** Whether an input that was made simpler is still one of which something is known. */
  isMeaningful(entry: Entry): boolean;
  /** Inputs whose differences probably have the same cause have the same group. */
  groupOf(entry: Entry): string;
  /** The same once the input has been made small. */
  titleOf(entry: Entry): string;
  /** The beginning of a file of cases in which this one is the first. */
  fileHead(about: string, entry: Entry): string;
  /** The input as a case for a case file. */
  caseText(entry: Entry, dispute: Dispute, labels: readonly string[]): string;
}
