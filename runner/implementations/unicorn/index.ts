// SPDX-License-Identifier: GPL-2.0-or-later

import { CaseError } from '../../cases/problem.js';
import { messageOf } from '../../message-of.js';
import { type CaseRequest, type Declaration, PROTOCOL_VERSION, type StepResult } from '../../protocol.js';
import {
  type MachineCase,
  machineCase,
  observedRuns,
  Unsupported,
  withNullSegments,
} from '../bare-machine.js';
import { builtProgram } from '../c-program.js';
import type { Answer, Implementation } from '../implementation.js';
import { MachineProcess, TookTooLong } from '../machine-process.js';
import { composeDelivery } from './compose.js';

const MEMORY_BYTES = 0x10_0000;
const SECONDS_FOR_A_CASE = 10;

/** As measured; every choice that is not here has its first value. */
const CHOICES = {};

/** The Unicorn engine, a library made of QEMU's code translator, driven by a C program that is built here. */
export function createUnicorn(options: { timeoutFactor?: number } = {}): Implementation {
  return new Unicorn(SECONDS_FOR_A_CASE * (options.timeoutFactor ?? 1));
}

class Unicorn implements Implementation {
  readonly label = 'unicorn';
  readonly window = 1;
  #program = '';
  #process: MachineProcess | undefined;

  constructor(private readonly secondsForACase: number) {}

  async start(): Promise<Declaration> {
    this.#program = await builtProgram({
      source: 'unicorn/unicorn.c',
      headers: ['machine-wire.h'],
      flags: ['-O1'],
      libraries: ['-lunicorn'],
      cure:
        'install a C compiler and the Unicorn engine, version 2.0: "apt-get install gcc libunicorn-dev" on Debian and ' +
        'Ubuntu, "dnf install gcc unicorn-devel" on Fedora',
    });
    return {
      protocol_version: PROTOCOL_VERSION,
      implementation: {
        name: 'unicorn',
        version: '2.0',
        language: 'C',
        homepage: 'https://www.unicorn-engine.org',
      },
      classes: ['processor'],
      profile: 'linux-2.6.29',
      features: [
        'exceptions are reported by the engine; their delivery through the IDT is composed from the case',
      ],
      choices: CHOICES,
    };
  }

  async run(request: CaseRequest): Promise<Answer> {
    this.#process ??= new MachineProcess(this.#program, this.secondsForACase);
    const running = this.#process;
    try {
      const given = machineCase(request, MEMORY_BYTES);
      return { kind: 'result', result: { steps: [await runStep(running, given)] } };
    } catch (error) {
      if (error instanceof Unsupported || error instanceof CaseError) {
        return { kind: 'unsupported', reason: error.message };
      }
      this.#process = undefined;
      const { stderr } = running;
      if (error instanceof TookTooLong) return { kind: 'timeout', seconds: error.seconds, stderr };
      return { kind: 'crashed', how: messageOf(error), stderr };
    }
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
    this.#process = undefined;
  }
}

async function runStep(running: MachineProcess, given: MachineCase): Promise<StepResult> {
  const [instructions, ...others] = given.steps;
  if (instructions === undefined || others.length > 0) throw new Unsupported('more than one step');
  const reply = await running.run(given, instructions);
  switch (reply.status) {
    case 'cannot':
      throw new Unsupported(reply.text);
    case 'exception':
      return composeDelivery(given, reply);
    case 'hlt':
    case 'limit':
    case 'shutdown':
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
