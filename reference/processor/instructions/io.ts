// SPDX-License-Identifier: GPL-2.0-or-later

/** IN and OUT: IO-5 to IO-7. INS and OUTS are with the strings. */

import type { Execute } from '../instruction.js';
import { readOperand, writeOperand } from '../operands.js';
import { checkPortAccess } from '../task-state.js';

export const in_: Execute = (cpu, instruction) => {
  const { first, second } = instruction;
  const port = readOperand(cpu, instruction, second);
  checkPortAccess(cpu, port, first.size);
  writeOperand(cpu, instruction, first, cpu.ports.read(port, first.size));
};

export const out: Execute = (cpu, instruction) => {
  const { first, second } = instruction;
  const port = readOperand(cpu, instruction, first);
  checkPortAccess(cpu, port, second.size);
  cpu.ports.write(port, second.size, readOperand(cpu, instruction, second));
};
