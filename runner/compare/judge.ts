// SPDX-License-Identifier: GPL-2.0-or-later

import { type DataMap, type Expectation, isMap } from '../cases/case.js';
import { CaseError } from '../cases/problem.js';
import {
  expectedHostState,
  expectedProcessorState,
  hostStateOf,
  type ProcessorState,
  processorStateOf,
} from '../expand/frame.js';
import type { ExpandedCase, Reading } from '../expand/request.js';
import { type CaseResult, isProcessorGiven, type StepResult } from '../protocol.js';
import { type Difference, difference, isWithin } from './difference.js';
import { eventDifferences } from './events.js';
import { hostDifferences } from './host.js';
import { processorDifferences, processorStateIn } from './processor.js';

/** What an implementation declared that decides what is compared. */
export interface Judging extends Reading {
  /** State paths that it can report; absent: all. */
  observes?: readonly string[];
  features?: readonly string[];
}

/** The differences of each step; an answer with too few or too many steps has one more list. */
export function judge(expanded: ExpandedCase, result: CaseResult, judging: Judging): Difference[][] {
  const { expected } = expanded;
  if (result.steps.length !== expected.length) {
    return [
      [
        difference(
          'steps',
          'the number of steps answered is',
          `${result.steps.length}`,
          `${expected.length}`,
        ),
      ],
    ];
  }
  return expanded.request.class === 'processor'
    ? judgeProcessor(expanded, result, judging)
    : judgeHost(expanded, result, judging);
}

function judgeProcessor(
  { request, expected }: ExpandedCase,
  result: CaseResult,
  judging: Judging,
): Difference[][] {
  if (!isProcessorGiven(request.given)) throw new CaseError('given is not the state of a processor');
  let before: ProcessorState = processorStateOf(request.given);
  const all: Difference[][] = [];
  for (const [index, expectation] of expected.entries()) {
    const step = result.steps[index];
    if (step === undefined) break;
    const found = outcomeDifferences(step, expectation, 'hlt');
    const actual = processorStateIn(step.state);
    if (actual === undefined) {
      all.push([...found, difference('state', 'state', 'not that of a processor', 'registers and memory')]);
      break;
    }
    const wanted = pathFilter(expectation, judging.observes);
    if (wanted('registers') || wanted('memory') || wanted('io')) {
      const state = expectedProcessorState(before, expectation, judging.choices);
      found.push(
        ...processorDifferences(before, actual, state, expectation).filter(({ path }) => wanted(path)),
      );
    }
    all.push(found);
    before = actual;
  }
  return all;
}

function judgeHost(
  { request, expected }: ExpandedCase,
  result: CaseResult,
  judging: Judging,
): Difference[][] {
  let before = hostStateOf(request);
  const all: Difference[][] = [];
  for (const [index, expectation] of expected.entries()) {
    const step = result.steps[index];
    if (step === undefined) break;
    const wanted = pathFilter(expectation, judging.observes);
    before = movedTo(before, request.steps[index]?.host_cpu);
    const state = expectedHostState(before, expectation.state);
    const found = [
      ...outcomeDifferences(step, expectation, 'ok'),
      ...hostDifferences(step.state, state, wanted),
      ...(wanted('events') ? eventDifferences(step.events ?? [], expectation, judging.features ?? []) : []),
    ];
    all.push(found);
    if (index + 1 < expected.length) before = nextBefore(before, step);
  }
  return all;
}

/** A step that names its host CPU begins there. */
function movedTo(before: DataMap, hostCpu: unknown): DataMap {
  if (typeof hostCpu !== 'number' || !isMap(before.host)) return before;
  return { ...before, host: { ...before.host, host_cpu: hostCpu } };
}

/** The answer's state, as far as it has the keys that are compared; what is told of the step alone starts anew. */
function nextBefore(before: DataMap, step: StepResult): DataMap {
  const next: DataMap = { ...before };
  for (const key of Object.keys(before)) {
    const value = step.state[key];
    if (value !== undefined) next[key] = value as DataMap;
  }
  next.user_buffer = null;
  return next;
}

const everything = (): boolean => true;

/** Whether a path is compared: observed, not left open, and among `compared` (or above or below one of those). */
function pathFilter(
  expected: Expectation,
  observes: readonly string[] | undefined,
): (path: string) => boolean {
  const { unspecified = [], compared } = expected;
  if (unspecified.length === 0 && compared === undefined && observes === undefined) return everything;
  const touches = (path: string, list: readonly string[]): boolean =>
    list.some((entry) => isWithin(path, entry) || isWithin(entry, path));
  return (path) => {
    if (unspecified.some((open) => isWithin(path, open))) return false;
    if (compared !== undefined && path !== 'events' && !touches(path, compared)) return false;
    return observes === undefined || touches(path, observes);
  };
}

function outcomeDifferences(step: StepResult, expected: Expectation, usual: string): Difference[] {
  const found: Difference[] = [];
  const { stop } = step.outcome;
  const wanted = expected.outcome ?? usual;
  if (stop !== wanted) found.push(difference('outcome', 'outcome', String(stop), wanted));
  for (const key of ['return', 'bytes'] as const) {
    const value = expected[key];
    if (value !== undefined && step.outcome[key] !== value) {
      found.push(
        difference('outcome', key, JSON.stringify(step.outcome[key]) ?? 'absent', JSON.stringify(value)),
      );
    }
  }
  return found;
}
