// SPDX-License-Identifier: GPL-2.0-or-later

/** What x87, MMX and SSE share: WAIT, EMMS, and which of them a byte of code is. */

import { CR0, CR4 } from '../cpu.js';
import { deviceNotAvailable, invalidOpcode } from '../exceptions.js';
import type { Execute, Instruction } from '../instruction.js';
import { NotModelled } from '../interface.js';
import { requireMmx } from './mmx.js';
import { reportPending } from './x87.js';

export { emms } from './mmx.js';

/** WAIT: FPU-2, then FP-9. */
export const wait: Execute = (cpu) => {
  const both = CR0.MP | CR0.TS;
  if ((cpu.cr0 & both) === both) throw deviceNotAvailable();
  reportPending(cpu);
};

/** An SSE instruction: the system must have declared that it saves the registers (CR4.OSFXSR), FPU-9. */
export const sse: Execute = (cpu) => {
  if ((cpu.cr0 & CR0.EM) !== 0 || (cpu.cr4 & CR4.OSFXSR) === 0) throw invalidOpcode();
  if ((cpu.cr0 & CR0.TS) !== 0) throw deviceNotAvailable();
  throw new NotModelled('SSE');
};

/** What SSE added to the instructions on MMX registers. */
export const sseOnMmx: Execute = (cpu) => {
  requireMmx(cpu);
  throw new NotModelled('an instruction that SSE added to MMX');
};

/** MMX without a prefix, SSE2 with one. */
export function unlessPrefixed(mmx: Execute): Execute {
  return (cpu, instruction) => (isPrefixed(instruction) ? sse : mmx)(cpu, instruction);
}

/** Whether the instruction has a prefix 66h, F2h or F3h. */
function isPrefixed({ repeat, operandSize, code32 }: Instruction): boolean {
  return repeat !== 'none' || (operandSize === 4) !== code32;
}
