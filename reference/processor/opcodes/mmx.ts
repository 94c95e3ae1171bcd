// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * MMX in the two-byte opcode map: FP-50. With a prefix 66h, F2h or F3h the same opcodes, and the ones that are missing
 * here, are instructions of SSE and SSE2.
 */

import { Feature } from '../cpuid.js';
import type { Execute } from '../instruction.js';
import { emms, sse, sseOnMmx, unlessPrefixed } from '../instructions/fpu.js';
import * as mmx from '../instructions/mmx.js';
import { group, type OpcodeMap, opcode, row, since } from '../operand-codes.js';

/** Any other vector instruction. */
export const sseOpcode = opcode('SSE', ['Q'], sse);
const later = since(Feature.mmx, opcode('MMX/SSE', ['Q'], unlessPrefixed(sseOnMmx)));

const vector = (mnemonic: string, execute: Execute) =>
  since(Feature.mmx, opcode(mnemonic, ['Q'], unlessPrefixed(execute)));
const shift = (mnemonic: string, { byImmediate }: { byImmediate: Execute }) =>
  since(Feature.mmx, opcode(mnemonic, ['Q', 'Ib'], unlessPrefixed(byImmediate)));

export const mmxOpcodes: OpcodeMap = {
  ...row(0x60, 32, later),
  ...row(0xd0, 47, later),
  96: vector('PUNPCKLBW', mmx.punpckl(8)),
  97: vector('PUNPCKLWD', mmx.punpckl(16)),
  98: vector('PUNPCKLDQ', mmx.punpckl(32)),
  99: vector('PACKSSWB', mmx.packsswb),
  100: vector('PCMPGTB', mmx.pcmpgt(8)),
  101: vector('PCMPGTW', mmx.pcmpgt(16)),
  102: vector('PCMPGTD', mmx.pcmpgt(32)),
  103: vector('PACKUSWB', mmx.packuswb),
  104: vector('PUNPCKHBW', mmx.punpckh(8)),
  105: vector('PUNPCKHWD', mmx.punpckh(16)),
  106: vector('PUNPCKHDQ', mmx.punpckh(32)),
  107: vector('PACKSSDW', mmx.packssdw),
  110: vector('MOVD', mmx.movdFrom),
  111: vector('MOVQ', mmx.movqFrom),

  112: since(Feature.mmx, opcode('PSHUFW', ['Q', 'Ib'], unlessPrefixed(sseOnMmx))),
  113: group(
    undefined,
    undefined,
    shift('PSRLW', mmx.psrlw),
    undefined,
    shift('PSRAW', mmx.psraw),
    undefined,
    shift('PSLLW', mmx.psllw),
  ),
  114: group(
    undefined,
    undefined,
    shift('PSRLD', mmx.psrld),
    undefined,
    shift('PSRAD', mmx.psrad),
    undefined,
    shift('PSLLD', mmx.pslld),
  ),
  115: group(
    undefined,
    undefined,
    shift('PSRLQ', mmx.psrlq),
    undefined,
    undefined,
    undefined,
    shift('PSLLQ', mmx.psllq),
  ),
  116: vector('PCMPEQB', mmx.pcmpeq(8)),
  117: vector('PCMPEQW', mmx.pcmpeq(16)),
  118: vector('PCMPEQD', mmx.pcmpeq(32)),
  119: since(Feature.mmx, opcode('EMMS', [], emms)),
  ...row(0x78, 6, undefined),
  126: vector('MOVD', mmx.movdTo),
  127: vector('MOVQ', mmx.movqTo),

  209: vector('PSRLW', mmx.psrlw.byVector),
  210: vector('PSRLD', mmx.psrld.byVector),
  211: vector('PSRLQ', mmx.psrlq.byVector),
  213: vector('PMULLW', mmx.pmullw),
  216: vector('PSUBUSB', mmx.psubus(8)),
  217: vector('PSUBUSW', mmx.psubus(16)),
  219: vector('PAND', mmx.pand),
  220: vector('PADDUSB', mmx.paddus(8)),
  221: vector('PADDUSW', mmx.paddus(16)),
  223: vector('PANDN', mmx.pandn),
  225: vector('PSRAW', mmx.psraw.byVector),
  226: vector('PSRAD', mmx.psrad.byVector),
  229: vector('PMULHW', mmx.pmulhw),
  232: vector('PSUBSB', mmx.psubs(8)),
  233: vector('PSUBSW', mmx.psubs(16)),
  235: vector('POR', mmx.por),
  236: vector('PADDSB', mmx.padds(8)),
  237: vector('PADDSW', mmx.padds(16)),
  239: vector('PXOR', mmx.pxor),
  241: vector('PSLLW', mmx.psllw.byVector),
  242: vector('PSLLD', mmx.pslld.byVector),
  243: vector('PSLLQ', mmx.psllq.byVector),
  245: vector('PMADDWD', mmx.pmaddwd),
  248: vector('PSUBB', mmx.psub(8)),
  249: vector('PSUBW', mmx.psub(16)),
  250: vector('PSUBD', mmx.psub(32)),
  252: vector('PADDB', mmx.padd(8)),
  253: vector('PADDW', mmx.padd(16)),
  254: vector('PADDD', mmx.padd(32)),
};
