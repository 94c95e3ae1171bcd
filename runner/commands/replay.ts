// SPDX-License-Identifier: GPL-2.0-or-later

import { isDeepStrictEqual } from 'node:util';
import type { Case } from '../cases/case.js';
import { loadSuite } from '../cases/suite.js';
import { expandCase } from '../expand/request.js';
import type { Answer } from '../implementations/implementation.js';
import { judgingFor } from '../judging.js';
import { type CaseRequest, isObject, PROFILES } from '../protocol.js';
import { print } from '../report/output.js';
import { isRecord, readResults } from '../report/read.js';
import { readable } from '../report/readable.js';
import type { RunRecord } from '../report/record.js';
import { judgedAnswer } from '../run.js';
import { behavioursOfPatterns } from '../select.js';
import { ExitCode, UsageError } from '../usage.js';
import { isBad } from '../verdict.js';
import { type AttachOptions, attach, implementationMaker } from './attach.js';
import { run } from './run.js';

export interface ReplayOptions extends Omit<AttachOptions, 'impl'> {
  /** Default: that of the results, or the reference. */
  impl?: string;
  failures: number;
}

/**
 * Sends again what a file holds. For the results of a run these are the cases that failed, run as `run` does; for one
 * request, as `show --json` prints it or as it went over the wire, that very request. The answer is printed, and judged
 * when the request is that of a case of the suite.
 */
export async function replay(file: string, options: ReplayOptions): Promise<number> {
  const data = readResults(file);
  if (isRecord(data)) return await replayFailures(file, data, options);
  return await replayRequest(requestIn(data, file), { ...options, impl: options.impl ?? 'reference' });
}

async function replayFailures(file: string, record: RunRecord, options: ReplayOptions): Promise<number> {
  const failed = record.results.filter(({ verdict }) => isBad(verdict)).map(({ id }) => id);
  if (failed.length === 0) throw new UsageError(`in ${file} no case has failed`);
  const impl = options.impl ?? record.implementation.label;
  return await run(failed, {
    ...options,
    impl,
    profile: record.profile,
    class: [],
    behaviour: [],
    clause: [],
  });
}

async function replayRequest(request: CaseRequest, options: AttachOptions): Promise<number> {
  const attached = await attach(implementationMaker(options, request.profile), options);
  if (typeof attached === 'number') return attached;
  const { implementation, declaration } = attached;
  try {
    const answer = await implementation.run(request);
    print(readable(answer.kind === 'result' ? answer.result : answer));
    const judging = { ...judgingFor(declaration), profile: request.profile };
    const entry = await caseOf(request.id);
    const expanded = entry === undefined ? undefined : expandCase(entry, judging);
    if (
      entry === undefined ||
      expanded === undefined ||
      !isDeepStrictEqual(plain(expanded.request), plain(request))
    ) {
      print('not judged: the request is not that of a case of the suite');
      return answered(answer) ? ExitCode.conforms : ExitCode.doesNotConform;
    }
    const { verdict, details } = judgedAnswer(entry, expanded, answer, judging);
    print([verdict, ...details].join('\n  '));
    return verdict === 'pass' ? ExitCode.conforms : ExitCode.doesNotConform;
  } finally {
    await implementation.stop();
  }
}

function answered({ kind }: Answer): boolean {
  return kind === 'result';
}

/** As it is after a way over the wire. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

async function caseOf(id: string): Promise<Case | undefined> {
  const { cases } = await loadSuite(behavioursOfPatterns([id]));
  return cases.find((entry) => entry.id === id);
}

/** The request in a file: bare, or as the `params` of a JSON-RPC message. */
function requestIn(data: unknown, file: string): CaseRequest {
  const request = isObject(data) && isObject(data.params) ? data.params : data;
  if (!isCaseRequest(request)) {
    throw new UsageError(`${file} holds neither a request (show --json) nor results (run --reporter json)`);
  }
  return request;
}

function isCaseRequest(value: unknown): value is CaseRequest {
  return (
    isObject(value) &&
    typeof value.id === 'string' &&
    typeof value.class === 'string' &&
    PROFILES.some((name) => name === value.profile) &&
    isObject(value.given) &&
    Array.isArray(value.steps) &&
    isObject(value.observe)
  );
}
