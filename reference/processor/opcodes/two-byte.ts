// SPDX-License-Identifier: GPL-2.0-or-later

/** The two-byte opcode map: the second byte after 0Fh. */

import { FAMILY_6, Feature } from '../cpuid.js';
import * as arithmetic from '../instructions/arithmetic.js';
import * as bits from '../instructions/bits.js';
import * as control from '../instructions/control.js';
import * as data from '../instructions/data.js';
import * as fpu from '../instructions/fpu.js';
import * as logic from '../instructions/logic.js';
import * as segments from '../instructions/segments.js';
import * as stack from '../instructions/stack.js';
import * as system from '../instructions/system.js';
import * as x87 from '../instructions/x87-control.js';
import { conditionRow, group, lockable, type OpcodeMap, opcode, row, since } from '../operand-codes.js';
import { mmxOpcodes, sseOpcode } from './mmx.js';

const bitGroup = group(
  undefined,
  undefined,
  undefined,
  undefined,
  opcode('BT', ['Ev', 'Ib'], bits.bt),
  lockable('BTS', ['Ev', 'Ib'], bits.bts),
  lockable('BTR', ['Ev', 'Ib'], bits.btr),
  lockable('BTC', ['Ev', 'Ib'], bits.btc),
);

export const twoByteOpcodes: OpcodeMap = {
  0: group(
    opcode('SLDT', ['Mw/Rv'], system.sldt),
    opcode('STR', ['Mw/Rv'], system.str),
    opcode('LLDT', ['Ew'], system.lldt),
    opcode('LTR', ['Ew'], system.ltr),
    opcode('VERR', ['Ew'], segments.verr),
    opcode('VERW', ['Ew'], segments.verw),
  ),
  1: group(
    opcode('SGDT', ['M'], system.sgdt),
    opcode('SIDT', ['M'], system.sidt),
    opcode('LGDT', ['M'], system.lgdt),
    opcode('LIDT', ['M'], system.lidt),
    opcode('SMSW', ['Mw/Rv'], system.smsw),
    undefined,
    opcode('LMSW', ['Ew'], system.lmsw),
    opcode('INVLPG', ['M'], system.invlpg),
  ),
  2: opcode('LAR', ['Gv', 'Ew'], segments.lar),
  3: opcode('LSL', ['Gv', 'Ew'], segments.lsl),
  6: opcode('CLTS', [], system.clts),
  8: opcode('INVD', [], system.invalidateCaches),
  9: opcode('WBINVD', [], system.invalidateCaches),
  11: opcode('UD2', [], control.ud),
  13: since(FAMILY_6, opcode('PREFETCHW', ['M'], data.nop)),

  ...row(0x10, 8, sseOpcode),
  ...row(0x18, 8, since(FAMILY_6, opcode('NOP', ['Ev'], data.nop))),

  32: opcode('MOV from CR', ['Rd'], system.movFromControl),
  33: opcode('MOV from DR', ['Rd'], system.movFromDebug),
  34: opcode('MOV to CR', ['Rd'], system.movToControl),
  35: opcode('MOV to DR', ['Rd'], system.movToDebug),
  ...row(0x28, 8, sseOpcode),

  48: since(Feature.modelSpecificRegisters, opcode('WRMSR', [], system.wrmsr)),
  49: since(Feature.timeStampCounter, opcode('RDTSC', [], system.rdtsc)),
  50: since(Feature.modelSpecificRegisters, opcode('RDMSR', [], system.rdmsr)),
  51: since(FAMILY_6, opcode('RDPMC', [], system.rdpmc)),
  52: since(Feature.sysenter, opcode('SYSENTER', [], system.sysenter)),
  53: since(Feature.sysenter, opcode('SYSEXIT', [], system.sysexit)),

  ...conditionRow(0x40, 'CMOV', ['Gv', 'Ev'], data.cmov, Feature.conditionalMoves),
  ...row(0x50, 16, sseOpcode),
  ...mmxOpcodes,

  ...conditionRow(0x80, 'J', ['Jv'], control.jcc),
  ...conditionRow(0x90, 'SET', ['Eb'], data.setcc),

  160: opcode('PUSH', ['FS'], stack.pushValue),
  161: opcode('POP', ['FS'], stack.popSegment),
  162: opcode('CPUID', [], system.cpuid),
  163: opcode('BT', ['Ev', 'Gv'], bits.bt),
  164: opcode('SHLD', ['Ev', 'Gv', 'Ib'], logic.shld),
  165: opcode('SHLD', ['Ev', 'Gv', 'CL'], logic.shld),
  168: opcode('PUSH', ['GS'], stack.pushValue),
  169: opcode('POP', ['GS'], stack.popSegment),
  171: lockable('BTS', ['Ev', 'Gv'], bits.bts),
  172: opcode('SHRD', ['Ev', 'Gv', 'Ib'], logic.shrd),
  173: opcode('SHRD', ['Ev', 'Gv', 'CL'], logic.shrd),
  174: group(
    since(Feature.fxsaveAndFxrstor, opcode('FXSAVE', ['M'], x87.fxsave)),
    since(Feature.fxsaveAndFxrstor, opcode('FXRSTOR', ['M'], x87.fxrstor)),
    opcode('LDMXCSR', ['M'], fpu.sse),
    opcode('STMXCSR', ['M'], fpu.sse),
  ),
  175: opcode('IMUL', ['Gv', 'Ev'], arithmetic.imul),

  176: lockable('CMPXCHG', ['Eb', 'Gb'], arithmetic.cmpxchg),
  177: lockable('CMPXCHG', ['Ev', 'Gv'], arithmetic.cmpxchg),
  178: opcode('LSS', ['Gv', 'Mp'], segments.lss),
  179: lockable('BTR', ['Ev', 'Gv'], bits.btr),
  180: opcode('LFS', ['Gv', 'Mp'], segments.lfs),
  181: opcode('LGS', ['Gv', 'Mp'], segments.lgs),
  182: opcode('MOVZX', ['Gv', 'Eb'], data.mov),
  183: opcode('MOVZX', ['Gv', 'Ew'], data.mov),
  186: bitGroup,
  187: lockable('BTC', ['Ev', 'Gv'], bits.btc),
  188: opcode('BSF', ['Gv', 'Ev'], bits.bsf),
  189: opcode('BSR', ['Gv', 'Ev'], bits.bsr),
  190: opcode('MOVSX', ['Gv', 'Eb'], data.movsx),
  191: opcode('MOVSX', ['Gv', 'Ew'], data.movsx),

  192: lockable('XADD', ['Eb', 'Gb'], arithmetic.xadd),
  193: lockable('XADD', ['Ev', 'Gv'], arithmetic.xadd),
  194: sseOpcode,
  ...row(0xc4, 3, sseOpcode),
  199: group(undefined, since(Feature.cmpxchg8b, lockable('CMPXCHG8B', ['M'], data.cmpxchg8b))),
  ...row(0xc8, 8, opcode('BSWAP', ['Zv'], data.bswap)),
};
