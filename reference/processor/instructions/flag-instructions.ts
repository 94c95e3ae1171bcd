// SPDX-License-Identifier: GPL-2.0-or-later

/** Instructions that set and clear single flags: EX-19, SYS-17. */

import { EAX, readGeneral, writeGeneral } from '../cpu.js';
import { AF, CF, DF, FIXED_ONE, IF, PF, SF, setFlag, setFlags, ZF } from '../flags.js';
import type { Execute } from '../instruction.js';
import { changeInterruptFlag } from '../virtual-8086.js';

/** By its number as an operand of eight bits. */
const AH = 4;
const AH_FLAGS = SF | ZF | AF | PF | CF;

export const clc: Execute = (cpu) => setFlag(cpu, CF, false);
export const stc: Execute = (cpu) => setFlag(cpu, CF, true);
export const cmc: Execute = (cpu) => setFlag(cpu, CF, !cpu.status.carry);
export const cld: Execute = (cpu) => setFlag(cpu, DF, false);
export const std: Execute = (cpu) => setFlag(cpu, DF, true);

export const lahf: Execute = (cpu) => writeGeneral(cpu, AH, (cpu.eflags & AH_FLAGS) | FIXED_ONE, 1);
export const sahf: Execute = (cpu) => setFlags(cpu, AH_FLAGS, readGeneral(cpu, AH, 1));

/** SALC (D6h): AL becomes FFh or 0 as CF says. */
export const salc: Execute = (cpu) => writeGeneral(cpu, EAX, cpu.status.carry ? 0xff : 0, 1);

export const cli: Execute = (cpu) => changeInterruptFlag(cpu, false);

/** STI: the instruction after it is still executed before an interrupt is taken (GATE-28). */
export const sti: Execute = (cpu) => {
  const disabled = (cpu.systemFlags & IF) === 0;
  changeInterruptFlag(cpu, true);
  cpu.interruptShadow = disabled;
};
