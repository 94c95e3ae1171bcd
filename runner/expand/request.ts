// SPDX-License-Identifier: GPL-2.0-or-later

import { type Case, type CaseBody, type DataMap, type Expectation, isMap, type Step } from '../cases/case.js';
import { merge } from '../cases/merge.js';
import type { CaseRequest, Observe, Profile, RequestStep } from '../protocol.js';
import { hostGiven } from './host.js';
import { processorGiven } from './processor.js';

const DEFAULT_MAX_INSTRUCTIONS = 1000;
/** Operations that are a guest's whole life. */
const WHOLE_LIVES = new Set(['run_launcher', 'boot']);

/** Events that an implementation reports only on request, by group; see spec/protocol.md. */
const EVENT_GROUPS: Record<string, readonly string[]> = {
  fpu: ['fpu_save', 'stts', 'init_fpu', 'clts', 'fpu_restore'],
};

/** What an implementation declared that decides what is expected of it. */
export interface Reading {
  profile: Profile;
  choices: Record<string, string>;
}

/** A case, ready to be sent and judged. */
export interface ExpandedCase {
  request: CaseRequest;
  expected: Expectation[];
}

export function expandCase(entry: Case, reading: Reading): ExpandedCase {
  const body = entry.body();
  const expected = body.steps.map((step) => expectationFor(step, reading));
  const head = { id: entry.id, class: entry.class, profile: reading.profile };
  if (entry.class === 'processor') {
    const given = processorGiven(body.given);
    const observe: Observe = { registers: true, memory: [[0, given.memory_size]] };
    return { request: { ...head, given, steps: body.steps.map(runStep), observe }, expected };
  }
  const given = hostGiven(body.given, entry.class);
  return {
    request: { ...head, given, steps: body.steps.map(hostStep), observe: observation(body) },
    expected,
  };
}

function runStep(step: Step): RequestStep {
  return { op: step.op, until: 'hlt', max_instructions: DEFAULT_MAX_INSTRUCTIONS, ...step.parameters };
}

function hostStep(step: Step): RequestStep {
  return { op: step.op, ...step.parameters };
}

/** In classes host and system the whole state is answered; asked for are groups of events that the case names. */
function observation(body: CaseBody): Observe {
  const groups = Object.entries(EVENT_GROUPS)
    .filter(([, names]) => body.steps.some((step) => namesEvent(step, names)))
    .map(([group]) => group);
  return groups.length === 0 ? {} : { event_groups: groups };
}

function namesEvent(step: Step, names: readonly string[]): boolean {
  return [step, ...(step.variants ?? [])].some(({ expected }) =>
    [expected.events, expected.events_exactly, expected.no_events].some(
      (events) => events?.some((event) => names.includes(event.e)) === true,
    ),
  );
}

/** What the step is expected to do in this profile and under these choices. */
function expectationFor(step: Step, reading: Reading): Expectation {
  let expected = step.expected;
  for (const variant of step.variants ?? []) {
    const ofProfile = variant.profile === undefined || variant.profile === reading.profile;
    const ofChoice = Object.entries(variant.choice ?? {}).every(
      ([name, value]) => reading.choices[name] === value,
    );
    if (ofProfile && ofChoice) expected = overlay(expected, variant.expected);
  }
  // Of a guest's whole life only what the case names is compared.
  return WHOLE_LIVES.has(step.op) ? { ...expected, compared: leafPaths(expected.state) } : expected;
}

/** The paths of what is named in a tree, lists as a whole. */
function leafPaths(tree: DataMap, prefix = ''): string[] {
  return Object.entries(tree).flatMap(([key, value]) =>
    isMap(value) ? leafPaths(value, `${prefix}${key}.`) : [`${prefix}${key}`],
  );
}

function overlay(base: Expectation, over: Expectation): Expectation {
  const state: DataMap = merge(base.state, over.state);
  const exception = over.exception === undefined ? base.exception : { ...base.exception, ...over.exception };
  return { ...base, ...over, state, exception };
}
