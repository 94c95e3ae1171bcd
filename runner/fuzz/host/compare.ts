// SPDX-License-Identifier: GPL-2.0-or-later

import { type Difference, difference, isWithin } from '../../compare/difference.js';
import { eventDifferences } from '../../compare/events.js';
import { hostDifferences, type Wanted } from '../../compare/host.js';
import type { CaseResult, Declaration, StepResult } from '../../protocol.js';
import type { HostClass } from './case.js';

/** The first step in which two answers differ: what comes after it follows from it. */
export interface Divergence {
  /** Index of the step. */
  step: number;
  differences: Difference[];
}

/** Why an answer requires nothing: the original harmed its host. */
export function openOutcome({ outcome, events }: StepResult): string | undefined {
  if (outcome.stop === 'host_bug') return 'an assertion of the host';
  if (outcome.stop === 'host_hang') return 'the host hangs';
  const overflow = events.find(({ e }) => e === 'host_overflow');
  return overflow === undefined ? undefined : 'the host overwrites itself';
}

/** Where an answer departs from that of the reference, as far as its implementation reports what it does. */
export function divergenceOf(
  conformanceClass: HostClass,
  reference: CaseResult,
  actual: CaseResult,
  { observes, features = [] }: Declaration,
): Divergence | undefined {
  const wanted = wantedIn(conformanceClass, observes);
  for (const [step, expected] of reference.steps.entries()) {
    if (openOutcome(expected) !== undefined) return undefined;
    const told = actual.steps[step];
    const differences =
      told === undefined
        ? [difference('steps', 'steps answered', `${actual.steps.length}`, `${reference.steps.length}`)]
        : stepDifferences(expected, told, wanted, features);
    if (differences.length > 0) return { step, differences };
  }
  return undefined;
}

/** Where a host of class system keeps its tables, and what they say about its Switcher, is its own affair. */
const OWN_AFFAIRS = ['pages', 'host.default_idt_entries', 'host.lguest_entry'];

function wantedIn(conformanceClass: HostClass, observes: readonly string[] | undefined): Wanted {
  const open = conformanceClass === 'system' ? OWN_AFFAIRS : [];
  return (path) =>
    !open.some((outer) => isWithin(path, outer)) &&
    (observes === undefined || observes.some((seen) => isWithin(path, seen) || isWithin(seen, path)));
}

function stepDifferences(
  expected: StepResult,
  actual: StepResult,
  wanted: Wanted,
  features: readonly string[],
): Difference[] {
  const all = { events_exactly: expected.events, pool_and_clock: true, state: {} } as const;
  return [
    ...outcomeDifferences(expected, actual),
    ...hostDifferences(actual.state, expected.state, wanted),
    ...(wanted('events') ? eventDifferences(actual.events ?? [], all, features) : []),
  ];
}

function outcomeDifferences(
  { outcome: expected }: StepResult,
  { outcome: actual }: StepResult,
): Difference[] {
  return ['stop', 'return', 'bytes']
    .filter((key) => expected[key] !== actual[key])
    .map((key) => difference('outcome', key, textOf(actual[key]), textOf(expected[key])));
}

const textOf = (value: unknown): string => JSON.stringify(value) ?? 'absent';
