// SPDX-License-Identifier: GPL-2.0-or-later

import type { ProcessorRegisters } from '../../protocol.js';
import { imageOf, type MachineCase } from '../bare-machine.js';
import { readSaveArea, saveArea } from './save-area.js';

/** What `nasm -f bin monitor.asm` makes: the last 1024 bytes of the ROM. A test proves that the two agree. */
const MONITOR = Buffer.from(
  [
    'fcb800808ed0bc00706667833d0c002000010f858c00b03de6e96667a104002000e8a901b053e8910166be00fe080066',
    'b928000000e88b0166be48ff080066b92e000000e87c01b058e86e010f20d0e87b0166b9740100000f32e870014181f9',
    '770175f46631f666bf0000300066678b0d0800200066c1e902f36667a7741ab04de8360166678d46fce8410166678b46',
    'fce839016685c975e0b02ee81c01b00ae6e966678b35000020006667ad6685c00f84dd006667ad6667a30400200066bf',
    '00fe080066b928000000f36667a566bf48ff080066b92e000000f36667a56667ad0f22d066b9740100006631d26667ad',
    '0f304181f9770175f46667ad6689c36667ad6667a3080020006689c166c1e9026631ff6631c0f36667ab6667ad6689c5',
    '6685ed74206667ad6689c76667ad6689c16689c2f367a466f7da6683e2036601d6664debdb66678935000020006631f6',
    '66bf0000300066678b0d0800200066c1e902f36667a56667c7050c002000010000006631c00f23c00f23c80f23d00f23',
    'd8dbe3b030e64388d8e64088f8e6400faab021e82400b00ae6e966ba0089000066beb281080066b908000000f3676ef4',
    'ebfd53687574646f776e50b00ae6e958e6e9c36667ade8040067e2f7c35351b9080066c1c0046689c380e30f80c33080',
    'fb39760380c32786c3e6e986c3e2e3595bc36667c70500ff0300000008006667c70510002000010000000faafafc2e66',
    '0f0116f0fe0f20c00c010f22c0b808008ed88ec0b0ffe621e6a16667c70500002000000000016667c7050c0020000000',
    '00006667c705100020000000000066bef2fdffff66bf0080030066b91a000000f367a466be00fcffff66bf0080080066',
    'b9f2010000f367a46667c7050000c0fe150000006667c7051000c0fe000000006667c7050000c0fe140000006667c705',
    '1000c0fe000200006667c7051003e0fe000000006667c7050003e0fe004200006667833d100020000175f56667c70500',
    '03e0fe00420000f4ebfd9090909090900000000000000000ffff00000093cf000f00e0feffff00000000000000000000',
    '000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000',
    '000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000',
    '000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000',
    '000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000',
    '000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000',
    'e919fe00000000000000000000000000',
  ].join(''),
  'hex',
);

const ROM_BYTES = 0x10000;

/** The ROM image, which ends at 4 GiB and again at 1 MiB. */
export function romImage(): Buffer {
  const image = Buffer.alloc(ROM_BYTES);
  MONITOR.copy(image, ROM_BYTES - MONITOR.length);
  return image;
}

/** Where the cases are put. */
export const CASES = 0x0100_0000;
/** The monitor is above that. */
export const CASE_MEMORY_BYTES = 0x8_0000;

/** The timer ticks 1,193,182 times a second, the processor makes 1,000,000 instructions; its counter has 16 bits. */
const TICKS_PER_INSTRUCTION = 1.2;
const LEAST_TICKS = 500;
const MOST_TICKS = 0xffff;

/** The most instructions that a case can run before the monitor looks at it. */
export const MOST_INSTRUCTIONS = Math.floor(MOST_TICKS / TICKS_PER_INSTRUCTION);

/** The cases as the monitor finds them in memory; a case's number is its place in the list. */
export function encodeCases(cases: readonly MachineCase[]): Buffer {
  return Buffer.concat([...cases.map(encodeCase), words(0)]);
}

function encodeCase(given: MachineCase, number: number): Buffer {
  const { registers } = given;
  const [instructions = 0] = given.steps;
  const ticks = Math.ceil(instructions * TICKS_PER_INSTRUCTION);
  const body = Buffer.concat([
    words(number),
    saveArea(registers),
    words(registers.cr2, registers.sysenter_cs, registers.sysenter_esp, registers.sysenter_eip),
    words(Math.min(Math.max(ticks, LEAST_TICKS), MOST_TICKS), roundUp(given.memorySize), given.memory.length),
    ...given.memory.flatMap(({ at, hex }) => {
      const bytes = Buffer.from(hex, 'hex');
      return [words(at, bytes.length), bytes, Buffer.alloc(-bytes.length & 3)];
    }),
  ]);
  return Buffer.concat([words(body.length), body]);
}

const roundUp = (bytes: number): number => Math.ceil(bytes / 4) * 4;

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value >>> 0, 4 * index);
  return bytes;
}

/** What the monitor reports of a case. */
export interface Report {
  registers: ProcessorRegisters;
  memory: Buffer;
}

/** The lines of one answer, from `S` to the last `M`. */
export function readReport(lines: readonly string[], given: MachineCase): Report {
  const memory = imageOf(given, roundUp(given.memorySize));
  let registers: ProcessorRegisters | undefined;
  let saved: ReturnType<typeof readSaveArea> | undefined;
  for (const line of lines) {
    const rest = line.slice(1);
    if (line.startsWith('S')) saved = readSaveArea(littleEndian(rest));
    else if (line.startsWith('X') && saved !== undefined) {
      const [cr2 = 0, sysenter_cs = 0, sysenter_esp = 0, sysenter_eip = 0] = numbersIn(rest);
      registers = { ...saved, cr2, sysenter_cs, sysenter_esp, sysenter_eip };
    } else if (line.startsWith('M')) {
      const [at = 0, value = 0] = numbersIn(rest);
      memory.writeUInt32LE(value, at);
    }
  }
  if (registers === undefined) throw new Error('the monitor reported no registers');
  return { registers, memory };
}

function numbersIn(digits: string): number[] {
  return (digits.match(/.{8}/g) ?? []).map((word) => Number.parseInt(word, 16));
}

const littleEndian = (digits: string): Buffer => words(...numbersIn(digits));
