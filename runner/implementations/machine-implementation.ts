// SPDX-License-Identifier: GPL-2.0-or-later

import { CaseError } from '../cases/problem.js';
import { messageOf } from '../message-of.js';
import type { CaseRequest, Declaration, StepResult } from '../protocol.js';
import {
  type MachineCase,
  machineCase,
  observedRuns,
  Unsupported,
  withNullSegments,
} from './bare-machine.js';
import { builtProgram, type CProgram } from './c-program.js';
import type { Answer, Implementation } from './implementation.js';
import { MachineProcess, TookTooLong } from './machine-process.js';
import type { MachineReply } from './machine-wire.js';

/** What one C program that speaks the language of machine-wire.h is, and how its answers are read. */
export interface MachineDescription {
  label: string;
  program: CProgram;
  declaration: Declaration;
  secondsForACase: number;
  /** Says why it cannot be used after all, by throwing `CannotStart`. */
  probe?: (run: (given: MachineCase) => Promise<StepResult>) => Promise<void>;
  /** The answer to a case that ended in an exception that the machine does not deliver. */
  composed?: (given: MachineCase, reply: MachineReply) => StepResult;
}

/** The room that the programs have for a case's memory. */
const MEMORY_BYTES = 0x10_0000;

/** An implementation that is such a program, built when it is first used; it is started again when it dies. */
export class MachineImplementation implements Implementation {
  readonly label: string;
  readonly window = 1;
  #program = '';
  #process: MachineProcess | undefined;

  constructor(private readonly description: MachineDescription) {
    this.label = description.label;
  }

  async start(): Promise<Declaration> {
    const { program, probe, declaration } = this.description;
    this.#program = await builtProgram(program);
    await probe?.((given) => this.#runStep(given));
    return declaration;
  }

  async run(request: CaseRequest): Promise<Answer> {
    try {
      const given = machineCase(request, MEMORY_BYTES);
      return { kind: 'result', result: { steps: [await this.#runStep(given)] } };
    } catch (error) {
      if (error instanceof Unsupported || error instanceof CaseError) {
        return { kind: 'unsupported', reason: error.message };
      }
      const stderr = this.#process?.stderr ?? '';
      this.#process = undefined;
      if (error instanceof TookTooLong) return { kind: 'timeout', seconds: error.seconds, stderr };
      return { kind: 'crashed', how: messageOf(error), stderr };
    }
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
    this.#process = undefined;
  }

  async #runStep(given: MachineCase): Promise<StepResult> {
    const [instructions, ...others] = given.steps;
    if (instructions === undefined || others.length > 0) throw new Unsupported('more than one step');
    this.#process ??= new MachineProcess(this.#program, this.description.secondsForACase);
    const reply = await this.#process.run(given, instructions);
    if (reply.status === 'cannot') throw new Unsupported(reply.text);
    if (reply.status === 'exception') {
      if (this.description.composed === undefined) throw new Error('an exception that nobody delivers');
      return this.description.composed(given, reply);
    }
    return {
      outcome: { stop: reply.status },
      state: {
        registers: withNullSegments(reply.registers),
        memory: observedRuns(reply.memory, given.observed),
        io: reply.io,
      },
      events: [],
    };
  }
}
