// SPDX-License-Identifier: GPL-2.0-or-later

/** Class system: where a guest's own code takes another way in one profile than in the other. */

import {
  type Begun,
  followGuest,
  type Interrupted,
  type Moment,
} from '../../implementations/reference/guest-course.js';
import type { CaseRequest, CaseResult, Profile, StepResult } from '../../protocol.js';

/** The place at which the two ways part. */
export interface Fork {
  /** What both did in this step. */
  common: readonly Moment[];
  /** The last of it. */
  last: Moment;
  /** What comes next; undefined: nothing more. */
  linux: Moment | undefined;
  hardened: Moment | undefined;
  /** The answers when the guest is stopped before the instruction with which they part. */
  before: { linux: StepResult; hardened: StepResult };
}

const PROFILES = ['linux-2.6.29', 'hardened'] as const;

/** The fork of a case whose steps are the same up to this one; undefined when the guest does nothing in both. */
export function forkOf(request: CaseRequest, step: number): Fork | undefined {
  const [earlier, linux, hardened] = [
    momentsIn(cut(request, step), 'linux-2.6.29').length,
    ...PROFILES.map((profile) => momentsIn(cut(request, step + 1), profile)),
  ];
  if (linux === undefined || hardened === undefined) throw new Error('a profile has not been run');
  let same = earlier;
  while (same < linux.length && same < hardened.length && isSame(linux[same], hardened[same])) same++;
  const common = linux.slice(earlier, same);
  const last = common.at(-1);
  if (last === undefined) return undefined;
  const completed = completedIn(common);
  const [one, two] = PROFILES.map((profile) => stoppedAfter(request, step, completed, profile).steps[step]);
  if (one === undefined || two === undefined) throw new Error('a step has no answer');
  return {
    common,
    last,
    linux: linux[same],
    hardened: hardened[same],
    before: { linux: one, hardened: two },
  };
}

/** The case with its first steps only. */
const cut = (request: CaseRequest, count: number): CaseRequest => ({
  ...request,
  steps: request.steps.slice(0, count),
});

function momentsIn(request: CaseRequest, profile: Profile): Moment[] {
  return request.steps.length === 0 ? [] : followGuest({ ...request, profile }, profile).moments;
}

/** What becomes of the case when the guest may execute only so many instructions of a step. */
function stoppedAfter(
  request: CaseRequest,
  step: number,
  instructions: number,
  profile: Profile,
): CaseResult {
  const { steps } = cut(request, step + 1);
  const limited = steps.map((each, at) => (at === step ? { ...each, max_instructions: instructions } : each));
  return followGuest({ ...request, profile, steps: limited }, profile).result;
}

/** Instructions that have completed: one that is followed by an exception at its own address has not, and the last is not over. */
function completedIn(moments: readonly Moment[]): number {
  let completed = 0;
  let begun: Begun | undefined;
  for (const moment of moments) {
    if (moment.kind === 'instruction') {
      if (begun !== undefined) completed++;
      begun = moment;
    } else if (begun !== undefined && isFaultOf(moment, begun)) begun = undefined;
  }
  return completed;
}

const isFaultOf = ({ source, eip }: Interrupted, begun: Begun): boolean =>
  source === 'exception' && eip === begun.eip;

const isSame = (one: unknown, two: unknown): boolean => JSON.stringify(one) === JSON.stringify(two);
