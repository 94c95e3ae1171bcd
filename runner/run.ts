// SPDX-License-Identifier: GPL-2.0-or-later

import { setImmediate as pause } from 'node:timers/promises';
import type { Case } from './cases/case.js';
import { CaseError } from './cases/problem.js';
import { type Judging, judge } from './compare/judge.js';
import { type ExpandedCase, expandCase } from './expand/request.js';
import type { Answer, Implementation } from './implementations/implementation.js';
import { messageOf } from './message-of.js';
import type { Declaration } from './protocol.js';
import { detailsOf, isBad, type Result } from './verdict.js';

export interface RunOptions {
  declaration: Declaration;
  judging: Judging;
  failFast?: boolean;
  /** Called for each result, in the order of the cases. */
  onResult?: (result: Result) => void;
  /** When it is aborted the run ends at once, with the results that there are. */
  interruption?: AbortSignal;
}

const PAUSE_EVERY = 256;

/**
 * Drives a started implementation through the cases, at most `window` of them unanswered at a time. Results come in the
 * order of the cases; there is one for each case unless the run was interrupted or stopped at the first failure.
 */
export async function runCases(
  implementation: Implementation,
  cases: readonly Case[],
  options: RunOptions,
): Promise<Result[]> {
  const results: Result[] = [];
  let stopped = false;
  const collect = (result: Result): void => {
    if (stopped) return;
    results.push(result);
    options.onResult?.(result);
    if (options.failFast === true && isBad(result.verdict)) stopped = true;
  };
  const pending: Promise<Result>[] = [];
  const interrupted = interruptionOf(options.interruption);
  for (const [index, entry] of cases.entries()) {
    // An implementation in this process never waits: without a pause no signal would be noticed before the end.
    if (index % PAUSE_EVERY === 0) await pause();
    if (stopped || options.interruption?.aborted === true) break;
    const result = runCase(implementation, entry, options);
    // An implementation that answers at once needs no queue, as long as nothing is queued before it.
    if (result instanceof Promise || pending.length > 0) pending.push(Promise.resolve(result));
    else collect(result);
    if (pending.length >= implementation.window) {
      const oldest = pending.shift();
      const settled = oldest === undefined ? undefined : await unlessInterrupted(oldest, interrupted);
      if (settled === undefined) return results;
      collect(settled);
    }
  }
  for (const result of pending) {
    const settled = await unlessInterrupted(result, interrupted);
    if (settled === undefined) return results;
    collect(settled);
  }
  return results;
}

/** The result, or undefined when the run is interrupted while it is waited for. */
function unlessInterrupted(
  result: Promise<Result>,
  interrupted: Promise<undefined> | undefined,
): Promise<Result | undefined> {
  return interrupted === undefined ? result : Promise.race([result, interrupted]);
}

function interruptionOf(signal: AbortSignal | undefined): Promise<undefined> | undefined {
  if (signal === undefined) return undefined;
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

function runCase(implementation: Implementation, entry: Case, options: RunOptions): Result | Promise<Result> {
  if (entry.withdrawn !== undefined) return { case: entry, verdict: 'withdrawn', details: [entry.withdrawn] };
  let expanded: ExpandedCase;
  try {
    expanded = expandCase(entry, options.judging);
  } catch (error) {
    return { case: entry, verdict: 'fail', details: [`the case cannot be expanded: ${messageOf(error)}`] };
  }
  const missing = notDeclared(expanded, options.declaration);
  if (missing !== undefined) return { case: entry, verdict: 'unsupported', details: [missing] };
  const finish = (received: Answer): Result => resultOf(entry, expanded, received, options.judging);
  try {
    const answer = implementation.run(expanded.request);
    return answer instanceof Promise ? answer.catch(fallen).then(finish) : finish(answer);
  } catch (error) {
    return finish(fallen(error));
  }
}

/** An implementation in this process that throws has crashed, like a program that dies; the others can still run. */
function fallen(error: unknown): Answer {
  return {
    kind: 'crashed',
    how: `it threw ${messageOf(error)}`,
    stderr: error instanceof Error ? (error.stack ?? '') : '',
  };
}

/** What the implementation said before that it does not do; then the case need not be sent. */
function notDeclared({ request }: ExpandedCase, declaration: Declaration): string | undefined {
  if (!declaration.classes.includes(request.class)) return `class ${request.class} is not among its classes`;
  const { operations } = declaration;
  const unknown = request.steps.find((step) => operations !== undefined && !operations.includes(step.op));
  return unknown === undefined ? undefined : `operation ${unknown.op} is not among its operations`;
}

function resultOf(entry: Case, expanded: ExpandedCase, answer: Answer, judging: Judging): Result {
  switch (answer.kind) {
    case 'result': {
      return { case: entry, ...judged(expanded, answer.result, judging) };
    }
    case 'unsupported':
      return { case: entry, verdict: 'unsupported', details: [answer.reason] };
    case 'error':
      return {
        case: entry,
        verdict: 'fail',
        details: [`answered with error ${answer.code}: ${answer.message}`],
        stderr: answer.stderr,
      };
    case 'crashed':
      return { case: entry, verdict: 'crashed', details: [answer.how], stderr: answer.stderr };
    case 'timeout':
      return {
        case: entry,
        verdict: 'timeout',
        details: [
          `no answer within ${answer.seconds} s; the commonest reason in a new adapter is that its standard output is ` +
            'buffered: flush it after each line',
        ],
        stderr: answer.stderr,
      };
    case 'bad-reply':
      return { case: entry, verdict: 'bad-reply', details: [answer.problem], stderr: answer.stderr };
  }
}

type CaseAnswer = Extract<Answer, { kind: 'result' }>['result'];

function judged(expanded: ExpandedCase, result: CaseAnswer, judging: Judging): Omit<Result, 'case'> {
  try {
    const steps = judge(expanded, result, judging);
    const details = steps.flatMap((found, index) => detailsOf(found, index, expanded.expected.length));
    if (details.length === 0) return { verdict: 'pass', details };
    const differences = steps.flatMap((found, index) => found.map((one) => ({ step: index + 1, ...one })));
    return { verdict: 'fail', details, paths: differences.map(({ path }) => path), differences };
  } catch (error) {
    if (!(error instanceof CaseError)) throw error;
    return { verdict: 'fail', details: [`the expectation cannot be derived: ${error.message}`] };
  }
}
