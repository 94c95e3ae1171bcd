// SPDX-License-Identifier: GPL-2.0-or-later

import { readLinear32 } from '../../expand/descriptors.js';
import { deliver } from '../../expand/exception.js';
import { MemoryImage } from '../../expand/image.js';
import type { ProcessorRegisters, SegmentRegister, StepResult } from '../../protocol.js';
import {
  type MachineCase,
  observedRuns,
  refuseToCount,
  Unsupported,
  withNullSegments,
} from '../bare-machine.js';
import type { MachineReply } from '../machine-wire.js';
import { clip, refuseOtherDeliveries } from '../native/compose.js';

/** What the engine reports with an error code; #DF is made by a delivery, and the engine makes none. */
const WITH_ERROR_CODE: ReadonlySet<number> = new Set([10, 11, 12, 13, 14, 17]);
const PAGE_FAULT = 14;

/**
 * The answer to a case that ended in an exception. Unicorn reports its number, error code and the registers at it; what
 * the case's gate then does with it is derived as spec/writing-cases.md says, and the outcome says so. Throws
 * `Unsupported` where a processor would find more on the way than the derivation knows.
 */
export function composeDelivery(given: MachineCase, reply: MachineReply): StepResult {
  const { vector, errorCode, isInt } = reply;
  for (const allowed of given.steps) refuseToCount(allowed);
  const atFault = withNullSegments(reply.registers);
  const memory = MemoryImage.of(observedRuns(reply.memory, [[0, reply.memory.length]]));
  if (isInt) requirePermission(vector, atFault, memory);
  const hasCode = !isInt && WITH_ERROR_CODE.has(vector);
  const after = deliver(
    {
      vector,
      eip: atFault.eip,
      ...(isInt ? { eflags: atFault.eflags } : {}),
      ...(vector === PAGE_FAULT ? { cr2: atFault.cr2 } : {}),
      ...(hasCode ? { error_code: errorCode } : {}),
    },
    atFault,
    memory,
    { frameSelector: 'zero_extended' },
  );
  if (levelOf(after.registers.cs) > levelOf(atFault.ss)) {
    throw new Unsupported('a handler of an outer level: the engine does not look at gates');
  }
  refuseOtherDeliveries(after.registers, after.memory);
  return {
    outcome: { stop: 'hlt', composed: true },
    state: {
      registers: after.registers,
      memory: clip(
        after.memory.runs(),
        given.observed.map(([at, length]) => [at, length]),
      ),
      io: reply.io,
    },
    events: [],
  };
}

const levelOf = ({ attributes }: SegmentRegister): number => (attributes >>> 5) & 3;

/** INT n looks at the privilege level of its gate, which the engine does not. */
function requirePermission(vector: number, registers: ProcessorRegisters, memory: MemoryImage): void {
  const gate = registers.idtr.base + 8 * vector;
  const isBeyond = 8 * vector + 7 > registers.idtr.limit;
  const level = isBeyond ? 0 : (readLinear32(gate + 4, registers, memory) >>> 13) & 3;
  if (isBeyond || level < levelOf(registers.ss)) {
    throw new Unsupported('INT n whose gate refuses it: the engine does not look at gates');
  }
}
