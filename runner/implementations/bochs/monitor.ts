// SPDX-License-Identifier: GPL-2.0-or-later

import type { ProcessorRegisters } from '../../protocol.js';
import { imageOf, type MachineCase } from '../bare-machine.js';
import { OUTSIDE_SAVE_AREA, outsideSaveArea } from '../registers.js';
import { readSaveArea, saveArea } from './save-area.js';

/** What `nasm -f bin monitor.asm` makes: the last 1024 bytes of the ROM. A test proves that the two agree. */
const MONITOR = Buffer.from(
  [
    'fcb800808ed0bc00706667813d0c002000214e55527551b03de6e96667a104002000e80302b053e8eb0166be00fe0800',
    '66b928000000e8e50166be48ff080066b92e000000e8d601b058e8c8010f20d0e8d50166b9740100000f32e8ca014181',
    'f9770175f4e8610166678b35000020006667ad6685c00f8426016667ad6667a30400200066bf00fe080066b928000000',
    'f36667a566bf48ff080066b92e000000f36667a56667ad0f22d066b9740100006631d26667ad0f304181f9770175f466',
    '67ad6689c36667ad6667a308002000665666678b35140020006685f6743e6667ad6689c56685ed74336667ad6689c766',
    '67ad6689c26689c1b000f367aa6629d76681c7000030006689d1f367aa6683c2036683e2fc6601d6664debc8665e6667',
    '8935140020006667ad6689c56685ed74336667ad6689c76667ad6689c26689c1f367a46629d66629d76681c700003000',
    '6689d1f367a466f7da6683e2036601d6664debc866678935000020006667c7050c002000214e55526631c00f23c00f23',
    'c80f23d00f23d8dbe3b90800d9eee2fcdbe3b030e64388d8e64088f8e6400faab021e87000b00ae6e966ba0089000066',
    'bec181080066b908000000f3676ef4ebfd53687574646f776e6631f666bf0000300066678b0d0800200066c1e9026639',
    'c0f36667a77424b04de8290066678d46fce8340066678b46fce82c0066678b47fc66678946fc6685c975d6b02ee80500',
    'b00ae6e9c350b00ae6e958e6e9c36667ade8040067e2f7c35351b9080066c1c0046689c380e30f80c33080fb39760380',
    'c32786c3e6e986c3e2e3595bc36667c70500ff0300000008006667c70510002000010000000faafafc2e660f0116e0ff',
    '0f20c00c010f22c0b808008ed88ec0b0ffe621e6a16667813d0c002000214e55527523b808008ed066bc00002000b03d',
    'e6e96667a104002000e87cffb054e864ffe815ffeb7066bf000000016631dbbaf201b000ee6689d8b9030042ee66c1e8',
    '08e2f842b0e0ee42b020eebe0001ec24883c0875f9baf00166b900010000f3676dbaf7014e75e76681c3000100006667',
    'a10000000166c1e0086639c372b16667c70500002000040000016667c70514002000000000006667c7050c0020000000',
    '00006667c705100020000000000066be4dfeffff66bf0080030066b91a000000f367a466be00fcffff66bf0080080066',
    'b94d020000f367a46667c7050000c0fe150000006667c7051000c0fe000000006667c7050000c0fe140000006667c705',
    '1000c0fe000200006667c7051003e0fe000000006667c7050003e0fe004200006667833d100020000175f56667c70500',
    '03e0fe00420000f4ebfd9090909090900000000000000000ffff00000093cf000f00d0ffffff00000000000000000000',
    'e974fe00000000000000000000000000',
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

/** The monitor is above that. */
export const CASE_MEMORY_BYTES = 0x8_0000;

/** Of the timer, in a second of Bochs' time; its counter has 16 bits. */
const TICKS_PER_SECOND = 1_193_182;
const LEAST_TICKS = 500;
const MOST_TICKS = 0xffff;

/** A whole number of cylinders of 16 heads and 63 sectors, and of the parts that the monitor reads. */
const DISK_UNIT = 16 * 63 * 512;
const PART_BYTES = 0x2_0000;

/** The cases on a disk, as the monitor wants them; a case's number is its place in the list. */
export function diskImage(cases: readonly TimedCase[]): Buffer {
  const encoded = Buffer.concat([...cases.map(encodeCase), words(0)]);
  const parts = Math.ceil((4 + encoded.length) / PART_BYTES);
  const disk = Buffer.alloc(Math.ceil((parts * PART_BYTES) / DISK_UNIT) * DISK_UNIT);
  disk.writeUInt32LE(parts, 0);
  encoded.copy(disk, 4);
  return disk;
}

/** A case and after how many instructions it is looked at; nearly all end after a few. */
export interface TimedCase {
  given: MachineCase;
  instructions: number;
  /** In a second of Bochs' time. */
  instructionsPerSecond: number;
}

function encodeCase({ given, instructions, instructionsPerSecond }: TimedCase, number: number): Buffer {
  const { registers } = given;
  const ticks = Math.ceil((instructions * TICKS_PER_SECOND) / instructionsPerSecond);
  const body = Buffer.concat([
    words(number),
    saveArea(registers),
    words(...OUTSIDE_SAVE_AREA.map((name) => registers[name])),
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
  /** The processor shut down; its registers are lost, and are here as they were given. */
  shutDown: boolean;
  registers: ProcessorRegisters;
  memory: Buffer;
}

/** The lines of one answer, from `S` or `T` to the last `M`. */
export function readReport(lines: readonly string[], given: MachineCase): Report {
  const memory = imageOf(given, roundUp(given.memorySize));
  let area: Buffer | undefined;
  let registers: ProcessorRegisters | undefined;
  for (const line of lines) {
    const rest = line.slice(1);
    if (line.startsWith('S')) area = littleEndian(rest);
    else if (line.startsWith('X') && area !== undefined) {
      const outside = numbersIn(rest);
      registers = readSaveArea(
        area,
        outsideSaveArea((place) => outside[place] ?? 0),
      );
    } else if (line.startsWith('M')) {
      const [at = 0, value = 0] = numbersIn(rest);
      memory.writeUInt32LE(value, at);
    }
  }
  if (lines.includes('T')) return { shutDown: true, registers: given.registers, memory };
  if (registers === undefined) throw new Error('the monitor reported no registers');
  return { shutDown: false, registers, memory };
}

function numbersIn(digits: string): number[] {
  return (digits.match(/.{8}/g) ?? []).map((word) => Number.parseInt(word, 16));
}

const littleEndian = (digits: string): Buffer => words(...numbersIn(digits));
