// SPDX-License-Identifier: GPL-2.0-or-later

import { isDeepStrictEqual } from 'node:util';
import { checkCaseResult, checkDeclaration, WrongShape } from '../implementations/stdio/check-reply.js';
import { parseReply, type Reply, show } from '../implementations/stdio/messages.js';
import type { Connect } from '../implementations/stdio/transport.js';
import {
  type CaseRequest,
  type ConformanceClass,
  type Declaration,
  ErrorCode,
  isObject,
  PROTOCOL_VERSION,
} from '../protocol.js';
import { Conversation, type Heard } from './conversation.js';
import { type Finding, type Mistake, mistakeOfShape } from './mistakes.js';
import { type MessageKind, SchemaCheck } from './schema-check.js';

/** A result has the shape that the runner needs but breaks a finer rule of the protocol's schema. */
class AgainstSchema extends Error {}

/** What is wrong with a result, from what a check of it threw. */
function findingOf(error: unknown, otherwise: Mistake): Finding {
  if (error instanceof WrongShape) return { mistake: mistakeOfShape(error), problem: error.message };
  if (error instanceof AgainstSchema) return { mistake: otherwise, problem: error.message };
  throw error;
}

const SENT_AHEAD = 10;

/** A case that the adapter is asked, and whether a right answer differs from the given state. */
export interface Probe {
  request: CaseRequest;
  changes: boolean;
}

export interface CheckOptions {
  /** The probes of a class, in the order in which they are asked. */
  probes: (conformanceClass: ConformanceClass, declaration: Declaration) => Promise<Probe[]>;
  suite: { name: string; version: string };
  /** How long to wait for an answer, in seconds. */
  patience: number;
  /** Told of each thing that has been tried. */
  report: (step: StepReport) => void;
}

export interface StepReport {
  title: string;
  note?: string;
  finding?: Finding;
}

export interface Outcome {
  mistakes: number;
  /** Whether the adapter gave any answer at all. */
  answered: boolean;
  stderr: string;
}

/** The adapter cannot be asked any further; what it did has been reported. */
class Unusable extends Error {}

/**
 * Talks to an adapter one message at a time and reports each mistake that it makes. Throws `CannotStart` when there is
 * nobody to talk to.
 */
export async function checkAdapter(connect: Connect, options: CheckOptions): Promise<Outcome> {
  const check = new AdapterCheck(connect, options);
  await check.run();
  const { mistakes, answered, stderr } = check;
  return { mistakes, answered, stderr };
}

class AdapterCheck {
  mistakes = 0;
  stderr = '';
  /** Whether it gave any answer at all. */
  answered = false;
  #conversation: Conversation | undefined;
  readonly #schema = new SchemaCheck();
  readonly #seen = new Set<Mistake>();

  constructor(
    private readonly connect: Connect,
    private readonly options: CheckOptions,
  ) {}

  async run(): Promise<void> {
    try {
      const declaration = await this.#begin();
      for (const conformanceClass of declaration.classes) await this.#tryClass(conformanceClass, declaration);
      await this.#trySeveralAtOnce();
      await this.#tryUnknownMethod();
      await this.#tryShutdown();
      await this.#tryEndOfInput();
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      await this.#conversation?.ended(0);
    }
    this.stderr = this.#conversation?.stderr() ?? '';
  }

  // ------------------------------------------------------------------------------------------------ the steps

  async #begin(): Promise<Declaration> {
    this.#conversation = await Conversation.open(this.connect);
    const title = 'starts and answers initialize';
    const reply = await this.#ask(title, 'initialize', {
      protocol_version: PROTOCOL_VERSION,
      suite: this.options.suite,
    });
    if (reply.kind === 'error') {
      this.#wrong(title, {
        mistake: 'declaration',
        problem: `it answers with error ${reply.code}: ${reply.message}`,
      });
      throw new Unusable();
    }
    try {
      const declaration = checkDeclaration(reply.result);
      this.#refuseBySchema('declaration', reply.result);
      this.#right(title, describe(declaration));
      return declaration;
    } catch (error) {
      const { problem } = findingOf(error, 'declaration');
      const aboutVersion = error instanceof WrongShape && error.path === 'result.protocol_version';
      this.#wrong(title, { mistake: aboutVersion ? 'protocol-version' : 'declaration', problem });
      throw new Unusable();
    }
  }

  async #tryClass(conformanceClass: ConformanceClass, declaration: Declaration): Promise<void> {
    const probes = await this.options.probes(conformanceClass, declaration);
    let done = 0;
    let changing = 0;
    let echoed = 0;
    let misanswered = 0;
    const reasons = new Set<string>();
    for (const probe of probes) {
      const answer = await this.#tryCase(probe.request, declaration);
      if (answer === undefined) {
        misanswered++;
        continue;
      }
      if ('reason' in answer) {
        reasons.add(answer.reason);
        continue;
      }
      done++;
      if (!probe.changes) continue;
      changing++;
      if (answer.echo) echoed++;
    }
    const title = `does cases of class ${conformanceClass}`;
    const count = `${done} of ${probes.length} tried`;
    if (done === 0 && misanswered > 0) return; // that has been reported
    if (done === 0) {
      this.#wrong(title, {
        mistake: 'claims-too-much',
        problem: `${count}; it says: ${[...reasons].join('; ')}`,
      });
    } else if (changing > 0 && echoed === changing) {
      this.#wrong(title, {
        mistake: 'echo',
        problem: `${echoed} cases change the state, and its answers hold what it was given`,
      });
    } else {
      this.#right(title, reasons.size === 0 ? count : `${count}; unsupported: ${[...reasons].join('; ')}`);
    }
    const [first] = probes;
    if (first !== undefined) await this.#tryUnknownOperation(first.request);
  }

  /** What became of a case, or `undefined` when the answer was a mistake. */
  async #tryCase(
    request: CaseRequest,
    declaration: Declaration,
  ): Promise<{ echo: boolean } | { reason: string } | undefined> {
    const title = `answers ${request.id}`;
    const reply = await this.#ask(title, 'run_case', request);
    if (reply.kind === 'error') {
      if (isUnsupported(reply)) return { reason: reply.reason ?? reply.message };
      const problem = `error ${reply.code}: ${reply.reason ?? reply.message}`;
      this.#wrong(title, { mistake: 'error-answer', problem, request: JSON.stringify(request) });
      return undefined;
    }
    try {
      const { steps } = checkCaseResult(request, reply.result);
      this.#refuseBySchema(kindOfResult(request, declaration), reply.result);
      for (const [i, step] of steps.entries()) checkCompleteness(request, declaration, step.state, i);
      return { echo: steps.every((step) => isEcho(request, step.state)) };
    } catch (error) {
      this.#wrong(title, { ...findingOf(error, 'shape'), request: JSON.stringify(request) });
      return undefined;
    }
  }

  async #tryUnknownOperation(request: CaseRequest): Promise<void> {
    const title = `refuses an operation that does not exist (class ${request.class})`;
    const steps = [{ op: 'no_such_operation' }];
    const reply = await this.#ask(title, 'run_case', { ...request, id: 'check-adapter/unknown', steps });
    if (reply.kind === 'error' && (isUnsupported(reply) || reply.code === ErrorCode.malformedCase)) {
      this.#right(title);
    } else {
      this.#wrong(title, { mistake: 'unknown-operation', problem: describeReply(reply) });
    }
  }

  async #tryUnknownMethod(): Promise<void> {
    const title = 'refuses a method that does not exist';
    const reply = await this.#ask(title, 'no_such_method');
    if (reply.kind === 'error' && isUnsupported(reply)) this.#right(title);
    else this.#wrong(title, { mistake: 'unknown-method', problem: describeReply(reply) });
  }

  /** Requests that are sent before the answers to those before them have come, as the runner does. */
  async #trySeveralAtOnce(): Promise<void> {
    const title = 'answers requests that are sent ahead';
    const conversation = this.#usable();
    const open = new Set(Array.from({ length: SENT_AHEAD }, () => conversation.ask('no_such_method')));
    while (open.size > 0) {
      const heard = await conversation.hear(this.options.patience);
      const incoming = heard.kind === 'line' ? parseReply(heard.text, heard.number) : undefined;
      if (incoming !== undefined && 'reply' in incoming && open.delete(incoming.id)) continue;
      const [oldest = 0] = open;
      this.#wrong(title, explain(heard, oldest));
      throw new Unusable();
    }
    this.#right(title);
  }

  async #tryShutdown(): Promise<void> {
    const title = 'ends when told to shut down';
    const reply = await this.#ask(title, 'shutdown');
    if (reply.kind === 'error' || reply.result !== null) {
      this.#wrong(title, { mistake: 'shutdown', problem: describeReply(reply) });
    }
    const how = await this.#conversation?.ended(this.options.patience);
    if (how === undefined) {
      const problem = `it is still running ${this.options.patience} s after it was told to shut down`;
      this.#wrong(title, { mistake: 'shutdown', problem });
    } else if (how !== 'exited with code 0') {
      this.#wrong(title, { mistake: 'shutdown', problem: `it ${how}` });
    } else {
      this.#right(title);
    }
  }

  async #tryEndOfInput(): Promise<void> {
    const title = 'ends when its input ends';
    const conversation = await Conversation.open(this.connect);
    conversation.endInput();
    const how = await conversation.ended(this.options.patience);
    if (how !== undefined) this.#right(title);
    else this.#wrong(title, { mistake: 'end-of-input', problem: 'it goes on without anybody to talk to' });
  }

  // ----------------------------------------------------------------------------------------------- one message

  /** Asks and waits for the answer. What is no answer is reported; when none comes at all the check is over. */
  async #ask(title: string, method: string, params?: object): Promise<Reply> {
    const conversation = this.#usable();
    const id = conversation.ask(method, params);
    const request = params === undefined ? method : `${method} ${JSON.stringify(params)}`;
    for (;;) {
      const heard = await conversation.hear(this.options.patience);
      const incoming = heard.kind === 'line' ? parseReply(heard.text, heard.number) : undefined;
      if (incoming !== undefined && 'reply' in incoming && incoming.id === id) {
        this.answered = true;
        return incoming.reply;
      }
      const finding = { ...explain(heard, id), request };
      this.#wrong(title, finding);
      // Text before an answer is passed over to find more; anything else makes the rest meaningless.
      if (finding.mistake !== 'text') throw new Unusable();
    }
  }

  #usable(): Conversation {
    if (this.#conversation === undefined) throw new Unusable();
    return this.#conversation;
  }

  /** Throws `AgainstSchema`. */
  #refuseBySchema(kind: MessageKind, result: unknown): void {
    const complaint = this.#schema.complaint(kind, result);
    if (complaint !== undefined) throw new AgainstSchema(complaint);
  }

  #right(title: string, note?: string): void {
    this.options.report({ title, ...(note === undefined ? {} : { note }) });
  }

  /** Reports a mistake, each kind once: the hundredth missing key teaches nothing. */
  #wrong(title: string, finding: Finding): void {
    this.mistakes++;
    if (this.#seen.has(finding.mistake)) return;
    this.#seen.add(finding.mistake);
    this.options.report({ title, finding });
  }
}

function explain(heard: Heard, id: number): Finding {
  switch (heard.kind) {
    case 'silence':
      return { mistake: 'silent', problem: `nothing came within ${heard.seconds} s` };
    case 'closed':
      return { mistake: 'died', problem: `it ${heard.how}` };
    case 'broken':
      return { mistake: 'text', problem: `in its standard output ${heard.problem}` };
    case 'line':
      return explainLine(heard.text, heard.number, id);
  }
}

function explainLine(text: string, number: number, id: number): Finding {
  const incoming = parseReply(text, number);
  if ('reply' in incoming) {
    return { mistake: 'wrong-id', problem: `the request had the id ${id}, the answer has ${incoming.id}` };
  }
  const { problem } = incoming;
  if (/^\s*[{[]/.test(text)) {
    const parsed = parseJson(text);
    if (parsed === undefined) return { mistake: 'several-lines', problem };
    if (isObject(parsed) && typeof parsed.id !== 'number') return { mistake: 'wrong-id', problem };
    return { mistake: 'shape', problem };
  }
  return { mistake: 'text', problem };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What the schema calls a result. A host that does not observe everything need not report everything. */
function kindOfResult(request: CaseRequest, declaration: Declaration): MessageKind {
  if (request.class === 'processor') return 'processorResult';
  return declaration.observes === undefined ? 'hostResult' : 'caseResult';
}

function isUnsupported(reply: { code: number }): boolean {
  return reply.code === ErrorCode.unsupported || reply.code === ErrorCode.methodNotFound;
}

/** What a host's answer reports, beside what `observes` leaves out. */
const HOST_STATE = ['regs', 'cpu', 'lg', 'gdt', 'idt', 'shadow', 'memory'] as const;

function checkCompleteness(
  request: CaseRequest,
  declaration: Declaration,
  state: Record<string, unknown>,
  step: number,
): void {
  // What a launcher reports of a boot is its console, not the state of a host.
  const isBoot = request.steps[step]?.op === 'boot';
  if (request.class === 'processor' || 'guests' in request.given || isBoot) return;
  for (const key of HOST_STATE) {
    const observed = declaration.observes?.some((path) => path.split('.')[0] === key) ?? true;
    if (observed && state[key] === undefined) {
      throw new WrongShape(`result.steps[${step}].state.${key}`, 'reported', undefined);
    }
  }
}

/** Whether the registers came back as they went, where a right answer would have changed them. */
function isEcho(request: CaseRequest, state: Record<string, unknown>): boolean {
  const given: Record<string, unknown> = { ...request.given };
  const compared = ['registers', 'regs', 'cpu', 'lg', 'gdt', 'idt', 'memory'];
  return compared.every((key) => !(key in given) || isDeepStrictEqual(given[key], state[key]));
}

function describe({ implementation, classes, profile }: Declaration): string {
  const language = implementation.language === undefined ? '' : ` (${implementation.language})`;
  const name = `${implementation.name} ${implementation.version}${language}`;
  return `${name}; ${classes.length > 1 ? 'classes' : 'class'} ${classes.join(', ')}; profile ${profile}`;
}

function describeReply(reply: Reply): string {
  if (reply.kind === 'error') return `it answers with error ${reply.code}: ${reply.message}`;
  return `it answers with the result ${show(reply.result)}`;
}
