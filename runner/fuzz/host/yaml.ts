// SPDX-License-Identifier: GPL-2.0-or-later

import { type Data, type DataMap, isMap } from '../../cases/case.js';
import { differenceText } from '../../compare/difference.js';
import { hostStateOf } from '../../expand/frame.js';
import type { CaseResult, HostEvent, Profile, StepResult } from '../../protocol.js';
import { block, scalar } from '../flow.js';
import type { Dispute } from '../kind.js';
import type { HostFuzzCase } from './case.js';
import { hostRequest } from './case.js';
import { changesOf } from './state.js';

/** The beginning of a file of cases of a class that the fuzzer has found. */
export const hostFileHead = (about: string, { origin, class: conformanceClass }: HostFuzzCase): string =>
  [
    '# yaml-language-server: $schema=../../spec/schema/cases.schema.json',
    `behaviour: ${behaviourOf(origin)}`,
    `class: ${conformanceClass}`,
    `about: ${JSON.stringify(about)}`,
    'cases:',
  ].join('\n');

const behaviourOf = (origin: string): string => origin.split('/')[0] ?? origin;

/** What a case expects that is still to be derived. */
export const SOURCE_OF_REFERENCE =
  'found by fuzzing; this is what the reference does and has to be derived before the case is kept';

/** A page of memory that differs is one difference for the reader. */
const MOST_REMARKS = 8;

/** A case for a case file. It expects what the reference did: whoever keeps it has to derive that. */
export function hostCaseText(
  entry: HostFuzzCase,
  { differences, reference }: Dispute,
  labels: readonly string[],
): string {
  const told = differences.slice(0, MOST_REMARKS).map(differenceText);
  const more = differences.length - told.length;
  if (more > 0) told.push(`and ${more} more`);
  const remarks = told.map((text) => `  # ${labels.join(' and ')}: ${text}`);
  const result = reference.answer.kind === 'result' ? reference.answer.result : undefined;
  const { profile } = reference.contestant.declaration;
  return [
    ...remarks,
    `  # made from ${entry.origin}`,
    `  - id: ${entry.id}`,
    `    clauses: ${scalar([...entry.clauses])}   # those of the case that it was made from`,
    `    title: ${JSON.stringify(`found by fuzzing: ${hostTitle(entry)}`)}`,
    `    source: ${SOURCE_OF_REFERENCE}`,
    `    profile: ${profile}`,
    ...block('given', entry.given, '    '),
    ...whenLines(entry, result, profile),
  ].join('\n');
}

export const hostTitle = ({ steps }: HostFuzzCase): string => steps.map(({ op }) => String(op)).join(', ');

/** The steps, each with what the reference did in it. */
function whenLines(entry: HostFuzzCase, result: CaseResult | undefined, profile: Profile): string[] {
  const expected = result === undefined ? [] : expectations(entry, result, profile);
  const [step] = entry.steps;
  if (entry.steps.length === 1 && step !== undefined) {
    return [...block('when', step, '    '), ...block('then', expected[0] ?? OPEN, '    ')];
  }
  return ['    when:', ...entry.steps.flatMap((each, index) => stepLines(each, expected[index] ?? OPEN))];
}

/** Nothing is known of what a step does: only that it ends. */
const OPEN: DataMap = {
  unspecified: ['regs', 'cpu', 'lg', 'gdt', 'idt', 'shadow', 'memory', 'host', 'pages'],
};

function stepLines(step: DataMap, then: DataMap): string[] {
  const lines = [
    ...Object.entries(step).flatMap(([key, value]) => block(key, value, '        ')),
    ...block('then', then, '        '),
  ];
  return lines.map((line, index) => (index === 0 ? `      - ${line.trimStart()}` : line));
}

function expectations(entry: HostFuzzCase, result: CaseResult, profile: Profile): DataMap[] {
  let before = hostStateOf(hostRequest(entry, profile));
  return result.steps.map((step, index) => {
    const hostCpu = entry.steps[index]?.host_cpu;
    if (hostCpu !== undefined && isMap(before.host))
      before = { ...before, host: { ...before.host, host_cpu: hostCpu } };
    const after = plain(step.state);
    const { pages, user_buffer, script_used, ...state } = after;
    const told: DataMap = entry.class === 'host' && pages !== undefined ? { ...state, pages } : state;
    const then: DataMap = { ...outcomeOf(step), ...changesOf(before, told), ...eventsOf(step.events) };
    if (typeof user_buffer === 'number') then.user_buffer = user_buffer;
    if (typeof script_used === 'number' && script_used > 0) then.script_used = script_used;
    before = after;
    return then;
  });
}

/** An answer as it went over the wire. */
const plain = (state: Record<string, unknown>): DataMap => {
  const copy: Data = JSON.parse(JSON.stringify(state));
  return isMap(copy) ? copy : {};
};

function outcomeOf({ outcome }: StepResult): DataMap {
  const { stop, return: returned, bytes } = outcome;
  return {
    ...(stop === 'ok' ? {} : { outcome: stop }),
    ...(typeof returned === 'number' ? { return: returned } : {}),
    ...(typeof bytes === 'string' ? { bytes } : {}),
  };
}

/** A guest that loops makes so many that nobody reads them. */
const MOST_EVENTS = 200;

/** The events, all or the first of very many; the registers at an entry would make it long, and show in the state. */
function eventsOf(events: readonly HostEvent[]): DataMap {
  const told = events.slice(0, MOST_EVENTS).map(({ regs: _, ...event }) => plain(event));
  if (events.length > MOST_EVENTS) return { events: told };
  return { events_exactly: told, ...(told.length === 0 ? {} : { pool_and_clock: true }) };
}
