// SPDX-License-Identifier: GPL-2.0-or-later

/** Decimal adjustments: DAA, DAS, AAA, AAS, AAM, AAD. */

import { EAX, readGeneral, writeGeneral } from '../cpu.js';
import { divideError } from '../exceptions.js';
import { AF, CF, PF, SF, setFlags, signZeroParity, ZF } from '../flags.js';
import type { Execute } from '../instruction.js';

const AL = EAX;
/** By its number as an operand of eight bits. */
const AH = 4;
const DECIMAL_FLAGS = CF | AF | SF | ZF | PF;

/** DAA and DAS: `sign` is the direction. */
function decimalAdjust(sign: 1 | -1): Execute {
  return (cpu) => {
    const before = readGeneral(cpu, AL, 1);
    const lowWrong = (before & 15) > 9 || (cpu.eflags & AF) !== 0;
    const highWrong = before > 0x99 || cpu.status.carry;
    let carry = highWrong;
    let value = before;
    if (lowWrong) {
      value += sign * 6;
      carry ||= value < 0;
    }
    if (highWrong) value += sign * 0x60;
    const result = value & 0xff;
    writeGeneral(cpu, AL, result, 1);
    setFlags(cpu, DECIMAL_FLAGS, (carry ? CF : 0) | (lowWrong ? AF : 0) | signZeroParity(result, 1));
  };
}

export const daa = decimalAdjust(1);
export const das = decimalAdjust(-1);

/** AAA and AAS: adjust AL and carry into AH. */
function asciiAdjust(sign: 1 | -1): Execute {
  return (cpu) => {
    const wrong = (readGeneral(cpu, AL, 1) & 15) > 9 || (cpu.eflags & AF) !== 0;
    if (wrong) {
      const accumulator = readGeneral(cpu, EAX, 2);
      writeGeneral(cpu, EAX, accumulator + sign * 6, 2);
      writeGeneral(cpu, AH, readGeneral(cpu, AH, 1) + sign, 1);
    }
    const result = readGeneral(cpu, AL, 1) & 15;
    writeGeneral(cpu, AL, result, 1);
    setFlags(cpu, DECIMAL_FLAGS, (wrong ? CF | AF : 0) | signZeroParity(result, 1));
  };
}

export const aaa = asciiAdjust(1);
export const aas = asciiAdjust(-1);

/** AAM: divides AL by the immediate, which is usually ten. */
export const aam: Execute = (cpu, instruction) => {
  const divisor = instruction.immediate;
  if (divisor === 0) throw divideError();
  const value = readGeneral(cpu, AL, 1);
  writeGeneral(cpu, AH, Math.floor(value / divisor), 1);
  writeGeneral(cpu, AL, cpu.status.logic(value % divisor, 1), 1);
};

/** AAD: AL becomes AH times the immediate plus AL. */
export const aad: Execute = (cpu, instruction) => {
  const value = readGeneral(cpu, AH, 1) * instruction.immediate + readGeneral(cpu, AL, 1);
  writeGeneral(cpu, EAX, cpu.status.logic(value & 0xff, 1), 2);
};
