// SPDX-License-Identifier: GPL-2.0-or-later

import { loadSuite } from '../cases/suite.js';
import { expandCase } from '../expand/request.js';
import { type ConformanceClass, type Declaration, MODELS_FEATURE } from '../protocol.js';
import type { Probe } from './check.js';

/** So many cases of each behaviour are tried. */
const CASES_PER_BEHAVIOUR = 5;

/** A few cases of each behaviour of a class, for an implementation that declared this of itself. */
export async function probes(conformanceClass: ConformanceClass, declaration: Declaration): Promise<Probe[]> {
  const { profile, choices = {}, features = [] } = declaration;
  const { cases } = await loadSuite();
  const taken = new Map<string, number>();
  const result: Probe[] = [];
  for (const entry of cases) {
    const count = taken.get(entry.behaviour) ?? 0;
    const suitable = entry.withdrawn === undefined && (entry.profile ?? profile) === profile;
    if (entry.class !== conformanceClass || !suitable || count >= CASES_PER_BEHAVIOUR) continue;
    const { request, expected } = expandCase(entry, { profile, choices });
    if (request.given.model !== undefined && !features.includes(MODELS_FEATURE)) continue;
    taken.set(entry.behaviour, count + 1);
    const changes = expected.some(
      ({ state, exception }) => exception !== undefined || Object.keys(state).length > 0,
    );
    result.push({ request, changes });
  }
  return result;
}
