// SPDX-License-Identifier: GPL-2.0-or-later

import { setImmediate as pause } from 'node:timers/promises';
import type { Case } from './cases/case.js';
import { CaseError } from './cases/problem.js';
import { type Judging, judge } from './compare/judge.js';
import { type ExpandedCase, expandCase } from './expand/request.js';
import type { Answer, Implementation } from './implementations/implementation.js';
import { messageOf } from './message-of.js';
import { type Declaration, MODELS_FEATURE } from './protocol.js';
import { detailsOf, type Result } from './verdict.js';

export interface RunOptions {
  declaration: Declaration;
  judging: Judging;
  /** Whether the run ends after this result, the others being without a verdict. */
  stopAfter?: (result: Result) => boolean;
  /** Each result says how long its case took. */
  timings?: boolean;
  /** Called for each result, in the order of the cases. */
  onResult?: (result: Result) => void;
  /** When it is aborted the run ends at once, with the results that there are. */
  interruption?: AbortSignal;
}

const PAUSE_EVERY = 256;

/**
 * Drives a started implementation through the cases, at most `window` of them unanswered at a time. Results come in the
 * order of the cases; there is one for each case unless the run was interrupted or stopped.
 */
export async function runCases(
  implementation: Implementation,
  cases: readonly Case[],
  options: RunOptions,
): Promise<Result[]> {
  const traffic = new Traffic(options);
  const unwatch = watch(options.interruption, () => traffic.changed());
  try {
    for (const [index, entry] of cases.entries()) {
      // An implementation in this process never waits: without a pause no signal would be noticed before the end.
      if (index % PAUSE_EVERY === 0) await pause();
      if (traffic.isOver) break;
      traffic.add(index, () => runCase(implementation, entry, options));
      while (traffic.unanswered >= implementation.window && !traffic.isOver) await traffic.change();
    }
    while (traffic.unanswered > 0 && !traffic.isOver) await traffic.change();
    return traffic.end();
  } finally {
    unwatch();
  }
}

function watch(signal: AbortSignal | undefined, onAbort: () => void): () => void {
  signal?.addEventListener('abort', onAbort, { once: true });
  return () => signal?.removeEventListener('abort', onAbort);
}

/** What is under way in a run: answers come in any order, results are handed on in the order of the cases. */
class Traffic {
  unanswered = 0;
  readonly #results: Result[] = [];
  /** By the case's place: results that wait for those before them. */
  readonly #early = new Map<number, Result>();
  #next = 0;
  #stopped = false;
  #failure: { error: unknown } | undefined;
  #wake: () => void = () => {};
  #answeredAt = performance.now();

  constructor(private readonly options: RunOptions) {}

  /** Nothing more is asked, and nothing waited for. */
  get isOver(): boolean {
    return this.#stopped || this.#failure !== undefined || this.options.interruption?.aborted === true;
  }

  add(index: number, run: () => Result | Promise<Result>): void {
    const sentAt = performance.now();
    const result = run();
    if (!(result instanceof Promise)) {
      this.#settle(index, result, sentAt);
      return;
    }
    this.unanswered++;
    result
      .then(
        (settled) => this.#settle(index, settled, sentAt),
        (error: unknown) => {
          this.#failure = { error };
        },
      )
      .finally(() => {
        this.unanswered--;
        this.changed();
      });
  }

  /** Resolves at the next answer, or when the run is interrupted. */
  change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  changed(): void {
    this.#wake();
  }

  /** The results; after an interruption also those for which earlier ones are missing. */
  end(): Result[] {
    if (this.#failure !== undefined) throw this.#failure.error;
    const left = [...this.#early].sort(([a], [b]) => a - b);
    for (const [, result] of left) this.#hand(result);
    this.#stopped = true; // an answer that comes later is nobody's
    return this.#results;
  }

  #settle(index: number, result: Result, sentAt: number): void {
    if (this.options.timings === true) {
      const now = performance.now();
      // What is sent ahead waits for its turn; its own time begins when the answer before it is there.
      const milliseconds = now - Math.max(sentAt, this.#answeredAt);
      this.#answeredAt = now;
      result.seconds = Math.round(milliseconds * 1000) / 1e6;
    }
    this.#early.set(index, result);
    for (let next = this.#early.get(this.#next); next !== undefined; next = this.#early.get(this.#next)) {
      this.#early.delete(this.#next++);
      this.#hand(next);
    }
  }

  #hand(result: Result): void {
    if (this.#stopped) return;
    this.#results.push(result);
    this.options.onResult?.(result);
    if (this.options.stopAfter?.(result) === true) this.#stopped = true;
  }
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
  const finish = (received: Answer): Result => judgedAnswer(entry, expanded, received, options.judging);
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
  const { operations, features } = declaration;
  if (request.given.model !== undefined && features?.includes(MODELS_FEATURE) !== true) {
    return `a processor of a certain age: "${MODELS_FEATURE}" is not among its features`;
  }
  const unknown = request.steps.find((step) => operations !== undefined && !operations.includes(step.op));
  return unknown === undefined ? undefined : `operation ${unknown.op} is not among its operations`;
}

/** What an answer to a case is worth. */
export function judgedAnswer(entry: Case, expanded: ExpandedCase, answer: Answer, judging: Judging): Result {
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
