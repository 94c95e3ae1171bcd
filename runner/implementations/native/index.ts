// SPDX-License-Identifier: GPL-2.0-or-later

import { CaseError } from '../../cases/problem.js';
import { messageOf } from '../../message-of.js';
import { suiteVersion } from '../../package.js';
import type { CaseRequest, Declaration } from '../../protocol.js';
import { PROTOCOL_VERSION } from '../../protocol.js';
import { Unsupported } from '../bare-machine.js';
import { type Answer, CannotStart, type Implementation } from '../implementation.js';
import { builtProgram } from './build.js';
import { measuredChoices } from './choices.js';
import { compose } from './compose.js';
import { NativeProcess } from './native-process.js';
import { plan } from './plan.js';

/** The CPU under this machine, for cases that live at privilege level 3. Linux on x86 only. */
export function createNative(): Implementation {
  return new NativeImplementation();
}

class NativeImplementation implements Implementation {
  readonly label = 'native';
  readonly window = 16;
  #program = '';
  #process: NativeProcess | undefined;

  async start(): Promise<Declaration> {
    if (process.platform !== 'linux' || !['x64', 'ia32'].includes(process.arch)) {
      throw new CannotStart(
        `native runs machine code of 32-bit x86 under Linux; this is ${process.platform} on ${process.arch}`,
        'use --impl reference or --impl qemu',
      );
    }
    this.#program = await builtProgram();
    const running = await this.#running().catch(cannotRun);
    const { hello } = running;
    if (hello.lowestPage > LOWEST_USEFUL_PAGE) {
      throw new CannotStart(
        `addresses below ${hello.lowestPage} cannot be mapped, and the cases have their code there`,
        'run as root, or allow it with "sysctl vm.mmap_min_addr=4096"',
      );
    }
    return {
      protocol_version: PROTOCOL_VERSION,
      implementation: { name: 'native', version: suiteVersion().version, language: 'C' },
      classes: ['processor'],
      profile: 'linux-2.6.29',
      operations: ['run'],
      features: [
        'privilege level 3 is measured; the delivery to privilege level 0 is composed from the case',
      ],
      choices: { ...(await measuredChoices(running)), ...COMPOSED_CHOICES },
    };
  }

  async run(request: CaseRequest): Promise<Answer> {
    try {
      const running = await this.#running();
      const planned = plan(request, running.hello);
      const result = await running.run(planned.native);
      return { kind: 'result', result: { steps: [compose(request, planned, result)] } };
    } catch (error) {
      if (error instanceof Unsupported) return { kind: 'unsupported', reason: error.message };
      if (error instanceof CaseError) return { kind: 'unsupported', reason: error.message };
      if (this.#process?.ended === true) this.#process = undefined;
      const how = messageOf(error);
      return { kind: 'crashed', how, stderr: '' };
    }
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
    this.#process = undefined;
  }

  async #running(): Promise<NativeProcess> {
    this.#process ??= new NativeProcess(this.#program);
    await this.#process.started;
    return this.#process;
  }
}

function cannotRun(error: unknown): never {
  throw new CannotStart(
    messageOf(error),
    'a 32-bit program must be able to run here: the kernel needs IA32 emulation, modify_ldt and memfd_create',
  );
}

/** What compose.ts does where the architecture leaves a freedom. */
const COMPOSED_CHOICES = { frame_selector: 'zero_extended', accessed_on_fault: 'unchanged' };

/** Cases of the suite begin with tables at 1000h. */
const LOWEST_USEFUL_PAGE = 0x1000;
