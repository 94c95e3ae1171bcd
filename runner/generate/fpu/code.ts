// SPDX-License-Identifier: GPL-2.0-or-later

import { word } from '../program.js';

/** Machine code of x87 and MMX. Memory operands are absolute addresses. */

/** ModRM and address of a memory operand. */
export const at = (reg: number, address: number): number[] => [(reg << 3) | 5, ...word(address)];

export const fninit = [0xdb, 0xe3];
export const fldcw = (address: number) => [0xd9, ...at(5, address)];
export const fldExtended = (address: number) => [0xdb, ...at(5, address)];
export const fstpDouble = (address: number) => [0xdd, ...at(3, address)];
export const fnsave = (address: number) => [0xdd, ...at(6, address)];
export const frstor = (address: number) => [0xdd, ...at(4, address)];
export const fldenv = (address: number) => [0xd9, ...at(4, address)];
export const fnstenv = (address: number) => [0xd9, ...at(6, address)];
export const fxsave = (address: number) => [0x0f, 0xae, ...at(0, address)];
export const fxrstor = (address: number) => [0x0f, 0xae, ...at(1, address)];
export const movEaxToMemory = (address: number) => [0xa3, ...word(address)];
/** PUSHF; POP dword [address]. */
export const storeFlags = (address: number) => [0x9c, 0x8f, ...at(0, address)];
export const fwait = [0x9b];

/** An instruction between registers. `indexed`: ST(i) may be any, by the low three bits of the second byte. */
export interface RegisterForm {
  name: string;
  bytes: readonly [number, number];
  indexed: boolean;
}

const indexed = (name: string, first: number, second: number): RegisterForm => ({
  name,
  bytes: [first, second],
  indexed: true,
});
const single = (name: string, first: number, second: number): RegisterForm => ({
  name,
  bytes: [first, second],
  indexed: false,
});

/** Operations whose result depends on two numbers. */
export const TWO_NUMBERS = [
  indexed('fadd', 0xd8, 0xc0),
  indexed('fmul', 0xd8, 0xc8),
  indexed('fsub', 0xd8, 0xe0),
  indexed('fsubr', 0xd8, 0xe8),
  indexed('fdiv', 0xd8, 0xf0),
  indexed('fdivr', 0xd8, 0xf8),
  indexed('fadd to', 0xdc, 0xc0),
  indexed('fmul to', 0xdc, 0xc8),
  indexed('fsubr to', 0xdc, 0xe0),
  indexed('fsub to', 0xdc, 0xe8),
  indexed('fdivr to', 0xdc, 0xf0),
  indexed('fdiv to', 0xdc, 0xf8),
  indexed('faddp', 0xde, 0xc0),
  indexed('fmulp', 0xde, 0xc8),
  indexed('fsubrp', 0xde, 0xe0),
  indexed('fsubp', 0xde, 0xe8),
  indexed('fdivrp', 0xde, 0xf0),
  indexed('fdivp', 0xde, 0xf8),
  single('fprem', 0xd9, 0xf8),
  single('fprem1', 0xd9, 0xf5),
  single('fscale', 0xd9, 0xfd),
];

export const COMPARISONS = [
  indexed('fcom', 0xd8, 0xd0),
  indexed('fcomp', 0xd8, 0xd8),
  single('fcompp', 0xde, 0xd9),
  indexed('fucom', 0xdd, 0xe0),
  indexed('fucomp', 0xdd, 0xe8),
  single('fucompp', 0xda, 0xe9),
  indexed('fcomi', 0xdb, 0xf0),
  indexed('fcomip', 0xdf, 0xf0),
  indexed('fucomi', 0xdb, 0xe8),
  indexed('fucomip', 0xdf, 0xe8),
];

export const ONE_NUMBER = [
  single('fsqrt', 0xd9, 0xfa),
  single('frndint', 0xd9, 0xfc),
  single('fxtract', 0xd9, 0xf4),
  single('fabs', 0xd9, 0xe1),
  single('fchs', 0xd9, 0xe0),
  single('fxam', 0xd9, 0xe5),
  single('ftst', 0xd9, 0xe4),
];

export const CONSTANTS = ['fld1', 'fldl2t', 'fldl2e', 'fldpi', 'fldlg2', 'fldln2', 'fldz'].map((name, i) =>
  single(name, 0xd9, 0xe8 + i),
);

export const STACK = [
  indexed('fld', 0xd9, 0xc0),
  indexed('fxch', 0xd9, 0xc8),
  indexed('fst', 0xdd, 0xd0),
  indexed('fstp', 0xdd, 0xd8),
  indexed('ffree', 0xdd, 0xc0),
  single('fincstp', 0xd9, 0xf7),
  single('fdecstp', 0xd9, 0xf6),
  single('fnop', 0xd9, 0xd0),
  single('fnclex', 0xdb, 0xe2),
  indexed('fcmovb', 0xda, 0xc0),
  indexed('fcmove', 0xda, 0xc8),
  indexed('fcmovbe', 0xda, 0xd0),
  indexed('fcmovu', 0xda, 0xd8),
  indexed('fcmovnb', 0xdb, 0xc0),
  indexed('fcmovne', 0xdb, 0xc8),
  indexed('fcmovnbe', 0xdb, 0xd0),
  indexed('fcmovnu', 0xdb, 0xd8),
];

/** What a memory operand is. */
export type Operand = 'm32' | 'm64' | 'm80' | 'i16' | 'i32' | 'i64' | 'bcd';

export interface MemoryForm {
  name: string;
  opcode: number;
  reg: number;
  operand: Operand;
}

const form = (name: string, opcode: number, reg: number, operand: Operand): MemoryForm => ({
  name,
  opcode,
  reg,
  operand,
});

const ARITHMETIC = ['add', 'mul', 'com', 'comp', 'sub', 'subr', 'div', 'divr'];

/** A number in memory is the second operand. */
export const WITH_MEMORY = ARITHMETIC.flatMap((name, reg) => [
  form(`f${name}`, 0xd8, reg, 'm32'),
  form(`f${name}`, 0xdc, reg, 'm64'),
  form(`fi${name}`, 0xda, reg, 'i32'),
  form(`fi${name}`, 0xde, reg, 'i16'),
]);

export const LOADS = [
  form('fld', 0xd9, 0, 'm32'),
  form('fld', 0xdd, 0, 'm64'),
  form('fld', 0xdb, 5, 'm80'),
  form('fild', 0xdf, 0, 'i16'),
  form('fild', 0xdb, 0, 'i32'),
  form('fild', 0xdf, 5, 'i64'),
  form('fbld', 0xdf, 4, 'bcd'),
];

export const STORES = [
  form('fst', 0xd9, 2, 'm32'),
  form('fstp', 0xd9, 3, 'm32'),
  form('fst', 0xdd, 2, 'm64'),
  form('fstp', 0xdd, 3, 'm64'),
  form('fstp', 0xdb, 7, 'm80'),
  form('fist', 0xdf, 2, 'i16'),
  form('fistp', 0xdf, 3, 'i16'),
  form('fist', 0xdb, 2, 'i32'),
  form('fistp', 0xdb, 3, 'i32'),
  form('fistp', 0xdf, 7, 'i64'),
  form('fbstp', 0xdf, 6, 'bcd'),
];

export const TRANSCENDENTAL = [
  single('fsin', 0xd9, 0xfe),
  single('fcos', 0xd9, 0xff),
  single('fsincos', 0xd9, 0xfb),
  single('fptan', 0xd9, 0xf2),
  single('fpatan', 0xd9, 0xf3),
  single('f2xm1', 0xd9, 0xf0),
  single('fyl2x', 0xd9, 0xf1),
  single('fyl2xp1', 0xd9, 0xf9),
];

/** Second bytes of the MMX instructions of two vectors. */
export const MMX: Readonly<Record<string, number>> = {
  ...{ punpcklbw: 0x60, punpcklwd: 0x61, punpckldq: 0x62, packsswb: 0x63 },
  ...{ pcmpgtb: 0x64, pcmpgtw: 0x65, pcmpgtd: 0x66, packuswb: 0x67 },
  ...{ punpckhbw: 0x68, punpckhwd: 0x69, punpckhdq: 0x6a, packssdw: 0x6b, movq: 0x6f },
  ...{ pcmpeqb: 0x74, pcmpeqw: 0x75, pcmpeqd: 0x76 },
  ...{ psrlw: 0xd1, psrld: 0xd2, psrlq: 0xd3, pmullw: 0xd5, psubusb: 0xd8, psubusw: 0xd9, pand: 0xdb },
  ...{ paddusb: 0xdc, paddusw: 0xdd, pandn: 0xdf, psraw: 0xe1, psrad: 0xe2, pmulhw: 0xe5 },
  ...{ psubsb: 0xe8, psubsw: 0xe9, por: 0xeb, paddsb: 0xec, paddsw: 0xed, pxor: 0xef },
  ...{ psllw: 0xf1, pslld: 0xf2, psllq: 0xf3, pmaddwd: 0xf5, psubb: 0xf8, psubw: 0xf9, psubd: 0xfa },
  ...{ paddb: 0xfc, paddw: 0xfd, paddd: 0xfe },
};

/** Shifts by an immediate byte: second byte and reg field. */
export const MMX_SHIFTS: Readonly<Record<string, readonly [number, number]>> = {
  ...{ psrlw: [0x71, 2], psraw: [0x71, 4], psllw: [0x71, 6] },
  ...{ psrld: [0x72, 2], psrad: [0x72, 4], pslld: [0x72, 6] },
  ...{ psrlq: [0x73, 2], psllq: [0x73, 6] },
};
