// SPDX-License-Identifier: GPL-2.0-or-later

/** IN and OUT: IO-5 to IO-7. INS and OUTS are with the strings. */

import type { Cpu } from '../cpu.js';
import { notePort } from '../debugging.js';
import type { Execute } from '../instruction.js';
import type { PortSize } from '../interface.js';
import { readOperand, writeOperand } from '../operands.js';
import { checkPortAccess } from '../task-state.js';

/** Reads a port that has been found permitted. */
export function readPort(cpu: Cpu, port: number, size: PortSize): number {
  if (cpu.debugArmed !== 0) notePort(cpu, port, size);
  return cpu.ports.read(port, size);
}

/** Writes a port that has been found permitted. */
export function writePort(cpu: Cpu, port: number, size: PortSize, value: number): void {
  if (cpu.debugArmed !== 0) notePort(cpu, port, size);
  cpu.ports.write(port, size, value);
}

export const in_: Execute = (cpu, instruction) => {
  const { first, second } = instruction;
  const port = readOperand(cpu, instruction, second);
  checkPortAccess(cpu, port, first.size);
  writeOperand(cpu, instruction, first, readPort(cpu, port, first.size));
};

export const out: Execute = (cpu, instruction) => {
  const { first, second } = instruction;
  const port = readOperand(cpu, instruction, first);
  checkPortAccess(cpu, port, second.size);
  writePort(cpu, port, second.size, readOperand(cpu, instruction, second));
};
