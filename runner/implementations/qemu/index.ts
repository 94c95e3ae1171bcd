// SPDX-License-Identifier: GPL-2.0-or-later

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf } from '../../message-of.js';
import { type CaseRequest, type CaseResult, type Declaration, PROTOCOL_VERSION } from '../../protocol.js';
import { Unsupported } from '../bare-machine.js';
import { type Answer, CannotStart, type Implementation } from '../implementation.js';
import { CaseRunner, TIME_LIMIT_SECONDS } from './case-runner.js';
import { Machine } from './machine.js';
import { Stuck } from './qmp.js';
import { processorRequest } from './request.js';

export interface QemuOptions {
  /** The program; default: the environment variable LGUEST_CONFORMANCE_QEMU, else `qemu-system-i386` in PATH. */
  binary?: string;
  /** How long a case may run before its outcome is `limit`; default 1 second. */
  timeLimitSeconds?: number;
  /** Multiplies the time limit; default 1. */
  timeoutFactor?: number;
}

/** As measured; every choice that is not here has its first value. */
const CHOICES = {
  accessed_on_fault: 'directory',
  cmps_order: 'destination_first',
  enter_fault: 'stored',
  global_translation: 'dropped',
  popa_fault: 'popped',
};

/**
 * QEMU's code translator (TCG) as an implementation of class processor. One QEMU serves all cases; when it dies or
 * hangs, the case at hand gets the blame and the next one a fresh QEMU.
 */
export function createQemu(options: QemuOptions = {}): Implementation {
  return new Qemu(options);
}

class Qemu implements Implementation {
  readonly label = 'qemu';
  readonly window = 1;
  readonly #binary: string;
  readonly #timeLimit: number;
  #runner: CaseRunner | undefined;
  /** Requests are carried out one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: QemuOptions) {
    this.#binary = options.binary ?? process.env.LGUEST_CONFORMANCE_QEMU ?? 'qemu-system-i386';
    this.#timeLimit = (options.timeLimitSeconds ?? TIME_LIMIT_SECONDS) * (options.timeoutFactor ?? 1);
  }

  async start(): Promise<Declaration> {
    const version = await versionOf(this.#binary);
    try {
      this.#runner = new CaseRunner(await Machine.start(this.#binary), this.#timeLimit);
    } catch (error) {
      const said = messageOf(error);
      throw new CannotStart(
        `QEMU ${version} does not start: ${said}`,
        'the machine needs the types microvm and memory-backend-file, and system management mode in TCG (QEMU 7.0 or later)',
      );
    }
    return {
      protocol_version: PROTOCOL_VERSION,
      implementation: { name: 'qemu-tcg', version, language: 'C', homepage: 'https://www.qemu.org' },
      classes: ['processor'],
      profile: 'linux-2.6.29',
      observes: ['registers', 'memory'],
      choices: CHOICES,
    };
  }

  run(request: CaseRequest): Promise<Answer> {
    const answer = this.#last.then(() => this.#answer(request));
    this.#last = answer;
    return answer;
  }

  async stop(): Promise<void> {
    await this.#last;
    await this.#runner?.machine.stop();
    this.#runner = undefined;
  }

  async #answer(request: CaseRequest): Promise<Answer> {
    try {
      this.#runner ??= new CaseRunner(await Machine.start(this.#binary), this.#timeLimit);
      const result: CaseResult = await this.#runner.run(processorRequest(request));
      return { kind: 'result', result };
    } catch (error) {
      if (error instanceof Unsupported) return { kind: 'unsupported', reason: error.message };
      return this.#abandon(error);
    }
  }

  /** The machine cannot go on: the next case gets a new one. */
  async #abandon(error: unknown): Promise<Answer> {
    const machine = this.#runner?.machine;
    this.#runner = undefined;
    await machine?.stop();
    const stderr = machine?.stderr ?? '';
    if (error instanceof Stuck) return { kind: 'timeout', seconds: error.seconds, stderr };
    return { kind: 'crashed', how: messageOf(error), stderr };
  }
}

async function versionOf(binary: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(binary, ['--version']);
    return /version (\S+)/.exec(stdout)?.[1] ?? stdout.trim();
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new CannotStart(
      missing ? `${binary} was not found` : `${binary} --version failed: ${String(error)}`,
      'apt-get install qemu-system-x86 (or name the program in LGUEST_CONFORMANCE_QEMU)',
    );
  }
}
