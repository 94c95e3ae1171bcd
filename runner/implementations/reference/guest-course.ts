// SPDX-License-Identifier: GPL-2.0-or-later

/** What a guest's code does on the reference, moment by moment, for who wants to know where two runs part. */

import type {
  InstructionTrace,
  InterruptionTrace,
  Registers,
} from '../../../reference/processor/interface.js';
import { type CaseRequest, type CaseResult, GENERAL_REGISTERS, type Profile } from '../../protocol.js';
import { runSystemCase } from './system.js';

/** An instruction of the guest that begins, with the registers as it finds them. */
export interface Begun extends InstructionTrace {
  kind: 'instruction';
  registers: Readonly<Record<string, number>>;
}

/** An exception or interrupt that leaves the guest. */
export interface Interrupted extends InterruptionTrace {
  kind: 'interruption';
}

export type Moment = Begun | Interrupted;

/** Runs a case of class system; what host and Switcher do is left out. Throws what the reference throws. */
export function followGuest(
  request: CaseRequest,
  profile: Profile,
): { moments: Moment[]; result: CaseResult } {
  const moments: Moment[] = [];
  const processor = {
    instruction(trace: InstructionTrace, registers: () => Registers): void {
      if (trace.cpl === 0) return;
      moments.push({ kind: 'instruction', ...trace, registers: valuesOf(registers()) });
    },
    interruption(trace: InterruptionTrace): void {
      if (trace.cpl !== 0) moments.push({ kind: 'interruption', ...trace });
    },
  };
  const result = runSystemCase(request, profile, 'whole', { processor });
  return { moments, result };
}

const valuesOf = (registers: Registers): Record<string, number> =>
  Object.fromEntries([...GENERAL_REGISTERS, 'eflags' as const].map((name) => [name, registers[name]]));
