// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * What instructions do with the six arithmetic flags, in one table: which they read, which they set, and which the
 * manuals leave undefined. The generator lets no instruction read what another has left undefined, and the comparison
 * leaves out what is undefined in the end.
 */

/** Sets of flags, as their bits of EFLAGS. */
const CF = 0x001;
const PF = 0x004;
const AF = 0x010;
const ZF = 0x040;
const SF = 0x080;
const OF = 0x800;
/** Stands for the condition codes of the x87 unit, which some of its instructions leave open. */
const CODES = 0x80000000;
export const ARITHMETIC_FLAGS = CF | PF | AF | ZF | SF | OF;

const NAMES: readonly (readonly [number, string])[] = [
  [CF, 'CF'],
  [PF, 'PF'],
  [AF, 'AF'],
  [ZF, 'ZF'],
  [SF, 'SF'],
  [OF, 'OF'],
];

export function flagNames(flags: number): string[] {
  return NAMES.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name);
}

export interface FlagUse {
  reads: number;
  /** Set or cleared whatever the operands are. */
  defines: number;
  undefined: number;
}

const use = (defines: number, undefinedFlags = 0, reads = 0): FlagUse => ({
  reads,
  defines,
  undefined: undefinedFlags,
});

const ADDITION = use(ARITHMETIC_FLAGS);
const WITH_CARRY = use(ARITHMETIC_FLAGS, 0, CF);
const LOGIC = use(ARITHMETIC_FLAGS & ~AF, AF);
const STEP = use(ARITHMETIC_FLAGS & ~CF);
const PRODUCT = use(CF | OF, PF | AF | ZF | SF);
const QUOTIENT = use(0, ARITHMETIC_FLAGS);
const BIT = use(CF, PF | AF | SF | OF);
const SCAN = use(ZF, ARITHMETIC_FLAGS & ~ZF);
const SELECTOR = use(ZF);
/** A repetition that runs not even once leaves the flags as they were. */
const STRING_COMPARE = use(0);

const USES: Readonly<Record<string, FlagUse>> = {
  ...{ ADD: ADDITION, SUB: ADDITION, CMP: ADDITION, NEG: ADDITION, XADD: ADDITION, CMPXCHG: ADDITION },
  ...{ ADC: WITH_CARRY, SBB: WITH_CARRY },
  ...{ OR: LOGIC, AND: LOGIC, XOR: LOGIC, TEST: LOGIC },
  ...{ INC: STEP, DEC: STEP },
  ...{ MUL: PRODUCT, IMUL: PRODUCT, DIV: QUOTIENT, IDIV: QUOTIENT },
  ...{ BT: BIT, BTS: BIT, BTR: BIT, BTC: BIT, BSF: SCAN, BSR: SCAN },
  DAA: use(ARITHMETIC_FLAGS & ~OF, OF, CF | AF),
  DAS: use(ARITHMETIC_FLAGS & ~OF, OF, CF | AF),
  AAA: use(CF | AF, PF | ZF | SF | OF, AF),
  AAS: use(CF | AF, PF | ZF | SF | OF, AF),
  AAM: use(PF | ZF | SF, CF | AF | OF),
  AAD: use(PF | ZF | SF, CF | AF | OF),
  ...{ FPREM: use(ARITHMETIC_FLAGS, CODES), FPREM1: use(ARITHMETIC_FLAGS, CODES) },
  ...{ FCOMI: use(0, CODES), FCOMIP: use(0, CODES), FUCOMI: use(0, CODES), FUCOMIP: use(0, CODES) },
  FNSTSW: use(0, 0, CODES),
  ...{ SCAS: STRING_COMPARE, CMPS: STRING_COMPARE },
  ...{ ARPL: SELECTOR, LAR: SELECTOR, LSL: SELECTOR, VERR: SELECTOR, VERW: SELECTOR, CMPXCHG8B: SELECTOR },
  ...{ CLC: use(CF), STC: use(CF), CMC: use(CF, 0, CF), SALC: use(0, 0, CF) },
  LAHF: use(0, 0, ARITHMETIC_FLAGS & ~OF),
  SAHF: use(ARITHMETIC_FLAGS & ~OF),
  PUSHF: use(0, 0, ARITHMETIC_FLAGS),
  ...{ POPF: use(ARITHMETIC_FLAGS), IRET: use(ARITHMETIC_FLAGS) },
  INTO: use(0, 0, OF),
  ...{ LOOPE: use(0, 0, ZF), LOOPNE: use(0, 0, ZF) },
};

const NONE = use(0);

/** What a condition reads, by the low four bits of the opcode without the lowest. */
const CONDITIONS = [OF, CF, ZF, CF | ZF, SF, PF, SF | OF, ZF | SF | OF];
const CONDITIONAL = new Set(['JCC', 'SETCC', 'CMOVCC']);

/** A shift or rotation. A count that is not known counts as any. */
export interface Shift {
  count: number | undefined;
  /** Bytes of the operand. */
  size: number;
}

const SHIFTS = new Set(['SHL', 'SHR', 'SAR', 'SHLD', 'SHRD']);
const ROTATIONS = new Set(['ROL', 'ROR', 'RCL', 'RCR']);

export const isShift = (mnemonic: string): boolean => SHIFTS.has(mnemonic) || ROTATIONS.has(mnemonic);

/**
 * @param opcode its last byte, which holds the condition of those that have one
 * @param shift for shifts and rotations
 */
export function flagUse(mnemonic: string, opcode: number, shift?: Shift): FlagUse {
  if (CONDITIONAL.has(mnemonic)) return use(0, 0, CONDITIONS[(opcode >> 1) & 7]);
  if (shift !== undefined) return shiftUse(mnemonic, shift);
  return USES[mnemonic] ?? NONE;
}

function shiftUse(mnemonic: string, { count, size }: Shift): FlagUse {
  const reads = mnemonic.startsWith('RC') ? CF : 0;
  const times = count === undefined ? undefined : count & 31;
  if (times === 0) return use(0, 0, reads);
  const overflow = times === 1 ? 0 : OF;
  if (ROTATIONS.has(mnemonic)) return use(times === undefined ? 0 : CF | (OF & ~overflow), overflow, reads);
  // The carry of SHL and SHR is undefined when more bits leave than there are.
  const carry = mnemonic !== 'SAR' && size < 4 && (times === undefined || times >= 8 * size) ? CF : 0;
  const notDefined = AF | overflow | carry;
  return use(times === undefined ? 0 : ARITHMETIC_FLAGS & ~notDefined, notDefined);
}
