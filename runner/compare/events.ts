// SPDX-License-Identifier: GPL-2.0-or-later

import type { Expectation } from '../cases/case.js';
import type { HostEvent } from '../protocol.js';
import { type Difference, difference } from './difference.js';

/** Events of the page pool and of the clock: a host may have neither, and then does not declare the feature. */
const POOL_AND_CLOCK_FEATURE = 'pool_and_clock_events';
const POOL_AND_CLOCK = new Set([
  'get_zeroed_page',
  'free_page',
  'get_user_pages_fast',
  'put_page',
  'ktime_get_real',
  'ktime_get_real_ts',
  'hrtimer_init',
  'hrtimer_start',
  'hrtimer_cancel',
]);

/** What is wrong with the events of a step. */
export function eventDifferences(
  actual: readonly HostEvent[],
  expected: Expectation,
  features: readonly string[],
): Difference[] {
  const reported = features.includes(POOL_AND_CLOCK_FEATURE);
  const all = expected.pool_and_clock === true && reported;
  const due = (expected.events ?? []).filter((event) => reported || !POOL_AND_CLOCK.has(event.e));
  return [
    ...missing(actual, due),
    ...forbidden(actual, expected.no_events ?? []),
    ...(expected.events_exactly === undefined ? [] : notExactly(actual, expected.events_exactly, all)),
  ];
}

function missing(actual: readonly HostEvent[], expected: readonly HostEvent[]): Difference[] {
  let from = 0;
  for (const [index, event] of expected.entries()) {
    const at = actual.findIndex((candidate, position) => position >= from && matches(candidate, event));
    if (at < 0) {
      const after = index === 0 ? '' : ` after ${eventText(expected[index - 1])}`;
      return [
        difference('events', eventText(event), `did not occur${after}`, `that it does; ${listText(actual)}`),
      ];
    }
    from = at + 1;
  }
  return [];
}

function forbidden(actual: readonly HostEvent[], banned: readonly HostEvent[]): Difference[] {
  return banned
    .filter((event) => actual.some((candidate) => matches(candidate, event)))
    .map((event) => difference('events', eventText(event), 'occurred', 'that it does not'));
}

function notExactly(
  actual: readonly HostEvent[],
  expected: readonly HostEvent[],
  all: boolean,
): Difference[] {
  const counts = (event: HostEvent): boolean => all || !POOL_AND_CLOCK.has(event.e);
  const is = actual.filter(counts);
  const should = expected.filter(counts);
  const length = Math.max(is.length, should.length);
  for (let i = 0; i < length; i++) {
    const event = is[i];
    const wanted = should[i];
    if (event !== undefined && wanted !== undefined && matches(event, wanted)) continue;
    return [
      difference('events', `event ${i + 1} is`, eventText(event), `${eventText(wanted)}; ${listText(is)}`),
    ];
  }
  return [];
}

/** Whether an event has at least the named fields. */
export function matches(actual: HostEvent, expected: HostEvent): boolean {
  return Object.entries(expected).every(([key, value]) => contains(actual[key], value));
}

function contains(actual: unknown, expected: unknown): boolean {
  if (typeof expected === 'object' && expected !== null && typeof actual === 'object' && actual !== null) {
    const parts: Record<string, unknown> = { ...actual };
    return Object.entries(expected).every(([key, value]) => contains(parts[key], value));
  }
  if (typeof expected === 'boolean' || typeof actual === 'boolean')
    return Number(actual) === Number(expected);
  return actual === expected;
}

function eventText(event: HostEvent | undefined): string {
  if (event === undefined) return 'none';
  const { e, ...fields } = event;
  const parts = Object.entries(fields)
    .filter(([, value]) => typeof value !== 'object')
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  return parts.length === 0 ? e : `${e}{${parts.join(', ')}}`;
}

function listText(events: readonly HostEvent[]): string {
  return events.length === 0 ? 'there were none' : `there were: ${events.map((event) => event.e).join(', ')}`;
}
