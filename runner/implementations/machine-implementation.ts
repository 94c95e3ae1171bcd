// SPDX-License-Identifier: GPL-2.0-or-later

import { CaseError } from '../cases/problem.js';
import { messageOf } from '../message-of.js';
import type { CaseRequest, Declaration } from '../protocol.js';
import { type Limit, type MachineCase, machineCase, Unsupported } from './bare-machine.js';
import type { Command } from './command.js';
import type { Answer, Implementation } from './implementation.js';
import { type Dialogue, MachineProcess, TookTooLong } from './machine-process.js';

/** What one program that runs cases on a machine of its own is, and how its replies are read. */
export interface MachineDescription<Reply> {
  label: string;
  /** The room that it has for a case's memory. */
  memoryBytes: number;
  secondsForACase: number;
  limit: Limit;
  dialogue: Dialogue<MachineCase, Reply>;
  /** Finds or builds it when it is first used; throws `CannotStart`. */
  find(): Promise<{ command: Command; declaration: Declaration }>;
  /** Says why it cannot be used after all, by throwing `CannotStart`. */
  probe?: (ask: (given: MachineCase) => Promise<Reply>) => Promise<void>;
  /** Throws `Unsupported` for what it cannot do. */
  answer(reply: Reply, given: MachineCase, request: CaseRequest): Answer;
}

/** An implementation that is such a program; when it dies or hangs, the case at hand is blamed, and it is started again. */
export class MachineImplementation<Reply> implements Implementation {
  readonly label: string;
  readonly window = 1;
  #command: Command | undefined;
  #process: MachineProcess<MachineCase, Reply> | undefined;

  constructor(private readonly description: MachineDescription<Reply>) {
    this.label = description.label;
  }

  async start(): Promise<Declaration> {
    const { command, declaration } = await this.description.find();
    this.#command = command;
    try {
      await this.description.probe?.((given) => this.#ask(given));
    } catch (error) {
      await this.stop();
      throw error;
    }
    return declaration;
  }

  async run(request: CaseRequest): Promise<Answer> {
    try {
      const given = machineCase(request, this.description.memoryBytes, this.description.limit);
      return this.description.answer(await this.#ask(given), given, request);
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

  #ask(given: MachineCase): Promise<Reply> {
    if (this.#command === undefined) throw new Error(`${this.label} has not been started`);
    const { dialogue, secondsForACase } = this.description;
    this.#process ??= new MachineProcess(this.#command, dialogue, secondsForACase);
    return this.#process.ask(given);
  }
}
