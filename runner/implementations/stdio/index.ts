// SPDX-License-Identifier: GPL-2.0-or-later

import { messageOf } from '../../message-of.js';
import { suiteVersion } from '../../package.js';
import { type CaseRequest, type Declaration, ErrorCode } from '../../protocol.js';
import type { Answer, Implementation } from '../implementation.js';
import { checkCaseResult } from './check-reply.js';
import type { Reply } from './messages.js';
import { type ProcessLimits, processTransport } from './process-transport.js';
import { Session } from './session.js';
import { socketTransport } from './socket-transport.js';
import type { Connect } from './transport.js';

/** Seconds, before the multiplier. */
const TIME = { start: 60, case: 10, shutdown: 2 } as const;

/** So many starts in a row without a proper answer, and the program is given up. */
const MAX_FAILED_STARTS = 3;
const MAX_CRASHES_IN_A_ROW = 100;
const MAX_TIMEOUTS_IN_A_ROW = 10;

export interface StdioOptions {
  /** How many requests may be unanswered at one time; default 32. */
  window?: number;
  /** Multiplies every time limit; default 1. A case may take ten seconds, counted from the answer before it. */
  timeoutFactor?: number;
}

export interface ProgramOptions extends StdioOptions, ProcessLimits {
  /** What reports call it; default: the command. */
  label?: string;
}

export interface ConnectOptions extends StdioOptions {
  /** A case may take as long as it likes: whoever sits at the other end has a debugger. */
  unhurried?: boolean;
}

/** Any program that speaks the protocol over its standard input and output: a command line, or its words. */
export function createStdio(
  command: string | readonly string[],
  options: ProgramOptions = {},
): Implementation {
  const label = options.label ?? (typeof command === 'string' ? command : command.join(' '));
  return new StdioImplementation(label, processTransport(command, options), options);
}

/** An implementation that its author has started and that listens at `address`, see `parseAddress`. */
export function createConnected(address: string, options: ConnectOptions = {}): Implementation {
  return new StdioImplementation(address, socketTransport(address), options);
}

/** A request that has not been answered. */
interface Pending {
  request: CaseRequest;
  resolve: (answer: Answer) => void;
}

/**
 * Drives a program that may do anything: die, hang, write rubbish. Whatever it does, every request gets an answer:
 * when the program cannot go on, the oldest unanswered request is blamed and a fresh process takes the rest.
 */
class StdioImplementation implements Implementation {
  readonly window: number;
  readonly #factor: number;
  readonly #isUnhurried: boolean;
  readonly #suite = suiteVersion();
  #session: Session | undefined;
  /** By id, oldest first. */
  #pending = new Map<number, Pending>();
  /** What waits for a process, oldest first. */
  #waiting: Pending[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** When the oldest unanswered request became that, in milliseconds. */
  #oldestSince = 0;
  /** A fresh process is being started. */
  #restarting: Promise<void> | undefined;
  readonly #stopped = new AbortController();
  #failedStarts = 0;
  #crashesInARow = 0;
  #timeoutsInARow = 0;
  /** What went wrong while no request was unanswered; the next one is blamed. */
  #owed: Answer | undefined;
  /** Why no further process is started. */
  #givenUp: string | undefined;

  constructor(
    readonly label: string,
    private readonly connect: Connect,
    options: ConnectOptions,
  ) {
    this.window = options.window ?? 32;
    this.#factor = options.timeoutFactor ?? 1;
    this.#isUnhurried = options.unhurried ?? false;
  }

  async start(): Promise<Declaration> {
    const session = await this.#open();
    return session.declaration;
  }

  run(request: CaseRequest): Promise<Answer> {
    return new Promise((resolve) => {
      const pending = { request, resolve };
      const owed = this.#owed;
      this.#owed = undefined;
      if (owed !== undefined) resolve(owed);
      else if (this.#givenUp !== undefined) this.#refuse(pending, this.#givenUp);
      else if (this.#session !== undefined) this.#send(this.#session, pending);
      else this.#waitForProcess(pending);
    });
  }

  async stop(): Promise<void> {
    this.#unwatch();
    this.#givenUp = 'the run was stopped';
    this.#refuseAll(this.#givenUp);
    this.#stopped.abort();
    await this.#restarting;
    const session = this.#session;
    this.#session = undefined;
    if (session === undefined) return;
    session.ignore();
    session.request('shutdown');
    session.end();
    const timer = setTimeout(() => session.kill(), this.#seconds('shutdown') * 1000);
    await session.ended;
    clearTimeout(timer);
  }

  async #open(): Promise<Session> {
    const seconds = this.#seconds('start');
    const session = await Session.open(this.connect, this.#suite, seconds, this.#stopped.signal);
    this.#session = session;
    session.listen({
      reply: (id, reply) => this.#receive(id, reply),
      problem: (problem) => this.#badReply(problem),
      lost: (how) => this.#lost(how),
    });
    return session;
  }

  #send(session: Session, pending: Pending): void {
    this.#pending.set(session.request('run_case', pending.request), pending);
    if (this.#pending.size === 1) this.#watchOldest();
  }

  #receive(id: number, reply: Reply): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) {
      this.#badReply(`an answer carries the id ${id}, which is not that of an unanswered request`);
      return;
    }
    const wasOldest = this.#oldestId() === id;
    this.#pending.delete(id);
    this.#crashesInARow = 0;
    this.#timeoutsInARow = 0;
    if (wasOldest) this.#watchOldest();
    pending.resolve(this.#judge(pending.request, reply));
  }

  #judge(request: CaseRequest, reply: Reply): Answer {
    const stderr = this.#session?.stderr() ?? '';
    if (reply.kind === 'error') {
      const { code, message, stack } = reply;
      if (code === ErrorCode.unsupported || code === ErrorCode.methodNotFound) {
        return { kind: 'unsupported', reason: reply.reason ?? message };
      }
      return { kind: 'error', code, message: reply.reason ?? message, stderr: stack ?? stderr };
    }
    try {
      return { kind: 'result', result: checkCaseResult(request, reply.result) };
    } catch (error) {
      return { kind: 'bad-reply', problem: messageOf(error), stderr };
    }
  }

  // ------------------------------------------------------------------------------------- when it cannot go on

  #badReply(problem: string): void {
    this.#crashesInARow++;
    this.#blame((stderr) => ({ kind: 'bad-reply', problem, stderr }));
  }

  #lost(how: string): void {
    this.#crashesInARow++;
    this.#blame((stderr) => ({ kind: 'crashed', how, stderr }));
  }

  #timedOut(): void {
    this.#timeoutsInARow++;
    this.#blame((stderr) => ({ kind: 'timeout', seconds: this.#seconds('case'), stderr }));
  }

  /** Gives `answer` to the oldest unanswered request and the others to a fresh process. */
  #blame(answer: (stderr: string) => Answer): void {
    const session = this.#session;
    if (session === undefined) return;
    this.#unwatch();
    this.#session = undefined;
    session.kill();
    const [oldest, ...others] = this.#pending.values();
    this.#pending = new Map();
    this.#waiting.unshift(...others);
    const blame = answer(session.stderr());
    if (oldest === undefined) this.#owed = blame;
    else oldest.resolve(blame);
    if (this.#crashesInARow >= MAX_CRASHES_IN_A_ROW) {
      this.#giveUp(`${MAX_CRASHES_IN_A_ROW} processes in a row ended without a proper answer`);
    } else if (this.#timeoutsInARow >= MAX_TIMEOUTS_IN_A_ROW) {
      this.#giveUp(`${MAX_TIMEOUTS_IN_A_ROW} cases in a row got no answer in time`);
    } else if (this.#waiting.length > 0) {
      this.#restart();
    }
  }

  #waitForProcess(pending: Pending): void {
    this.#waiting.push(pending);
    this.#restart();
  }

  #restart(): void {
    this.#restarting ??= this.#startAgain().finally(() => {
      this.#restarting = undefined;
    });
  }

  async #startAgain(): Promise<void> {
    try {
      const session = await this.#openAgain();
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const pending of waiting) this.#send(session, pending);
    } catch (error) {
      this.#giveUp(`it cannot be started again: ${messageOf(error)}`);
    }
  }

  async #openAgain(): Promise<Session> {
    for (;;) {
      try {
        const session = await this.#open();
        this.#failedStarts = 0;
        return session;
      } catch (error) {
        if (this.#stopped.signal.aborted || ++this.#failedStarts >= MAX_FAILED_STARTS) throw error;
      }
    }
  }

  #giveUp(why: string): void {
    this.#givenUp = why;
    this.#refuseAll(why);
  }

  #refuseAll(why: string): void {
    const left = [...this.#pending.values(), ...this.#waiting];
    this.#pending = new Map();
    this.#waiting = [];
    for (const pending of left) this.#refuse(pending, why);
  }

  #refuse(pending: Pending, why: string): void {
    pending.resolve({ kind: 'crashed', how: `was not asked: ${why}`, stderr: '' });
  }

  /** The time of the oldest request begins. One timer serves many requests: it is set again when it was set too early. */
  #watchOldest(): void {
    if (this.#isUnhurried) return;
    this.#oldestSince = performance.now();
    this.#timer ??= setTimeout(() => this.#lookAtOldest(), this.#seconds('case') * 1000);
  }

  #lookAtOldest(): void {
    this.#timer = undefined;
    if (this.#pending.size === 0) return;
    const left = this.#oldestSince + this.#seconds('case') * 1000 - performance.now();
    if (left <= 0) this.#timedOut();
    else this.#timer = setTimeout(() => this.#lookAtOldest(), left);
  }

  #unwatch(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** A time limit, to the millisecond. */
  #seconds(limit: keyof typeof TIME): number {
    return Math.round(TIME[limit] * this.#factor * 1000) / 1000;
  }

  #oldestId(): number | undefined {
    return this.#pending.keys().next().value;
  }
}
