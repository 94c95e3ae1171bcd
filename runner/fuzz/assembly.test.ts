// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from 'vitest';
import { Random } from '../generate/random.js';
import { assembly } from './assembly.js';
import { encode, type Surroundings } from './encode.js';
import { FLOATING_POINT_FORMS } from './floating-point.js';
import { ALL_FORMS, type Form } from './forms.js';
import { assemble, type FuzzInstruction } from './instruction.js';

const plain: FuzzInstruction = {
  ...{ clause: 'EX-9', mnemonic: 'MOV', prefixes: [], opcode: [0x89], modrm: [0xc8], displacement: [] },
  ...{ immediate: [], size: 4, operands: ['Ev', 'Gv'], wide: 4, address32: true },
};

const textOf = (changes: Partial<FuzzInstruction>): string => assembly([{ ...plain, ...changes }])[0] ?? '';

describe('what is told of an instruction', () => {
  test.each<[string, Partial<FuzzInstruction>]>([
    ['mov eax, ecx', {}],
    ['o16 mov ax, cx', { prefixes: [0x66], wide: 2 }],
    ['mov dword [ebx+esi*4-0x10], ecx', { modrm: [0x4c, 0xb3], displacement: [0xf0] }],
    ['mov dword [0xa000], ecx', { modrm: [0x0d], displacement: [0, 0xa0, 0, 0] }],
    [
      'a16 fs mov dword [bx+si+5], ecx',
      { prefixes: [0x67, 0x64], modrm: [0x48], displacement: [5], address32: false },
    ],
    ['mov cr3, eax', { mnemonic: 'MOVCR', opcode: [0x0f, 0x22], modrm: [0xd8], operands: ['C', 'Rd'] }],
    [
      'jecxz 0x8002',
      { mnemonic: 'JCXZ', opcode: [0xe3], modrm: [], operands: ['Jb'], jump: { skips: 0, size: 1 } },
    ],
    ['setnz cl', { mnemonic: 'SETCC', opcode: [0x0f, 0x95], modrm: [0xc1], operands: ['Eb'] }],
    ['rep movsd', { mnemonic: 'MOVS', prefixes: [0xf3], opcode: [0xa5], modrm: [], operands: [] }],
    [
      'call 0x2b:0xa000',
      { mnemonic: 'CALL', opcode: [0x9a], modrm: [], immediate: [0, 0xa0, 0, 0, 0x2b, 0], operands: ['P'] },
    ],
    ['fadd qword [edi]', { mnemonic: 'FADD', opcode: [0xdc], modrm: [0x07], operands: ['Mq'] }],
    ['fadd st0, st3', { mnemonic: 'FADD', opcode: [0xd8, 0xc3], modrm: [], operands: ['ST0', 'ST+'] }],
    ['paddb mm1, mm2', { mnemonic: 'PADDB', opcode: [0x0f, 0xfc], modrm: [0xca], operands: ['Gmq', 'Emq'] }],
  ])('%s', (text, changes) => {
    expect(textOf(changes)).toBe(text);
  });
});

const around: Surroundings = {
  ...{ code32: true, registers: Array.from({ length: 8 }, () => 0), spots: [0xa000] },
  ...{ selectors: [0x2b], following: 0, isFirst: true },
};

test.each(
  [...ALL_FORMS, ...FLOATING_POINT_FORMS].map((form): [string, Form] => [
    `${form.mnemonic} ${Buffer.from(form.opcode).toString('hex')}`,
    form,
  ]),
)('%s has bytes and a text without gaps', (_, form) => {
  const random = new Random(1);
  for (let i = 0; i < 8; i++) {
    const instruction = encode(form, around, random);
    expect(assemble([instruction])[0]?.every((byte) => byte >= 0 && byte < 256)).toBe(true);
    expect(assembly([instruction])[0]).not.toMatch(/undefined\b(?!\))|NaN|\[\]|, $|,,/);
  }
});
