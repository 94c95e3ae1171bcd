// SPDX-License-Identifier: GPL-2.0-or-later

import { messageOf } from '../../message-of.js';
import { type Declaration, PROTOCOL_VERSION } from '../../protocol.js';
import { CannotStart } from '../implementation.js';
import { checkDeclaration } from './check-reply.js';
import { encodeRequest, parseReply, type Reply } from './messages.js';
import type { Connect, Transport, TransportEvents } from './transport.js';

/** Name and version of the suite. */
export interface Suite {
  name: string;
  version: string;
}

/** The commonest mistake of an adapter, and what to do about it. */
export const BUFFERING_HINT =
  'the commonest cause is buffered output: flush standard output after every line (python3 -u or flush=True; ' +
  'setvbuf or fflush in C; autoflush elsewhere)';

export const STDOUT_HINT =
  'standard output is for answers only, one JSON object a line; write everything else to standard error';

/** What a session tells its owner. After `lost` nothing more is called. */
export interface SessionEvents {
  reply(id: number, reply: Reply): void;
  /** Something arrived that belongs to no request; the session can no longer be trusted. */
  problem(text: string): void;
  /** The implementation is gone. */
  lost(how: string): void;
}

/** One conversation with one running implementation. */
export class Session {
  #nextId = 1;

  private constructor(
    private readonly transport: Transport,
    private readonly relay: Relay,
    readonly declaration: Declaration,
  ) {}

  /**
   * Connects and sends `initialize`. Throws `CannotStart` when the implementation cannot be had or does not give a
   * proper answer within `seconds`, or before nobody wants it any more.
   */
  static async open(
    connect: Connect,
    suite: Suite,
    seconds: number,
    unwanted: AbortSignal,
  ): Promise<Session> {
    const relay = new Relay();
    const opening = firstLine(relay);
    const transport = await connect(relay);
    transport.send(encodeRequest(0, 'initialize', { protocol_version: PROTOCOL_VERSION, suite }));
    try {
      return new Session(transport, relay, readDeclaration(await within(seconds, opening, unwanted)));
    } catch (error) {
      relay.pass({ line: () => {}, broken: () => {}, closed: () => {} });
      transport.kill();
      await transport.ended;
      throw error instanceof CannotStart ? withStderr(error, transport.stderr()) : error;
    }
  }

  /** Who is told of what arrives. What has arrived since the session was opened is told at once. */
  listen(events: SessionEvents): void {
    let number = 1; // the answer to initialize
    this.relay.pass({
      line: (text) => {
        const incoming = parseReply(text, ++number);
        if ('problem' in incoming) events.problem(incoming.problem);
        else events.reply(incoming.id, incoming.reply);
      },
      broken: (problem) => events.problem(`in your program's standard output ${problem}`),
      closed: (how) => events.lost(how),
    });
  }

  /** From now on nobody is told of anything. */
  ignore(): void {
    this.listen({ reply: () => {}, problem: () => {}, lost: () => {} });
  }

  /** Sends a request and returns the id that its answer will carry. */
  request(method: string, params?: object): number {
    const id = this.#nextId++;
    this.transport.send(encodeRequest(id, method, params));
    return id;
  }

  stderr(): string {
    return this.transport.stderr();
  }

  /** Nothing more will be sent. */
  end(): void {
    this.transport.end();
  }

  kill(): void {
    this.ignore();
    this.transport.kill();
  }

  /** Resolves with the way the implementation ended, once it has. */
  get ended(): Promise<string> {
    return this.transport.ended;
  }
}

/** Passes a transport's events to whoever is in charge, and keeps them while nobody is. */
class Relay implements TransportEvents {
  #to: TransportEvents | undefined;
  #kept: ((to: TransportEvents) => void)[] = [];

  pass(to: TransportEvents): void {
    this.#to = to;
    for (let event = this.#kept.shift(); event !== undefined; event = this.#kept.shift()) event(this.#to);
  }

  keep(): void {
    this.#to = undefined;
  }

  line(text: string): void {
    this.#tell((to) => to.line(text));
  }

  broken(problem: string): void {
    this.#tell((to) => to.broken(problem));
  }

  closed(how: string): void {
    this.#tell((to) => to.closed(how));
  }

  #tell(event: (to: TransportEvents) => void): void {
    if (this.#to === undefined) this.#kept.push(event);
    else event(this.#to);
  }
}

/** How the wait for the first answer ended. */
type Opening = { line: string } | { failure: string; cure: string };

function firstLine(relay: Relay): Promise<Opening> {
  return new Promise((resolve) => {
    const settle = (opening: Opening) => {
      relay.keep();
      resolve(opening);
    };
    relay.pass({
      line: (line) => settle({ line }),
      broken: (problem) => settle({ failure: `sent no answer to initialize: ${problem}`, cure: STDOUT_HINT }),
      closed: (how) =>
        settle({ failure: `${how} before it answered initialize`, cure: 'see its standard error' }),
    });
  });
}

async function within(seconds: number, opening: Promise<Opening>, unwanted: AbortSignal): Promise<Opening> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort = (): void => {};
  const late = new Promise<Opening>((resolve) => {
    const failure = `gave no answer to initialize within ${seconds} s`;
    timer = setTimeout(() => resolve({ failure, cure: BUFFERING_HINT }), seconds * 1000);
    onAbort = () => resolve({ failure: 'was stopped before it answered initialize', cure: '' });
    if (unwanted.aborted) onAbort();
    else unwanted.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([opening, late]);
  } finally {
    clearTimeout(timer);
    unwanted.removeEventListener('abort', onAbort);
  }
}

function readDeclaration(outcome: Opening): Declaration {
  if ('failure' in outcome) throw new CannotStart(`it ${outcome.failure}`, outcome.cure);
  const incoming = parseReply(outcome.line, 1);
  if ('problem' in incoming) throw new CannotStart(incoming.problem, STDOUT_HINT);
  if (incoming.id !== 0) {
    throw new CannotStart(
      `its answer to initialize carries the id ${incoming.id} instead of 0`,
      'copy the id of the request into the answer',
    );
  }
  if (incoming.reply.kind === 'error') {
    throw new CannotStart(
      `it answered initialize with error ${incoming.reply.code}: ${incoming.reply.message}`,
      incoming.reply.reason ?? 'answer initialize with a result; see spec/protocol.md',
    );
  }
  try {
    return checkDeclaration(incoming.reply.result);
  } catch (error) {
    const problem = messageOf(error);
    throw new CannotStart(`its answer to initialize is wrong: ${problem}`, 'see spec/protocol.md, Methods');
  }
}

function withStderr(error: CannotStart, stderr: string): CannotStart {
  const text = stderr.trimEnd();
  if (text === '') return error;
  return new CannotStart(`${error.message}\nits standard error ends with:\n${text}`, error.cure);
}
