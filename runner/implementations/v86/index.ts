// SPDX-License-Identifier: GPL-2.0-or-later

import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../message-of.js';
import { type CaseRequest, isObject, PROTOCOL_VERSION } from '../../protocol.js';
import type { MachineCase } from '../bare-machine.js';
import type { Command } from '../command.js';
import { type Answer, CannotStart, type Implementation } from '../implementation.js';
import { MachineImplementation } from '../machine-implementation.js';
import type { Dialogue } from '../machine-process.js';
import { WITHOUT_ATTRIBUTES } from '../observed.js';
import { readRegisters } from '../registers.js';
import { checkCaseResult } from '../stdio/check-reply.js';
import { RAM_BYTES } from './engine.js';
import { v86Package } from './package-folder.js';

export interface V86Options {
  /** Multiplies the time limit; default 1. */
  timeoutFactor?: number;
  /** Translate what runs often; default false. */
  jit?: boolean;
}

const SECONDS_FOR_A_CASE = 10;

/** As measured; every choice that is not here has its first value. */
const CHOICES = { pushed_selector: 'unchanged' };

/**
 * The processor of v86, the emulator that runs in a browser, without the rest of its PC; the npm package v86. It runs in a
 * process of its own (child.ts), because nothing can stop WebAssembly that has lost its way.
 */
export function createV86({ timeoutFactor = 1, jit = false }: V86Options = {}): Implementation {
  return new MachineImplementation({
    label: 'v86',
    memoryBytes: RAM_BYTES,
    limit: 'time',
    secondsForACase: SECONDS_FOR_A_CASE * timeoutFactor,
    dialogue: LINES,
    find: async () => {
      const { version, module } = v86Package();
      return {
        command: childCommand(module, jit),
        declaration: {
          protocol_version: PROTOCOL_VERSION,
          implementation: { name: 'v86', version, language: 'Rust', homepage: 'https://github.com/copy/v86' },
          classes: ['processor'],
          profile: 'linux-2.6.29',
          observes: [...WITHOUT_ATTRIBUTES],
          choices: CHOICES,
        },
      };
    },
    probe,
    answer: answerOf,
  });
}

/** One line of JSON each way. */
const LINES: Dialogue<MachineCase, unknown> = {
  encode: (given) => Buffer.from(`${JSON.stringify(given)}\n`),
  decode: (bytes) => {
    const length = bytes.indexOf('\n') + 1;
    return length === 0 ? undefined : { reply: JSON.parse(bytes.toString('utf8', 0, length)), length };
  },
};

/** This file is TypeScript in the repository and JavaScript in the package, and child.ts is what it is. */
function childCommand(module: string, jit: boolean): Command {
  const extension = extname(import.meta.url);
  const loader = extension === '.ts' ? ['--import', import.meta.resolve('tsx')] : [];
  const child = fileURLToPath(new URL(`./child${extension}`, import.meta.url));
  return { file: process.execPath, args: [...loader, child, module, ...(jit ? ['jit'] : [])] };
}

/** HLT at address 0, in real mode. */
const SMALLEST_CASE: MachineCase = {
  registers: readRegisters({
    word: () => 0,
    segment: () => ({ selector: 0, base: 0, limit: 0xffff, attributes: 0x93 }),
    table: () => ({ base: 0, limit: 0x3ff }),
  }),
  memorySize: 1,
  memory: [{ at: 0, hex: 'f4' }],
  io: [],
  steps: [1],
  observed: [],
};

async function probe(ask: (given: MachineCase) => Promise<unknown>): Promise<void> {
  try {
    await ask(SMALLEST_CASE);
  } catch (error) {
    throw new CannotStart(
      `v86 cannot be loaded: ${messageOf(error)}`,
      'npm install v86@0.5.462, the version that this was made for',
    );
  }
}

function answerOf(reply: unknown, _given: MachineCase, request: CaseRequest): Answer {
  if (isObject(reply) && typeof reply.panic === 'string') {
    return { kind: 'crashed', how: `v86 panicked: ${reply.panic}`, stderr: String(reply.said) };
  }
  return { kind: 'result', result: checkCaseResult(request, reply) };
}
