// SPDX-License-Identifier: GPL-2.0-or-later

import type { ProcessorRegisters } from '../../protocol.js';
import { imageOf, type MachineCase } from '../bare-machine.js';
import { readSaveArea, saveArea } from './save-area.js';

/** What `nasm -f bin monitor.asm` makes: the last 1024 bytes of the ROM. A test proves that the two agree. */
const MONITOR = Buffer.from(
  [
    'fcb800808ed0bc00706667813d0c002000214e55527551b03de6e96667a104002000e8b001b053e8980166be00fe0800',
    '66b928000000e8920166be48ff080066b92e000000e88301b058e875010f20d0e8820166b9740100000f32e877014181',
    'f9770175f4e8180166678b35000020006667ad6685c00f84dd006667ad6667a30400200066bf00fe080066b928000000',
    'f36667a566bf48ff080066b92e000000f36667a56667ad0f22d066b9740100006631d26667ad0f304181f9770175f466',
    '67ad6689c36667ad6667a3080020006689c166c1e9026631ff6631c0f36667ab6667ad6689c56685ed74206667ad6689',
    'c76667ad6689c16689c2f367a466f7da6683e2036601d6664debdb66678935000020006631f666bf0000300066678b0d',
    '0800200066c1e902f36667a56667c7050c002000214e55526631c00f23c00f23c80f23d00f23d8dbe3b030e64388d8e6',
    '4088f8e6400faab021e86600b00ae6e966ba0089000066be7881080066b908000000f3676ef4ebfd53687574646f776e',
    '6631f666bf0000300066678b0d0800200066c1e9026639c0f36667a7741ab04de81f0066678d46fce82a0066678b46fc',
    'e822006685c975e0b02ee80500b00ae6e9c350b00ae6e958e6e9c36667ade8040067e2f7c35351b9080066c1c0046689',
    'c380e30f80c33080fb39760380c32786c3e6e986c3e2e3595bc36667c70500ff0300000008006667c705100020000100',
    '00000faafafc2e660f011680ff0f20c00c010f22c0b808008ed88ec0b0ffe621e6a16667813d0c002000214e55527523',
    'b808008ed066bc00002000b03de6e96667a104002000e87cffb054e864ffe81fffeb6466bf000000016631dbbaf201b0',
    '00ee6689d8b9030042ee66c1e808e2f842b0e0ee42b020eebe0001ec24883c0875f9baf00166b900010000f3676dbaf7',
    '014e75e76681c3000100006667a10000000166c1e0086639c372b16667c70500002000040000016667c7050c00200000',
    '0000006667c705100020000000000066befafdffff66bf0080030066b91a000000f367a466be00fcffff66bf00800800',
    '66b9fa010000f367a46667c7050000c0fe150000006667c7051000c0fe000000006667c7050000c0fe140000006667c7',
    '051000c0fe000200006667c7051003e0fe000000006667c7050003e0fe004200006667833d100020000175f56667c705',
    '0003e0fe00420000f4ebfd90909090900000000000000000ffff00000093cf000f0070ffffff00000000000000000000',
    '000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000',
    '000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000',
    'e921fe00000000000000000000000000',
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

/** The timer ticks 1,193,182 times a second, the processor makes 1,000,000 instructions; its counter has 16 bits. */
const TICKS_PER_INSTRUCTION = 1.2;
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
}

function encodeCase({ given, instructions }: TimedCase, number: number): Buffer {
  const { registers } = given;
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
  /** The processor shut down; its registers are lost, and are here as they were given. */
  shutDown: boolean;
  registers: ProcessorRegisters;
  memory: Buffer;
}

/** The lines of one answer, from `S` or `T` to the last `M`. */
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
  if (lines.includes('T')) return { shutDown: true, registers: given.registers, memory };
  if (registers === undefined) throw new Error('the monitor reported no registers');
  return { shutDown: false, registers, memory };
}

function numbersIn(digits: string): number[] {
  return (digits.match(/.{8}/g) ?? []).map((word) => Number.parseInt(word, 16));
}

const littleEndian = (digits: string): Buffer => words(...numbersIn(digits));
