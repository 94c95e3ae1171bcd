// SPDX-License-Identifier: GPL-2.0-or-later

import { formatProblem, type Problem } from '../cases/problem.js';
import { PROFILES, type Profile } from '../protocol.js';
import { checkNames } from '../select.js';
import { UsageError } from '../usage.js';

/** A suite with a problem in it is not run: what it would say could not be trusted. */
export function refuseProblems(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const lines = problems.map(formatProblem);
  throw new UsageError(`the case files have problems:\n${lines.join('\n')}`);
}

/** The profile of this name; without a name the first. */
export function profileOf(name: string | undefined): Profile {
  const profile = PROFILES.find((known) => known === (name ?? PROFILES[0]));
  if (profile === undefined) {
    checkNames('profile', [name ?? ''], PROFILES);
    throw new UsageError(`there is no profile "${name}"`);
  }
  return profile;
}
