// SPDX-License-Identifier: GPL-2.0-or-later

/** The escape opcodes D8h to DFh: the tables of chapter 25, FP-3. */

import { FAMILY_6 } from '../cpuid.js';
import type { Execute } from '../instruction.js';
import * as arithmetic from '../instructions/x87-arithmetic.js';
import * as control from '../instructions/x87-control.js';
import * as data from '../instructions/x87-data.js';
import * as transcendental from '../instructions/x87-transcendental.js';
import { type EscapeGroup, type Opcode, type OpcodeMap, opcode, since } from '../operand-codes.js';

/** With a memory operand. */
const m = (mnemonic: string, execute: Execute): Opcode => opcode(mnemonic, ['M'], execute);
/** Between registers. */
const r = (mnemonic: string, execute: Execute): Opcode => opcode(mnemonic, [], execute);
/** Between registers, since family 6. */
const r6 = (mnemonic: string, execute: Execute): Opcode => since(FAMILY_6, r(mnemonic, execute));

const { withNumber, compareNumber, toTop, toRegister, toRegisterAndPop } = arithmetic;

/** The eight arithmetic instructions with a number in memory, in the order of ModRM.reg. */
const withMemoryRow = (prefix: string, read: data.ReadNumber): Opcode[] => [
  m(`${prefix}ADD`, withNumber(arithmetic.add, read)),
  m(`${prefix}MUL`, withNumber(arithmetic.multiply, read)),
  m(`${prefix}COM`, compareNumber(read, 0)),
  m(`${prefix}COMP`, compareNumber(read, 1)),
  m(`${prefix}SUB`, withNumber(arithmetic.subtract, read)),
  m(`${prefix}SUBR`, withNumber(arithmetic.subtractReversed, read)),
  m(`${prefix}DIV`, withNumber(arithmetic.divide, read)),
  m(`${prefix}DIVR`, withNumber(arithmetic.divideReversed, read)),
];

const behind = (memory: EscapeGroup['memory'], register: EscapeGroup['register']): EscapeGroup => ({
  memory,
  register,
});

export const x87Opcodes: OpcodeMap = {
  216: behind(withMemoryRow('F', data.readSingle), [
    r('FADD', toTop(arithmetic.add)),
    r('FMUL', toTop(arithmetic.multiply)),
    r('FCOM', arithmetic.fcom),
    r('FCOMP', arithmetic.fcomp),
    r('FSUB', toTop(arithmetic.subtract)),
    r('FSUBR', toTop(arithmetic.subtractReversed)),
    r('FDIV', toTop(arithmetic.divide)),
    r('FDIVR', toTop(arithmetic.divideReversed)),
  ]),

  217: behind(
    [
      m('FLD', data.loadConverted(data.readSingle)),
      undefined,
      m('FST', data.fstSingle),
      m('FSTP', data.fstpSingle),
      m('FLDENV', control.fldenv),
      m('FLDCW', control.fldcw),
      m('FNSTENV', control.fnstenv),
      m('FNSTCW', control.fnstcw),
    ],
    [
      r('FLD', data.fldRegister),
      r('FXCH', data.fxch),
      [r('FNOP', data.fnop)],
      r('FSTP1', data.fstp1),
      [
        r('FCHS', arithmetic.fchs),
        r('FABS', arithmetic.fabs),
        undefined,
        undefined,
        r('FTST', arithmetic.ftst),
        r('FXAM', arithmetic.fxam),
      ],
      [
        r('FLD1', data.fld1),
        r('FLDL2T', data.fldl2t),
        r('FLDL2E', data.fldl2e),
        r('FLDPI', data.fldpi),
        r('FLDLG2', data.fldlg2),
        r('FLDLN2', data.fldln2),
        r('FLDZ', data.fldz),
      ],
      [
        r('F2XM1', transcendental.f2xm1),
        r('FYL2X', transcendental.fyl2x),
        r('FPTAN', transcendental.fptan),
        r('FPATAN', transcendental.fpatan),
        r('FXTRACT', arithmetic.fxtract),
        r('FPREM1', arithmetic.fprem1),
        r('FDECSTP', data.fdecstp),
        r('FINCSTP', data.fincstp),
      ],
      [
        r('FPREM', arithmetic.fprem),
        r('FYL2XP1', transcendental.fyl2xp1),
        r('FSQRT', arithmetic.fsqrt),
        r('FSINCOS', transcendental.fsincos),
        r('FRNDINT', arithmetic.frndint),
        r('FSCALE', arithmetic.fscale),
        r('FSIN', transcendental.fsin),
        r('FCOS', transcendental.fcos),
      ],
    ],
  ),

  218: behind(withMemoryRow('FI', data.readInt32), [
    r6('FCMOVB', data.fcmovb),
    r6('FCMOVE', data.fcmove),
    r6('FCMOVBE', data.fcmovbe),
    r6('FCMOVU', data.fcmovu),
    undefined,
    [undefined, r('FUCOMPP', arithmetic.fucompp)],
    undefined,
    undefined,
  ]),

  219: behind(
    [
      m('FILD', data.loadAsIs(data.readInt32)),
      undefined,
      m('FIST', data.fist32),
      m('FISTP', data.fistp32),
      undefined,
      m('FLD', data.loadAsIs(data.readExtended)),
      undefined,
      m('FSTP', data.fstpExtended),
    ],
    [
      r6('FCMOVNB', data.fcmovnb),
      r6('FCMOVNE', data.fcmovne),
      r6('FCMOVNBE', data.fcmovnbe),
      r6('FCMOVNU', data.fcmovnu),
      [
        r('FNENI', control.nothing),
        r('FNDISI', control.nothing),
        r('FNCLEX', control.fnclex),
        r('FNINIT', control.fninit),
        r('FNSETPM', control.nothing),
      ],
      r6('FUCOMI', arithmetic.fucomi),
      r6('FCOMI', arithmetic.fcomi),
      undefined,
    ],
  ),

  // The reversed forms of SUB and DIV change places where ST(i) is the destination. FCOM2, FCOMP3, FXCH4, FCOMP5, FXCH7,
  // FSTP1, FSTP8 and FSTP9 of the old manuals are second encodings.
  220: behind(withMemoryRow('F', data.readDouble), [
    r('FADD', toRegister(arithmetic.add)),
    r('FMUL', toRegister(arithmetic.multiply)),
    r('FCOM2', arithmetic.fcom),
    r('FCOMP3', arithmetic.fcomp),
    r('FSUBR', toRegister(arithmetic.subtractReversed)),
    r('FSUB', toRegister(arithmetic.subtract)),
    r('FDIVR', toRegister(arithmetic.divideReversed)),
    r('FDIV', toRegister(arithmetic.divide)),
  ]),

  221: behind(
    [
      m('FLD', data.loadConverted(data.readDouble)),
      undefined,
      m('FST', data.fstDouble),
      m('FSTP', data.fstpDouble),
      m('FRSTOR', control.frstor),
      undefined,
      m('FNSAVE', control.fnsave),
      m('FNSTSW', control.fnstsw),
    ],
    [
      r('FFREE', data.ffree),
      r('FXCH4', data.fxch),
      r('FST', data.fstRegister),
      r('FSTP', data.fstpRegister),
      r('FUCOM', arithmetic.fucom),
      r('FUCOMP', arithmetic.fucomp),
      undefined,
      undefined,
    ],
  ),

  222: behind(withMemoryRow('FI', data.readInt16), [
    r('FADDP', toRegisterAndPop(arithmetic.add)),
    r('FMULP', toRegisterAndPop(arithmetic.multiply)),
    r('FCOMP5', arithmetic.fcomp),
    [undefined, r('FCOMPP', arithmetic.fcompp)],
    r('FSUBRP', toRegisterAndPop(arithmetic.subtractReversed)),
    r('FSUBP', toRegisterAndPop(arithmetic.subtract)),
    r('FDIVRP', toRegisterAndPop(arithmetic.divideReversed)),
    r('FDIVP', toRegisterAndPop(arithmetic.divide)),
  ]),

  223: behind(
    [
      m('FILD', data.loadAsIs(data.readInt16)),
      undefined,
      m('FIST', data.fist16),
      m('FISTP', data.fistp16),
      m('FBLD', data.loadAsIs(data.readDecimal)),
      m('FILD', data.loadAsIs(data.readInt64)),
      m('FBSTP', data.fbstp),
      m('FISTP', data.fistp64),
    ],
    [
      r('FFREEP', data.ffreep),
      r('FXCH7', data.fxch),
      r('FSTP8', data.fstpRegister),
      r('FSTP9', data.fstpRegister),
      [r('FNSTSW', control.fnstswAx)],
      r6('FUCOMIP', arithmetic.fucomip),
      r6('FCOMIP', arithmetic.fcomip),
      undefined,
    ],
  ),
};
