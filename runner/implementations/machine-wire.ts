// SPDX-License-Identifier: GPL-2.0-or-later

import {
  GENERAL_REGISTERS,
  type PortAccess,
  type ProcessorRegisters,
  SEGMENT_REGISTERS,
  type SegmentRegister,
} from '../protocol.js';
import { type MachineCase, Unsupported } from './bare-machine.js';
import type { Dialogue } from './machine-process.js';
import { readRegisters } from './registers.js';

/**
 * What goes over the pipes between this process and a C program that runs cases on a machine: double words,
 * little-endian, in the order that machine-wire.h tells.
 */
const WORDS = [
  ...GENERAL_REGISTERS,
  'eip',
  'eflags',
  'cr0',
  'cr2',
  'cr3',
  'cr4',
  'sysenter_cs',
  'sysenter_esp',
  'sysenter_eip',
] as const;
const REGISTER_WORDS = WORDS.length + 4 * SEGMENT_REGISTERS.length + 4;

const STATUS = ['hlt', 'limit', 'shutdown', 'exception', 'cannot'] as const;

export interface MachineReply {
  /** `exception`: one that is left to the runner; `cannot`: `text` says why. */
  status: (typeof STATUS)[number];
  vector: number;
  errorCode: number;
  /** The exception is that of an INT instruction. */
  isInt: boolean;
  registers: ProcessorRegisters;
  io: PortAccess[];
  text: string;
  memory: Buffer;
}

/** The language of machine-wire.h; a case of more than one step cannot be told in it. */
export const WIRE: Dialogue<MachineCase, MachineReply> = {
  encode: encodeMachineCase,
  decode: decodeMachineReply,
};

function encodeMachineCase(given: MachineCase): Buffer {
  const { registers, steps } = given;
  const [instructions, ...others] = steps;
  if (instructions === undefined || others.length > 0) throw new Unsupported('more than one step');
  const runs = given.memory.map(({ at, hex }) => ({ at, bytes: Buffer.from(hex, 'hex') }));
  return Buffer.concat([
    words([
      ...WORDS.map((name) => registers[name]),
      ...SEGMENT_REGISTERS.flatMap((name) => segmentWords(registers[name])),
      ...[registers.gdtr.base, registers.gdtr.limit, registers.idtr.base, registers.idtr.limit],
      ...[given.memorySize, instructions, runs.length],
    ]),
    ...runs.flatMap(({ at, bytes }) => [words([at, bytes.length]), bytes, Buffer.alloc(-bytes.length & 3)]),
    words([given.io.length, ...given.io.flatMap(({ port, size, value }) => [port, size, value])]),
  ]);
}

const segmentWords = ({ selector, base, limit, attributes }: SegmentRegister): number[] => [
  selector,
  base,
  limit,
  attributes,
];

function words(values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value >>> 0, index * 4);
  return bytes;
}

function decodeMachineReply(bytes: Buffer): { reply: MachineReply; length: number } | undefined {
  if (bytes.length < 4) return undefined;
  const length = 4 + bytes.readUInt32LE(0);
  if (bytes.length < length) return undefined;
  let at = 4;
  const word = (): number => {
    at += 4;
    return bytes.readUInt32LE(at - 4);
  };
  const status = STATUS[word()];
  if (status === undefined) throw new Error('the machine answered with a status that does not exist');
  const [vector, errorCode, isInt] = [word(), word(), word() !== 0];
  const registers = registersFrom(Array.from({ length: REGISTER_WORDS }, word));
  const io = Array.from({ length: word() }, () => accessFrom(word(), word(), word(), word()));
  const textBytes = word();
  const text = bytes.toString('utf8', at, at + textBytes);
  at += (textBytes + 3) & ~3;
  return {
    reply: { status, vector, errorCode, isInt, registers, io, text, memory: bytes.subarray(at, length) },
    length,
  };
}

function accessFrom(out: number, port: number, size: number, value: number): PortAccess {
  if (size !== 1 && size !== 2 && size !== 4) throw new Error(`a port access of ${size} bytes`);
  return { dir: out === 0 ? 'in' : 'out', port, size, value };
}

function registersFrom(values: readonly number[]): ProcessorRegisters {
  const [gdtBase = 0, gdtLimit = 0, idtBase = 0, idtLimit = 0] = values.slice(-4);
  return readRegisters({
    word: (name) => values[WORDS.indexOf(name)] ?? 0,
    segment: (name) => {
      const at = WORDS.length + 4 * SEGMENT_REGISTERS.indexOf(name);
      const [selector = 0, base = 0, limit = 0, attributes = 0] = values.slice(at, at + 4);
      return { selector, base, limit, attributes };
    },
    table: (name) =>
      name === 'gdtr' ? { base: gdtBase, limit: gdtLimit } : { base: idtBase, limit: idtLimit },
  });
}
