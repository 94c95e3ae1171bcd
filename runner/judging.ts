// SPDX-License-Identifier: GPL-2.0-or-later

import { didYouMean } from './cases/nearest.js';
import type { Judging } from './compare/judge.js';
import type { Declaration } from './protocol.js';
import { readChoices, withDefaults } from './spec.js';
import { UsageError } from './usage.js';

/** How answers are judged, from what an implementation declares. Refuses choices that the spec does not have. */
export function judgingFor({ profile, choices, observes, features }: Declaration): Judging {
  const known = readChoices();
  for (const [name, value] of Object.entries(choices ?? {})) {
    const values = known.get(name);
    if (values === undefined)
      throw new UsageError(
        `the implementation declares a choice "${name}"${didYouMean(name, known.keys())}, which the spec does not have`,
      );
    if (!values.includes(value)) {
      throw new UsageError(
        `the implementation declares ${name}: "${value}"; the spec has ${values.join(', ')}`,
      );
    }
  }
  return { profile, choices: withDefaults(known, choices), observes, features };
}
