// SPDX-License-Identifier: GPL-2.0-or-later

/** The one-byte opcode map. Prefixes and 0Fh are not in it: the decoder knows them. */

import type { Execute } from '../instruction.js';
import * as arithmetic from '../instructions/arithmetic.js';
import * as control from '../instructions/control.js';
import * as data from '../instructions/data.js';
import * as decimal from '../instructions/decimal.js';
import * as flags from '../instructions/flag-instructions.js';
import * as fpu from '../instructions/fpu.js';
import * as io from '../instructions/io.js';
import * as logic from '../instructions/logic.js';
import * as segments from '../instructions/segments.js';
import * as stack from '../instructions/stack.js';
import * as strings from '../instructions/strings.js';
import { hlt } from '../instructions/system.js';
import {
  conditionRow,
  group,
  lockable,
  type Opcode,
  type OpcodeMap,
  type OperandCode,
  opcode,
  row,
} from '../operand-codes.js';
import { x87Opcodes } from './x87.js';

/** The six encodings of an arithmetic instruction at the start of a row of the map. */
function arithmeticRow(from: number, mnemonic: string, execute: Execute): Record<number, Opcode> {
  return {
    [from]: lockable(mnemonic, ['Eb', 'Gb'], execute),
    [from + 1]: lockable(mnemonic, ['Ev', 'Gv'], execute),
    [from + 2]: opcode(mnemonic, ['Gb', 'Eb'], execute),
    [from + 3]: opcode(mnemonic, ['Gv', 'Ev'], execute),
    [from + 4]: opcode(mnemonic, ['AL', 'Ib'], execute),
    [from + 5]: opcode(mnemonic, ['rAX', 'Iv'], execute),
  };
}

/** CMP writes nothing, so it cannot be locked (EX-8). */
const withoutLock = (entries: Record<number, Opcode>): Record<number, Opcode> =>
  Object.fromEntries(Object.entries(entries).map(([at, entry]) => [at, { ...entry, lockable: false }]));

/** Group 1. */
const arithmeticGroup = (...operands: OperandCode[]) =>
  group(
    lockable('ADD', operands, arithmetic.add),
    lockable('OR', operands, logic.or),
    lockable('ADC', operands, arithmetic.adc),
    lockable('SBB', operands, arithmetic.sbb),
    lockable('AND', operands, logic.and),
    lockable('SUB', operands, arithmetic.sub),
    lockable('XOR', operands, logic.xor),
    opcode('CMP', operands, arithmetic.cmp),
  );

/** Group 2. The sixth is SHL again (EX-46). */
const shiftGroup = (...operands: OperandCode[]) =>
  group(
    opcode('ROL', operands, logic.rol),
    opcode('ROR', operands, logic.ror),
    opcode('RCL', operands, logic.rcl),
    opcode('RCR', operands, logic.rcr),
    opcode('SHL', operands, logic.shl),
    opcode('SHR', operands, logic.shr),
    opcode('SHL', operands, logic.shl),
    opcode('SAR', operands, logic.sar),
  );

/** Group 3. The second is TEST again (EX-46). */
const unaryGroup = (operand: 'Eb' | 'Ev', immediate: 'Ib' | 'Iv') =>
  group(
    opcode('TEST', [operand, immediate], logic.test),
    opcode('TEST', [operand, immediate], logic.test),
    lockable('NOT', [operand], logic.not),
    lockable('NEG', [operand], arithmetic.neg),
    opcode('MUL', [operand], arithmetic.mul),
    opcode('IMUL', [operand], arithmetic.imulAccumulator),
    opcode('DIV', [operand], arithmetic.div),
    opcode('IDIV', [operand], arithmetic.idiv),
  );

export const oneByteOpcodes: OpcodeMap = {
  ...arithmeticRow(0x00, 'ADD', arithmetic.add),
  6: opcode('PUSH', ['ES'], stack.pushValue),
  7: opcode('POP', ['ES'], stack.popSegment),
  ...arithmeticRow(0x08, 'OR', logic.or),
  14: opcode('PUSH', ['CS'], stack.pushValue),

  ...arithmeticRow(0x10, 'ADC', arithmetic.adc),
  22: opcode('PUSH', ['SS'], stack.pushValue),
  23: opcode('POP', ['SS'], stack.popSegment),
  ...arithmeticRow(0x18, 'SBB', arithmetic.sbb),
  30: opcode('PUSH', ['DS'], stack.pushValue),
  31: opcode('POP', ['DS'], stack.popSegment),

  ...arithmeticRow(0x20, 'AND', logic.and),
  39: opcode('DAA', [], decimal.daa),
  ...arithmeticRow(0x28, 'SUB', arithmetic.sub),
  47: opcode('DAS', [], decimal.das),

  ...arithmeticRow(0x30, 'XOR', logic.xor),
  55: opcode('AAA', [], decimal.aaa),
  ...withoutLock(arithmeticRow(0x38, 'CMP', arithmetic.cmp)),
  63: opcode('AAS', [], decimal.aas),

  ...row(0x40, 8, opcode('INC', ['Zv'], arithmetic.inc)),
  ...row(0x48, 8, opcode('DEC', ['Zv'], arithmetic.dec)),
  ...row(0x50, 8, opcode('PUSH', ['Zv'], stack.pushValue)),
  ...row(0x58, 8, opcode('POP', ['Zv'], stack.popValue)),

  96: opcode('PUSHA', [], stack.pusha),
  97: opcode('POPA', [], stack.popa),
  98: opcode('BOUND', ['Gv', 'M'], control.bound),
  99: opcode('ARPL', ['Ew', 'Gw'], segments.arpl),
  104: opcode('PUSH', ['Iv'], stack.pushValue),
  105: opcode('IMUL', ['Gv', 'Ev', 'Iv'], arithmetic.imul),
  106: opcode('PUSH', ['Is'], stack.pushValue),
  107: opcode('IMUL', ['Gv', 'Ev', 'Is'], arithmetic.imul),
  108: opcode('INS', ['Xb'], strings.ins),
  109: opcode('INS', ['Xv'], strings.ins),
  110: opcode('OUTS', ['Xb'], strings.outs),
  111: opcode('OUTS', ['Xv'], strings.outs),

  ...conditionRow(0x70, 'J', ['Jb'], control.jcc),

  128: arithmeticGroup('Eb', 'Ib'),
  129: arithmeticGroup('Ev', 'Iv'),
  130: arithmeticGroup('Eb', 'Ib'), // EX-46
  131: arithmeticGroup('Ev', 'Is'),
  132: opcode('TEST', ['Eb', 'Gb'], logic.test),
  133: opcode('TEST', ['Ev', 'Gv'], logic.test),
  134: lockable('XCHG', ['Eb', 'Gb'], data.xchg),
  135: lockable('XCHG', ['Ev', 'Gv'], data.xchg),
  136: opcode('MOV', ['Eb', 'Gb'], data.mov),
  137: opcode('MOV', ['Ev', 'Gv'], data.mov),
  138: opcode('MOV', ['Gb', 'Eb'], data.mov),
  139: opcode('MOV', ['Gv', 'Ev'], data.mov),
  140: opcode('MOV', ['Mw/Rv', 'Sw'], segments.movFromSegment),
  141: opcode('LEA', ['Gv', 'M'], data.lea),
  142: opcode('MOV', ['Sw', 'Ew'], segments.movToSegment),
  143: group(opcode('POP', ['Ev'], stack.popValue)),

  144: opcode('NOP', [], data.nop),
  ...row(0x91, 7, opcode('XCHG', ['rAX', 'Zv'], data.xchg)),
  152: opcode('CWDE', [], data.convertInAccumulator),
  153: opcode('CDQ', [], data.convertToDouble),
  154: opcode('CALL', ['Ap'], control.callFarDirect),
  155: opcode('WAIT', [], fpu.wait),
  156: opcode('PUSHF', [], stack.pushf),
  157: opcode('POPF', [], stack.popf),
  158: opcode('SAHF', [], flags.sahf),
  159: opcode('LAHF', [], flags.lahf),

  160: opcode('MOV', ['AL', 'Ob'], data.mov),
  161: opcode('MOV', ['rAX', 'Ov'], data.mov),
  162: opcode('MOV', ['Ob', 'AL'], data.mov),
  163: opcode('MOV', ['Ov', 'rAX'], data.mov),
  164: opcode('MOVS', ['Xb'], strings.movs),
  165: opcode('MOVS', ['Xv'], strings.movs),
  166: opcode('CMPS', ['Xb'], strings.cmps),
  167: opcode('CMPS', ['Xv'], strings.cmps),
  168: opcode('TEST', ['AL', 'Ib'], logic.test),
  169: opcode('TEST', ['rAX', 'Iv'], logic.test),
  170: opcode('STOS', ['Xb'], strings.stos),
  171: opcode('STOS', ['Xv'], strings.stos),
  172: opcode('LODS', ['Xb'], strings.lods),
  173: opcode('LODS', ['Xv'], strings.lods),
  174: opcode('SCAS', ['Xb'], strings.scas),
  175: opcode('SCAS', ['Xv'], strings.scas),

  ...row(0xb0, 8, opcode('MOV', ['Zb', 'Ib'], data.mov)),
  ...row(0xb8, 8, opcode('MOV', ['Zv', 'Iv'], data.mov)),

  192: shiftGroup('Eb', 'Ib'),
  193: shiftGroup('Ev', 'Ib'),
  194: opcode('RET', ['Iw'], control.retNear),
  195: opcode('RET', [], control.retNear),
  196: opcode('LES', ['Gv', 'Mp'], segments.les),
  197: opcode('LDS', ['Gv', 'Mp'], segments.lds),
  198: group(opcode('MOV', ['Eb', 'Ib'], data.mov)),
  199: group(opcode('MOV', ['Ev', 'Iv'], data.mov)),
  200: opcode('ENTER', ['Iw', 'I2'], stack.enter),
  201: opcode('LEAVE', [], stack.leave),
  202: opcode('RETF', ['Iw'], control.retFar),
  203: opcode('RETF', [], control.retFar),
  204: opcode('INT3', [], control.int3),
  205: opcode('INT', ['Ib'], control.int),
  206: opcode('INTO', [], control.into),
  207: opcode('IRET', [], control.iret),

  208: shiftGroup('Eb', '1'),
  209: shiftGroup('Ev', '1'),
  210: shiftGroup('Eb', 'CL'),
  211: shiftGroup('Ev', 'CL'),
  212: opcode('AAM', ['Ib'], decimal.aam),
  213: opcode('AAD', ['Ib'], decimal.aad),
  214: opcode('SALC', [], flags.salc),
  215: opcode('XLAT', [], data.xlat),
  ...x87Opcodes,

  224: opcode('LOOPNE', ['Jb'], control.loopne),
  225: opcode('LOOPE', ['Jb'], control.loope),
  226: opcode('LOOP', ['Jb'], control.loop),
  227: opcode('JCXZ', ['Jb'], control.jcxz),
  228: opcode('IN', ['AL', 'Ib'], io.in_),
  229: opcode('IN', ['rAX', 'Ib'], io.in_),
  230: opcode('OUT', ['Ib', 'AL'], io.out),
  231: opcode('OUT', ['Ib', 'rAX'], io.out),
  232: opcode('CALL', ['Jv'], control.callRelative),
  233: opcode('JMP', ['Jv'], control.jmpRelative),
  234: opcode('JMP', ['Ap'], control.jmpFarDirect),
  235: opcode('JMP', ['Jb'], control.jmpRelative),
  236: opcode('IN', ['AL', 'DX'], io.in_),
  237: opcode('IN', ['rAX', 'DX'], io.in_),
  238: opcode('OUT', ['DX', 'AL'], io.out),
  239: opcode('OUT', ['DX', 'rAX'], io.out),

  241: opcode('ICEBP', [], control.icebp),
  244: opcode('HLT', [], hlt),
  245: opcode('CMC', [], flags.cmc),
  246: unaryGroup('Eb', 'Ib'),
  247: unaryGroup('Ev', 'Iv'),
  248: opcode('CLC', [], flags.clc),
  249: opcode('STC', [], flags.stc),
  250: opcode('CLI', [], flags.cli),
  251: opcode('STI', [], flags.sti),
  252: opcode('CLD', [], flags.cld),
  253: opcode('STD', [], flags.std),
  254: group(lockable('INC', ['Eb'], arithmetic.inc), lockable('DEC', ['Eb'], arithmetic.dec)),
  255: group(
    lockable('INC', ['Ev'], arithmetic.inc),
    lockable('DEC', ['Ev'], arithmetic.dec),
    opcode('CALL', ['Ev'], control.callIndirect),
    opcode('CALL', ['Mp'], control.callFarIndirect),
    opcode('JMP', ['Ev'], control.jmpIndirect),
    opcode('JMP', ['Mp'], control.jmpFarIndirect),
    opcode('PUSH', ['Ev'], stack.pushValue),
  ),
};
