// SPDX-License-Identifier: GPL-2.0-or-later

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf } from '../message-of.js';
import { suiteVersion } from '../package.js';
import {
  type CaseRequest,
  type CaseResult,
  type Declaration,
  ErrorCode,
  isObject,
  PROTOCOL_VERSION,
} from '../protocol.js';
import { type Answer, CannotStart, type Implementation } from './implementation.js';
import { checkCaseResult, checkDeclaration } from './stdio/check-reply.js';

/** What `initialize` is told, as over the wire. */
export interface InitializeParams {
  protocol_version: number;
  suite: { name: string; version: string };
}

/**
 * An implementation in JavaScript or TypeScript, with the methods of the protocol. `runCase` throws `Unsupported` for what
 * it does not do; anything else that it throws is a failure of the case. The request is its own: it may be changed.
 */
export interface Host {
  initialize(params: InitializeParams): Declaration | Promise<Declaration>;
  runCase(request: CaseRequest): CaseResult | Promise<CaseResult>;
  /** Called once, at the end. */
  shutdown?(): void | Promise<void>;
}

/** Thrown by `runCase` for what the implementation does not do; the message says what. */
export class Unsupported extends Error {
  /** By this the runner knows it, also when it comes out of another copy of this package. */
  readonly code = ErrorCode.unsupported;
}

export interface HostOptions {
  label: string;
  /** Time for a case; absent: no limit. Only what waits can be late: an endless loop cannot be stopped in this process. */
  seconds?: number;
}

/** A host in this process. What it answers is checked like what comes over the wire. */
export class HostImplementation implements Implementation {
  readonly label: string;
  readonly window = 1;
  readonly #seconds: number | undefined;

  constructor(
    private readonly host: Host,
    options: HostOptions,
  ) {
    this.label = options.label;
    this.#seconds = options.seconds;
  }

  async start(): Promise<Declaration> {
    try {
      const params = { protocol_version: PROTOCOL_VERSION, suite: suiteVersion() };
      return checkDeclaration(await this.host.initialize(params));
    } catch (error) {
      throw new CannotStart(`its initialize is wrong: ${messageOf(error)}`, 'see spec/protocol.md, Methods');
    }
  }

  run(request: CaseRequest): Answer | Promise<Answer> {
    try {
      // The state that the answer is held against must not change under the host's hands.
      const result = this.host.runCase(structuredClone(request));
      if (!(result instanceof Promise)) return answerOf(request, result);
      const answer = result.then((value) => answerOf(request, value), refusalOf);
      return this.#seconds === undefined ? answer : inTime(answer, this.#seconds);
    } catch (error) {
      return refusalOf(error);
    }
  }

  async stop(): Promise<void> {
    await this.host.shutdown?.();
  }
}

async function inTime(answer: Promise<Answer>, seconds: number): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Answer>((settle) => {
    timer = setTimeout(() => settle({ kind: 'timeout', seconds, stderr: '' }), seconds * 1000);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

function answerOf(request: CaseRequest, result: unknown): Answer {
  try {
    return { kind: 'result', result: checkCaseResult(request, result) };
  } catch (error) {
    return { kind: 'bad-reply', problem: messageOf(error), stderr: '' };
  }
}

function refusalOf(error: unknown): Answer {
  if (isObject(error) && error.code === ErrorCode.unsupported) {
    return { kind: 'unsupported', reason: messageOf(error) };
  }
  if (isObject(error) && error.code === ErrorCode.malformedCase) {
    return { kind: 'error', code: ErrorCode.malformedCase, message: messageOf(error), stderr: '' };
  }
  const stderr = error instanceof Error ? (error.stack ?? '') : '';
  return { kind: 'error', code: ErrorCode.internalError, message: `it threw ${messageOf(error)}`, stderr };
}

/** `module:./my-host.js`: the module's default export is a `Host`, or a function that makes one. */
export const MODULE_PREFIX = 'module:';

/** The host that a module exports. Throws `CannotStart` when there is none. */
export async function loadHost(name: string): Promise<Host> {
  const path = name.slice(MODULE_PREFIX.length);
  const specifier = /^(\.|\/)/.test(path) ? pathToFileURL(resolve(path)).href : path;
  let exported: unknown;
  try {
    const module: unknown = await import(specifier);
    exported = isObject(module) ? module.default : undefined;
  } catch (error) {
    throw new CannotStart(
      `the module ${path} cannot be loaded: ${messageOf(error)}`,
      'name a file with a leading ./, or an installed package; TypeScript needs a loader: NODE_OPTIONS="--import tsx"',
    );
  }
  const host: unknown = typeof exported === 'function' ? await exported() : exported;
  if (isHost(host)) return host;
  throw new CannotStart(
    `the default export of ${path} has no methods initialize and runCase`,
    'export default { initialize() { ... }, runCase(request) { ... } }, or a function that returns such an object',
  );
}

function isHost(value: unknown): value is Host {
  return isObject(value) && typeof value.initialize === 'function' && typeof value.runCase === 'function';
}
