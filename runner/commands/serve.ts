// SPDX-License-Identifier: GPL-2.0-or-later

import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { type Answer, CannotStart, type Implementation } from '../implementations/implementation.js';
import { canBeInProcess, createInProcess } from '../implementations/in-process.js';
import { LineSplitter, LineTooLong } from '../implementations/stdio/lines.js';
import { encodeMessage } from '../implementations/stdio/messages.js';
import { messageOf } from '../message-of.js';
import {
  type CaseRequest,
  CONFORMANCE_CLASSES,
  ErrorCode,
  isObject,
  PROFILES,
  PROTOCOL_VERSION,
  type Profile,
} from '../protocol.js';
import { UsageError } from '../usage.js';

export interface ServeOptions {
  /** What is offered: the reference, which is the default, or a module (`module:./my-host.js`). */
  impl?: string;
  /** The profile of a request that names none. */
  profile?: Profile;
  input?: Readable;
  output?: Writable;
}

/**
 * Offers the reference or a module over the protocol: reads requests from `input` (standard input), answers on `output`
 * (standard output), in order. Returns the exit code: 0 when it was told to shut down, its input ended or nobody reads any
 * more, 1 when its input was out of all bounds.
 */
export async function serve(options: ServeOptions = {}): Promise<number> {
  const { impl = 'reference', profile = 'linux-2.6.29' } = options;
  if (!canBeInProcess(impl)) {
    throw new UsageError(`serve offers the reference or a module (module:./file.js), and not ${impl}`);
  }
  const output = options.output ?? answersOnly();
  const server = new Server(impl, profile);
  const splitter = new LineSplitter();
  let gone = false;
  output.on('error', () => {
    gone = true; // whoever asked does not read any more
  });
  try {
    for await (const chunk of options.input ?? process.stdin) {
      for (const line of splitter.push(chunk)) {
        const answer = await server.answer(line);
        if (answer !== undefined && !output.write(`${answer}\n`) && !gone) await drained(output);
        if (gone || server.finished) return 0;
      }
    }
  } catch (error) {
    if (!(error instanceof LineTooLong)) throw error;
    output.write(`${encodeError(null, new RequestError(ErrorCode.parseError, error.message))}\n`);
    return 1;
  }
  const rest = splitter.rest();
  const answer = rest === undefined ? undefined : await server.answer(rest);
  if (answer !== undefined) output.write(`${answer}\n`);
  return 0;
}

/** Standard output for answers alone: what else is written to it, by a module for instance, goes to standard error. */
function answersOnly(): Writable {
  const output = process.stdout;
  Object.defineProperty(process, 'stdout', { value: process.stderr });
  return output;
}

async function drained(output: Writable): Promise<void> {
  await Promise.race([once(output, 'drain'), once(output, 'close')]).catch(() => {});
}

/** A request that cannot be carried out, with its JSON-RPC code. */
class RequestError extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly data: { reason?: string; stack?: string } = {},
  ) {
    super(message);
    this.name = 'RequestError';
  }
}

class Server {
  finished = false;
  readonly #implementations = new Map<Profile, Implementation>();

  constructor(
    private readonly name: string,
    private readonly profile: Profile,
  ) {}

  /** The answer to one line, or `undefined` when it is a notification. */
  async answer(line: string): Promise<string | undefined> {
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch (error) {
      const reason = messageOf(error);
      return encodeError(null, new RequestError(ErrorCode.parseError, `not JSON: ${reason}`));
    }
    const id = isObject(message) ? message.id : undefined;
    const answerId = typeof id === 'string' || typeof id === 'number' ? id : null;
    try {
      const result = await this.#call(message);
      return id === undefined ? undefined : encodeMessage({ jsonrpc: '2.0', id: answerId, result });
    } catch (error) {
      const refusal = error instanceof RequestError ? error : internal(error);
      const isNotification = id === undefined && refusal.code !== ErrorCode.invalidRequest;
      return isNotification ? undefined : encodeError(answerId, refusal);
    }
  }

  async #call(message: unknown): Promise<unknown> {
    if (!isObject(message) || typeof message.method !== 'string') {
      throw new RequestError(ErrorCode.invalidRequest, 'a request is an object with a method');
    }
    switch (message.method) {
      case 'initialize':
        return await this.#initialize(message.params);
      case 'run_case':
        return await this.#runCase(message.params);
      case 'shutdown':
        this.finished = true;
        return null;
      default:
        throw new RequestError(ErrorCode.methodNotFound, `there is no method "${message.method}"`);
    }
  }

  async #initialize(params: unknown): Promise<unknown> {
    if (!isObject(params) || params.protocol_version !== PROTOCOL_VERSION) {
      throw invalid(`protocol_version must be ${PROTOCOL_VERSION}`);
    }
    try {
      const implementation = await this.#implementation(this.profile);
      return await implementation.start();
    } catch (error) {
      if (!(error instanceof CannotStart)) throw error;
      throw new RequestError(ErrorCode.internalError, error.message, { reason: error.cure });
    }
  }

  async #runCase(params: unknown): Promise<unknown> {
    const request = readRequest(params, this.profile);
    const implementation =
      this.#implementations.get(request.profile) ?? (await this.#implementation(request.profile));
    return resultOf(await implementation.run(request));
  }

  async #implementation(profile: Profile): Promise<Implementation> {
    const implementation = await createInProcess(this.name, profile);
    this.#implementations.set(profile, implementation);
    return implementation;
  }
}

/** The request in `params`. What `given` holds is the reference's to judge: it is passed on as it is. */
function readRequest(params: unknown, defaultProfile: Profile): CaseRequest {
  if (!isObject(params)) throw invalid('params must be an object');
  const { id, given, steps, observe = {} } = params;
  if (typeof id !== 'string') throw invalid('id must be a string');
  const className = CONFORMANCE_CLASSES.find((name) => name === params.class);
  if (className === undefined) throw invalid(`class must be one of ${CONFORMANCE_CLASSES.join(', ')}`);
  const profile =
    params.profile === undefined ? defaultProfile : PROFILES.find((it) => it === params.profile);
  if (profile === undefined) throw invalid(`profile must be one of ${PROFILES.join(', ')}`);
  if (!isObject(given)) throw invalid('given must be an object');
  if (!Array.isArray(steps) || steps.length === 0) throw invalid('steps must be a list that is not empty');
  for (const step of steps) {
    if (!isObject(step) || typeof step.op !== 'string') throw invalid('every step must have an op');
  }
  if (!isObject(observe)) throw invalid('observe must be an object');
  return { id, class: className, profile, given, steps, observe };
}

function resultOf(answer: Answer): unknown {
  switch (answer.kind) {
    case 'result':
      return answer.result;
    case 'unsupported':
      throw new RequestError(ErrorCode.unsupported, 'unsupported', { reason: answer.reason });
    case 'error':
      throw new RequestError(answer.code, answer.message, { stack: answer.stderr });
    case 'crashed':
      throw new RequestError(ErrorCode.internalError, answer.how, { stack: answer.stderr });
    case 'timeout':
      throw new RequestError(ErrorCode.internalError, `no answer within ${answer.seconds} s`);
    case 'bad-reply':
      throw new RequestError(ErrorCode.internalError, answer.problem);
  }
}

function invalid(message: string): RequestError {
  return new RequestError(ErrorCode.invalidParams, message);
}

function internal(error: unknown): RequestError {
  const stack = error instanceof Error ? error.stack : undefined;
  return new RequestError(ErrorCode.internalError, messageOf(error), { stack });
}

function encodeError(id: string | number | null, { code, message, data }: RequestError): string {
  const told = Object.values(data).some((value) => value !== undefined && value !== '') ? { data } : {};
  return encodeMessage({ jsonrpc: '2.0', id, error: { code, message, ...told } });
}
