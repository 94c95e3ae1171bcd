// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * The instructions that the fuzzer writes: its own table of encodings, so that a wrong entry in the tables of the
 * reference does not hide here too.
 *
 * A line is a clause, a mnemonic, and its forms, separated by bars: opcode bytes (`+` adds a random register, `*` a random
 * condition, `/n` is the digit in ModRM.reg) and operands. `E` is register or memory, `M` memory, `R` register, `G` the
 * register of ModRM.reg, `S` the segment register there, `C` and `D` the control and debug register there, `Z` the register
 * in the opcode; `I` an immediate, `J` a relative target, `O` the address of a memory operand, `P` a far pointer. b, w, d,
 * q, t, v: 1, 2, 4, 8, 10 bytes, operand size; `N` instead of an immediate is one that is a shift count, `L` a nesting
 * level. What is not encoded has its own name: `AL`, `CL`, `ES`, `1`. `mq` with E and G is an MMX register, `ST+` the
 * register of the x87 stack in the opcode.
 */

export interface Form {
  clause: string;
  mnemonic: string;
  opcode: readonly number[];
  /** Random bits that are put into the last opcode byte: registers or conditions. */
  variants: 1 | 8 | 16;
  digit: number | undefined;
  operands: readonly string[];
  /** Which prefixes it may get: those that choose or move its operand in memory, and LOCK; all; or none. */
  prefixes: 'all' | 'addressing' | 'none';
}

/** Operands that no byte of an instruction names. */
const IMPLICIT = new Set('AL AX rAX CL DX 1 ES CS SS DS FS GS ST0'.split(' '));

export const isImplicit = (operand: string): boolean => IMPLICIT.has(operand);

const ORDINARY = `
EX-10 ADD 00 Eb Gb | 01 Ev Gv | 02 Gb Eb | 03 Gv Ev | 04 AL Ib | 05 rAX Iv | 80/0 Eb Ib | 81/0 Ev Iv | 83/0 Ev Ib | 82/0 Eb Ib
EX-11 OR 08 Eb Gb | 09 Ev Gv | 0a Gb Eb | 0b Gv Ev | 0c AL Ib | 0d rAX Iv | 80/1 Eb Ib | 81/1 Ev Iv | 83/1 Ev Ib
EX-10 ADC 10 Eb Gb | 11 Ev Gv | 12 Gb Eb | 13 Gv Ev | 14 AL Ib | 15 rAX Iv | 80/2 Eb Ib | 81/2 Ev Iv | 83/2 Ev Ib
EX-10 SBB 18 Eb Gb | 19 Ev Gv | 1a Gb Eb | 1b Gv Ev | 1c AL Ib | 1d rAX Iv | 80/3 Eb Ib | 81/3 Ev Iv | 83/3 Ev Ib
EX-11 AND 20 Eb Gb | 21 Ev Gv | 22 Gb Eb | 23 Gv Ev | 24 AL Ib | 25 rAX Iv | 80/4 Eb Ib | 81/4 Ev Iv | 83/4 Ev Ib
EX-10 SUB 28 Eb Gb | 29 Ev Gv | 2a Gb Eb | 2b Gv Ev | 2c AL Ib | 2d rAX Iv | 80/5 Eb Ib | 81/5 Ev Iv | 83/5 Ev Ib
EX-11 XOR 30 Eb Gb | 31 Ev Gv | 32 Gb Eb | 33 Gv Ev | 34 AL Ib | 35 rAX Iv | 80/6 Eb Ib | 81/6 Ev Iv | 83/6 Ev Ib
EX-10 CMP 38 Eb Gb | 39 Ev Gv | 3a Gb Eb | 3b Gv Ev | 3c AL Ib | 3d rAX Iv | 80/7 Eb Ib | 81/7 Ev Iv | 83/7 Ev Ib
EX-11 TEST 84 Eb Gb | 85 Ev Gv | a8 AL Ib | a9 rAX Iv | f6/0 Eb Ib | f7/0 Ev Iv | f6/1 Eb Ib | f7/1 Ev Iv
EX-12 INC 40+ Zv | fe/0 Eb | ff/0 Ev
EX-12 DEC 48+ Zv | fe/1 Eb | ff/1 Ev
EX-12 NOT f6/2 Eb | f7/2 Ev
EX-12 NEG f6/3 Eb | f7/3 Ev
EX-25 MUL f6/4 Eb | f7/4 Ev
EX-25 IMUL f6/5 Eb | f7/5 Ev | 69 Gv Ev Iv | 6b Gv Ev Ib | 0faf Gv Ev
EX-27 DIV f6/6 Eb | f7/6 Ev
EX-27 IDIV f6/7 Eb | f7/7 Ev
EX-13 ROL c0/0 Eb Nb | c1/0 Ev Nb | d0/0 Eb 1 | d1/0 Ev 1 | d2/0 Eb CL | d3/0 Ev CL
EX-13 ROR c0/1 Eb Nb | c1/1 Ev Nb | d0/1 Eb 1 | d1/1 Ev 1 | d2/1 Eb CL | d3/1 Ev CL
EX-13 RCL c0/2 Eb Nb | c1/2 Ev Nb | d0/2 Eb 1 | d1/2 Ev 1 | d2/2 Eb CL | d3/2 Ev CL
EX-13 RCR c0/3 Eb Nb | c1/3 Ev Nb | d0/3 Eb 1 | d1/3 Ev 1 | d2/3 Eb CL | d3/3 Ev CL
EX-13 SHL c0/4 Eb Nb | c1/4 Ev Nb | d0/4 Eb 1 | d1/4 Ev 1 | d2/4 Eb CL | d3/4 Ev CL | c1/6 Ev Nb | d0/6 Eb 1
EX-13 SHR c0/5 Eb Nb | c1/5 Ev Nb | d0/5 Eb 1 | d1/5 Ev 1 | d2/5 Eb CL | d3/5 Ev CL
EX-13 SAR c0/7 Eb Nb | c1/7 Ev Nb | d0/7 Eb 1 | d1/7 Ev 1 | d2/7 Eb CL | d3/7 Ev CL
EX-36 SHLD 0fa4 Ev Gv Nb | 0fa5 Ev Gv CL
EX-36 SHRD 0fac Ev Gv Nb | 0fad Ev Gv CL
EX-9 MOV 88 Eb Gb | 89 Ev Gv | 8a Gb Eb | 8b Gv Ev | a0 AL O | a1 rAX O | a2 O AL | a3 O rAX | b0+ Zb Ib | b8+ Zv Iv | c6/0 Eb Ib | c7/0 Ev Iv
EX-9 MOVZX 0fb6 Gv Eb | 0fb7 Gv Ew
EX-9 MOVSX 0fbe Gv Eb | 0fbf Gv Ew
EX-9 LEA 8d Gv M
EX-9 XCHG 86 Eb Gb | 87 Ev Gv | 90+ rAX Zv
EX-9 NOP 90 | 0f1f/0 Ev | 0f18 Ev
EX-31 CBW 98
EX-31 CWD 99
EX-32 LAHF 9f
EX-32 SAHF 9e
EX-32 SALC d6
EX-33 XLAT d7
EX-28 DAA 27
EX-28 DAS 2f
EX-29 AAA 37
EX-29 AAS 3f
EX-30 AAM d4 Ib
EX-30 AAD d5 Ib
EX-14 PUSH 50+ Zv | 68 Iv | 6a Ib | ff/6 Ev
EX-14 POP 58+ Zv | 8f/0 Ev
EX-15 PUSHA 60
EX-15 POPA 61
EX-41 ENTER c8 Iw Lb
EX-41 LEAVE c9
EX-16 JMP e9 Jv | eb Jb | ff/4 Ev
EX-16 CALL e8 Jv | ff/2 Ev
EX-16 RET c3 | c2 Iw
EX-17 JCC 70* Jb | 0f80* Jv
EX-17 SETCC 0f90* Eb
EX-39 CMOVCC 0f40* Gv Ev
EX-18 LOOP e2 Jb
EX-18 LOOPE e1 Jb
EX-18 LOOPNE e0 Jb
EX-18 JCXZ e3 Jb
EX-19 CLC f8
EX-19 STC f9
EX-19 CMC f5
EX-19 CLD fc
EX-19 STD fd
EX-20 MOVS a4 | a5
EX-20 CMPS a6 | a7
EX-20 STOS aa | ab
EX-20 LODS ac | ad
EX-20 SCAS ae | af
EX-34 BT 0fa3 Ev Gv | 0fba/4 Ev Ib
EX-34 BTS 0fab Ev Gv | 0fba/5 Ev Ib
EX-34 BTR 0fb3 Ev Gv | 0fba/6 Ev Ib
EX-34 BTC 0fbb Ev Gv | 0fba/7 Ev Ib
EX-35 BSF 0fbc Gv Ev
EX-35 BSR 0fbd Gv Ev
EX-37 XADD 0fc0 Eb Gb | 0fc1 Ev Gv
EX-37 CMPXCHG 0fb0 Eb Gb | 0fb1 Ev Gv
EX-38 CMPXCHG8B 0fc7/1 M
EX-40 BSWAP 0fc8+ Zv
EX-7 (undefined) 0f0b | 0fff Ev | 0f0a | 0f0c | 0fba/2 Ev Ib | fe/3 Eb | ff/7 Ev | 0f00/6 Ew
GATE-2 INT cc | cd Ib
GATE-2 INTO ce
EX-42 BOUND 62 Gv M
SEG-15 PUSH 06 ES | 0e CS | 16 SS | 1e DS | 0fa0 FS | 0fa8 GS
SEG-10 POP 07 ES | 17 SS | 1f DS | 0fa1 FS | 0fa9 GS
SEG-10 MOV 8e Sw Ew | 8c Ew Sw
SEG-10 LOAD c4 Gv M | c5 Gv M | 0fb2 Gv M | 0fb4 Gv M | 0fb5 Gv M
SEG-21 ARPL 63 Ew Gw
SEG-19 LAR 0f02 Gv Ew
SEG-19 LSL 0f03 Gv Ew
SEG-20 VERR 0f00/4 Ew
SEG-20 VERW 0f00/5 Ew
GATE-22 CALL 9a P | ff/3 M
GATE-22 JMP ea P | ff/5 M
GATE-24 RETF cb | ca Iw
SYS-19 PUSHF 9c
SYS-18 POPF 9d
SYS-17 CLI fa
SYS-17 STI fb
IO-1 IN e4 AL Ib | e5 rAX Ib | ec AL DX | ed rAX DX
IO-1 OUT e6 Ib AL | e7 Ib rAX | ee DX AL | ef DX rAX
IO-1 INS 6c | 6d
IO-1 OUTS 6e | 6f
SYS-1 CLTS 0f06
PG-15 INVLPG 0f01/7 M
SYS-23 WBINVD 0f09
SYS-6 LMSW 0f01/6 Ew
SYS-7 LGDT 0f01/2 M
SYS-7 LIDT 0f01/3 M
SYS-8 LLDT 0f00/2 Ew
SYS-9 LTR 0f00/3 Ew
SYS-3 MOVCR 0f20 Rd C | 0f22 C Rd
GATE-17 IRET cf
`;

/** Second encodings, and hints that later processors have made of what does nothing. */
const RARE = `
EX-11 OR 82/1 Eb Ib
EX-10 ADC 82/2 Eb Ib
EX-10 SBB 82/3 Eb Ib
EX-11 AND 82/4 Eb Ib
EX-10 SUB 82/5 Eb Ib
EX-11 XOR 82/6 Eb Ib
EX-10 CMP 82/7 Eb Ib
EX-13 SHL c0/6 Eb Nb | d1/6 Ev 1 | d2/6 Eb CL | d3/6 Ev CL
EX-44 NOP 0f0d Ev | 0f19 Ev | 0f1c Ev | 0f1d Ev | 0f1e Ev
FP-9 FWAIT 9b
`;

/** What a process of the machine below cannot do as the machine of the case would. */
const FOREIGN = `
SYS-10 STORE 0f00/0 Ev | 0f00/1 Ev | 0f01/0 M | 0f01/1 M | 0f01/4 Ev
SYS-21 MOVDR 0f21 Rd D | 0f23 D Rd
`;

export const ORDINARY_FORMS: readonly Form[] = formsOf(ORDINARY);
export const RARE_FORMS: readonly Form[] = formsOf(RARE);
export const ALL_FORMS: readonly Form[] = [...ORDINARY_FORMS, ...formsOf(FOREIGN)];

export function formsOf(table: string, prefixes: Form['prefixes'] = 'all'): Form[] {
  return table
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [clause = '', mnemonic = '', ...rest] = line.split(/ +/);
      return rest
        .join(' ')
        .split(' | ')
        .map((text) => ({ ...formOf(clause, mnemonic, text), prefixes }));
    });
}

function formOf(clause: string, mnemonic: string, text: string): Omit<Form, 'prefixes'> {
  const [code = '', ...operands] = text.split(' ');
  const [, hex = '', mark = '', digit] = /^([0-9a-f]+)([+*]?)(?:\/(\d))?$/.exec(code) ?? [];
  return {
    clause,
    mnemonic,
    opcode: [...Buffer.from(hex, 'hex')],
    variants: mark === '+' ? 8 : mark === '*' ? 16 : 1,
    digit: digit === undefined ? undefined : Number(digit),
    operands,
  };
}
