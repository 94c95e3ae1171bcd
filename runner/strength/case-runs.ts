// SPDX-License-Identifier: GPL-2.0-or-later

/** What may kill a mutant: each case, in each profile in which it says something of its own. */

import type { Case } from '../cases/case.js';
import { loadSuite } from '../cases/suite.js';
import type { Judging } from '../compare/judge.js';
import { type ExpandedCase, expandCase } from '../expand/request.js';
import { judgingFor } from '../judging.js';
import { messageOf } from '../message-of.js';
import { type Declaration, PROFILES, type Profile } from '../protocol.js';
import { judgedAnswer } from '../run.js';
import { select } from '../select.js';
import type { Reference } from './instance.js';

const EVERYTHING = { patterns: [], classes: [], behaviours: [], clauses: [] };

/** A case in a profile. */
export class CaseRun {
  private expanded: ExpandedCase | undefined;

  constructor(
    readonly entry: Case,
    readonly judging: Judging,
  ) {}

  get profile(): Profile {
    return this.judging.profile;
  }

  /** Its id, and the profile when that is not the original's. */
  get name(): string {
    return this.profile === 'linux-2.6.29' ? this.entry.id : `${this.entry.id} (${this.profile})`;
  }

  /** Whether it is the same case in another profile, which expects the same there. */
  repeats(other: CaseRun | undefined): boolean {
    if (other?.entry !== this.entry || other === this) return false;
    return JSON.stringify(this.expand().expected) === JSON.stringify(other.expand().expected);
  }

  /** Runs it. Returns undefined when the answer is right, else what is wrong. */
  problem(reference: Reference): string | undefined {
    const expanded = this.expand();
    const { verdict, details } = judgedAnswer(
      this.entry,
      expanded,
      answerOf(reference, this.profile, expanded),
      this.judging,
    );
    return verdict === 'pass' ? undefined : `${verdict}: ${details[0] ?? ''}`;
  }

  /** Frozen: a mutant must not be able to change what the next one is asked, or what is expected of it. */
  private expand(): ExpandedCase {
    this.expanded ??= deepFreeze(expandCase(this.entry, this.judging));
    return this.expanded;
  }
}

function answerOf(reference: Reference, profile: Profile, { request }: ExpandedCase) {
  try {
    return reference.implementation(profile).run(request);
  } catch (error) {
    return { kind: 'crashed' as const, how: `it threw ${messageOf(error)}`, stderr: '' };
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}

/** All of them. A processor is the same in both profiles. */
export async function allCaseRuns(
  declarationOf: (profile: Profile) => Promise<Declaration>,
): Promise<CaseRun[]> {
  const { cases } = await loadSuite();
  const runs: CaseRun[] = [];
  for (const profile of PROFILES) {
    const judging = judgingFor(await declarationOf(profile));
    for (const entry of select(cases, EVERYTHING, profile).cases) {
      const again = entry.class === 'processor' && profile !== PROFILES[0];
      if (entry.withdrawn === undefined && !again) runs.push(new CaseRun(entry, judging));
    }
  }
  return runs;
}
