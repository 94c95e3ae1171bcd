// SPDX-License-Identifier: GPL-2.0-or-later

/** Moving numbers: FP-12 to FP-19. */

import type { Cpu } from '../cpu.js';
import { condition } from '../flags.js';
import {
  fromDecimal,
  fromDouble,
  fromInt32,
  fromInteger,
  fromSingle,
  toDecimal,
  toDouble,
  toInteger,
  toSingle,
} from '../fpu/convert.js';
import { BEFORE_RESULT, Exception, Rounding } from '../fpu/environment.js';
import { DEFAULT_NAN, Ext80, one, POSITIVE_ZERO } from '../fpu/ext80.js';
import { specialOperand } from '../fpu/nan.js';
import type { FpuUnit } from '../fpu/unit.js';
import type { Execute, Instruction } from '../instruction.js';
import { longRead, longWrite, readLong16, readLong32, writeLong16, writeLong32 } from '../long-operands.js';
import { signed } from '../sizes.js';
import { keepingC1, onRegisters, withMemory } from './x87.js';

// ------------------------------------------------------------------------------------------------- reading a number

/** Reads a number from memory and widens it. */
export type ReadNumber = (cpu: Cpu, instruction: Instruction) => Ext80;

export const readSingle: ReadNumber = (cpu, instruction) =>
  fromSingle(cpu.fpu.environment, readLong32(cpu, longRead(cpu, instruction, 4)));

export const readDouble: ReadNumber = (cpu, instruction) => {
  const linear = longRead(cpu, instruction, 8);
  const low = readLong32(cpu, linear);
  return fromDouble(cpu.fpu.environment, { high: readLong32(cpu, linear, 4), low });
};

export const readExtended: ReadNumber = (cpu, instruction) => {
  const linear = longRead(cpu, instruction, 10);
  const low = readLong32(cpu, linear);
  const high = readLong32(cpu, linear, 4);
  return new Ext80(readLong16(cpu, linear, 8), high, low);
};

export const readInt16: ReadNumber = (cpu, instruction) =>
  fromInt32(signed(readLong16(cpu, longRead(cpu, instruction, 2)), 2));

export const readInt32: ReadNumber = (cpu, instruction) =>
  fromInt32(signed(readLong32(cpu, longRead(cpu, instruction, 4)), 4));

export const readInt64: ReadNumber = (cpu, instruction) => {
  const linear = longRead(cpu, instruction, 8);
  const low = readLong32(cpu, linear);
  const high = readLong32(cpu, linear, 4);
  return fromInteger(BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low)));
};

export const readDecimal: ReadNumber = (cpu, instruction) => {
  const linear = longRead(cpu, instruction, 10);
  const bytes = new DataView(new ArrayBuffer(10));
  bytes.setUint32(0, readLong32(cpu, linear), true);
  bytes.setUint32(4, readLong32(cpu, linear, 4), true);
  bytes.setUint16(8, readLong16(cpu, linear, 8), true);
  return fromDecimal(new Uint8Array(bytes.buffer));
};

// ---------------------------------------------------------------------------------------------------------- loading

/** FLD m80, FILD and FBLD: nothing can be wrong with the number. */
export const loadAsIs = (read: ReadNumber): Execute => withMemory(read, (fpu, value) => fpu.push(value));

/** FLD of single and double precision. A denormal is reported and loaded all the same, masked or not. */
export const loadConverted = (read: ReadNumber): Execute =>
  withMemory(read, (fpu, value) =>
    fpu.push(specialOperand(fpu.environment, value) ?? value, Exception.invalid),
  );

export const fldRegister: Execute = onRegisters((fpu, _cpu, { modrm }) => {
  const index = modrm & 7;
  if (!fpu.isEmpty(index)) fpu.push(fpu.st(index));
  else if (fpu.stackUnderflow()) fpu.pushUnchecked(DEFAULT_NAN);
});

/** A constant: the nearest value and, for directed rounding, what is added to its last place. */
interface Constant {
  nearest: Ext80;
  /** Rounding modes in which the last place differs, and by how much. */
  differs: readonly number[];
  by: 1 | -1;
}

const DOWNWARD = [Rounding.down, Rounding.towardZero];

const constant = (
  signExponent: number,
  high: number,
  low: number,
  differs: readonly number[],
  by: 1 | -1,
) => ({
  nearest: new Ext80(signExponent, high, low),
  differs,
  by,
});

/** FP-18. */
const loadConstant = ({ nearest, differs, by }: Constant): Execute =>
  onRegisters((fpu) => {
    const { signExponent, high, low } = nearest;
    const moved = differs.includes(fpu.environment.rounding);
    fpu.push(moved ? new Ext80(signExponent, high, low + by) : nearest);
  });

const exactly = (value: Ext80): Execute => onRegisters((fpu) => fpu.push(value));

export const fld1 = exactly(one(false));
export const fldz = exactly(POSITIVE_ZERO);
export const fldl2t = loadConstant(constant(0x4000, 0xd49a784b, 0xcd1b8afe, [Rounding.up], 1));
export const fldl2e = loadConstant(constant(0x3fff, 0xb8aa3b29, 0x5c17f0bc, DOWNWARD, -1));
export const fldpi = loadConstant(constant(0x4000, 0xc90fdaa2, 0x2168c235, DOWNWARD, -1));
export const fldlg2 = loadConstant(constant(0x3ffd, 0x9a209a84, 0xfbcff799, DOWNWARD, -1));
export const fldln2 = loadConstant(constant(0x3ffe, 0xb17217f7, 0xd1cf79ac, DOWNWARD, -1));

// ---------------------------------------------------------------------------------------------------------- storing

/** A format that numbers are stored in. */
interface StoredFormat<Image> {
  size: number;
  /** Rounds and reports. */
  convert: (fpu: FpuUnit, value: Ext80) => Image;
  write: (cpu: Cpu, linear: number, image: Image) => void;
}

/** With one of these unmasked nothing is stored: memory cannot hold a result with an adjusted exponent (FP-7). */
const FORBIDS_STORING = BEFORE_RESULT | Exception.overflow | Exception.underflow;

/** FST, FSTP, FIST, FISTP and FBSTP. */
function store<Image>({ size, convert, write }: StoredFormat<Image>, pops: boolean): Execute {
  return withMemory(
    (cpu, instruction) => longWrite(cpu, instruction, size),
    (fpu, linear, cpu) => {
      const isEmpty = fpu.isEmpty(0);
      if (isEmpty && !fpu.stackUnderflow()) return;
      const image = convert(fpu, isEmpty ? DEFAULT_NAN : fpu.st(0));
      if (!isEmpty && !fpu.conclude(FORBIDS_STORING)) return;
      write(cpu, linear, image);
      if (pops) fpu.pop();
    },
  );
}

const single: StoredFormat<number> = {
  size: 4,
  convert: (fpu, value) => toSingle(fpu.environment, value),
  write: (cpu, linear, bits) => writeLong32(cpu, linear, 0, bits),
};

const double: StoredFormat<{ high: number; low: number }> = {
  size: 8,
  convert: (fpu, value) => toDouble(fpu.environment, value),
  write: (cpu, linear, { high, low }) => {
    writeLong32(cpu, linear, 0, low);
    writeLong32(cpu, linear, 4, high);
  },
};

const extended: StoredFormat<Ext80> = {
  size: 10,
  convert: (_fpu, value) => value,
  write: (cpu, linear, { signExponent, high, low }) => {
    writeLong32(cpu, linear, 0, low);
    writeLong32(cpu, linear, 4, high);
    writeLong16(cpu, linear, 8, signExponent);
  },
};

/** The most negative integer stands for what is none. */
function integer(bits: 16 | 32 | 64): StoredFormat<bigint> {
  const indefinite = 1n << BigInt(bits - 1);
  return {
    size: bits / 8,
    convert: (fpu, value) => toInteger(fpu.environment, value, bits) ?? indefinite,
    write: (cpu, linear, value) => {
      const low = Number(BigInt.asUintN(32, value));
      if (bits === 16) writeLong16(cpu, linear, 0, low);
      else writeLong32(cpu, linear, 0, low);
      if (bits === 64) writeLong32(cpu, linear, 4, Number(BigInt.asUintN(32, value >> 32n)));
    },
  };
}

const decimal: StoredFormat<Uint8Array> = {
  size: 10,
  convert: (fpu, value) => toDecimal(fpu.environment, value),
  write: (cpu, linear, bytes) => {
    const view = new DataView(bytes.buffer);
    writeLong32(cpu, linear, 0, view.getUint32(0, true));
    writeLong32(cpu, linear, 4, view.getUint32(4, true));
    writeLong16(cpu, linear, 8, view.getUint16(8, true));
  },
};

export const fstSingle = store(single, false);
export const fstpSingle = store(single, true);
export const fstDouble = store(double, false);
export const fstpDouble = store(double, true);
export const fstpExtended = store(extended, true);
export const fist16 = store(integer(16), false);
export const fistp16 = store(integer(16), true);
export const fist32 = store(integer(32), false);
export const fistp32 = store(integer(32), true);
export const fistp64 = store(integer(64), true);
export const fbstp = store(decimal, true);

// -------------------------------------------------------------------------------------------------- between registers

/** FST and FSTP to a register. */
const storeRegister = (pops: boolean): Execute =>
  onRegisters((fpu, _cpu, { modrm }) => {
    const index = modrm & 7;
    if (fpu.isEmpty(0)) {
      fpu.underflow(index, pops);
      return;
    }
    fpu.set(index, fpu.st(0));
    if (pops) fpu.pop();
  });

export const fstRegister = storeRegister(false);
export const fstpRegister = storeRegister(true);

/** FSTP1: FP-58. */
export const fstp1 = onRegisters((fpu, _cpu, { modrm }) => {
  if (!fpu.isEmpty(0)) fpu.set(modrm & 7, fpu.st(0));
  fpu.pop();
});

/** FXCH: empty registers count as the default NaN. */
export const fxch: Execute = onRegisters((fpu, _cpu, { modrm }) => {
  const index = modrm & 7;
  const isEmpty = fpu.isEmpty(0) || fpu.isEmpty(index);
  if (isEmpty && !fpu.stackUnderflow()) return;
  const first = fpu.isEmpty(0) ? DEFAULT_NAN : fpu.st(0);
  const second = fpu.isEmpty(index) ? DEFAULT_NAN : fpu.st(index);
  fpu.set(0, second);
  fpu.set(index, first);
});

/** FCMOVcc: FP-19. */
const conditionalMove = (holds: (cpu: Cpu) => boolean): Execute =>
  keepingC1((fpu, cpu, { modrm }) => {
    const index = modrm & 7;
    if (fpu.isEmpty(0) || fpu.isEmpty(index)) fpu.underflow(0);
    else if (holds(cpu)) fpu.set(0, fpu.st(index));
  });

/** Numbers of the conditions as in Jcc. */
const BELOW = 2;
const EQUAL = 4;
const BELOW_OR_EQUAL = 6;
const PARITY = 10;
const moveIf = (code: number) => conditionalMove((cpu) => condition(cpu, code));

export const fcmovb = moveIf(BELOW);
export const fcmove = moveIf(EQUAL);
export const fcmovbe = moveIf(BELOW_OR_EQUAL);
export const fcmovu = moveIf(PARITY);
export const fcmovnb = moveIf(BELOW + 1);
export const fcmovne = moveIf(EQUAL + 1);
export const fcmovnbe = moveIf(BELOW_OR_EQUAL + 1);
export const fcmovnu = moveIf(PARITY + 1);

export const ffree: Execute = onRegisters((fpu, _cpu, { modrm }) => fpu.free(modrm & 7));
export const ffreep: Execute = onRegisters((fpu, _cpu, { modrm }) => {
  fpu.free(modrm & 7);
  fpu.pop();
});
export const fincstp: Execute = onRegisters((fpu) => fpu.turn(1));
export const fdecstp: Execute = onRegisters((fpu) => fpu.turn(-1));
export const fnop: Execute = keepingC1(() => {});
