// SPDX-License-Identifier: GPL-2.0-or-later

import type { Declaration, StepResult } from '../protocol.js';
import { type Limit, type MachineCase, observedRuns, Unsupported, withNullSegments } from './bare-machine.js';
import { builtProgram, type CProgram } from './c-program.js';
import type { Implementation } from './implementation.js';
import { MachineImplementation } from './machine-implementation.js';
import { type MachineReply, WIRE } from './machine-wire.js';

/** What one C program that speaks the language of machine-wire.h is. */
export interface CMachine {
  label: string;
  program: CProgram;
  declaration: Declaration;
  secondsForACase: number;
  limit: Limit;
  /** Throws `CannotStart` when this machine does not have what the program needs. */
  requirements?: () => Promise<void>;
  probe?: (ask: (given: MachineCase) => Promise<MachineReply>) => Promise<void>;
  /** The answer to a case that ended in an exception that the machine does not deliver. */
  composed?: (given: MachineCase, reply: MachineReply) => StepResult;
}

/** The room that the programs have for a case's memory. */
const MEMORY_BYTES = 0x10_0000;

/** An implementation that is such a program, built when it is first used. */
export function createCMachine(machine: CMachine): Implementation {
  const { label, secondsForACase, limit, probe, composed } = machine;
  return new MachineImplementation({
    label,
    memoryBytes: MEMORY_BYTES,
    secondsForACase,
    limit,
    dialogue: WIRE,
    find: async () => {
      await machine.requirements?.();
      return {
        command: { file: await builtProgram(machine.program), args: [] },
        declaration: machine.declaration,
      };
    },
    ...(probe === undefined ? {} : { probe }),
    answer: (reply, given) => ({ kind: 'result', result: { steps: [stepResult(reply, given, composed)] } }),
  });
}

function stepResult(reply: MachineReply, given: MachineCase, composed: CMachine['composed']): StepResult {
  if (reply.status === 'cannot') throw new Unsupported(reply.text);
  if (reply.status === 'exception') {
    if (composed === undefined) throw new Error('an exception that nobody delivers');
    return composed(given, reply);
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
