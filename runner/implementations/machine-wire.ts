// SPDX-License-Identifier: GPL-2.0-or-later

import {
  GENERAL_REGISTERS,
  type PortAccess,
  type ProcessorRegisters,
  SEGMENT_REGISTERS,
  type SegmentName,
  type SegmentRegister,
} from '../protocol.js';
import type { MachineCase } from './bare-machine.js';

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

export function encodeMachineCase(given: MachineCase, instructions: number): Buffer {
  const { registers } = given;
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

/** The reply at the beginning of `bytes` and its length, or undefined while it is incomplete. */
export function decodeMachineReply(bytes: Buffer): { reply: MachineReply; length: number } | undefined {
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
  const word = (name: (typeof WORDS)[number]): number => values[WORDS.indexOf(name)] ?? 0;
  const segment = (name: SegmentName): SegmentRegister => {
    const at = WORDS.length + 4 * SEGMENT_REGISTERS.indexOf(name);
    const [selector = 0, base = 0, limit = 0, attributes = 0] = values.slice(at, at + 4);
    return { selector, base, limit, attributes };
  };
  const [gdtBase = 0, gdtLimit = 0, idtBase = 0, idtLimit = 0] = values.slice(-4);
  return {
    eax: word('eax'),
    ecx: word('ecx'),
    edx: word('edx'),
    ebx: word('ebx'),
    esp: word('esp'),
    ebp: word('ebp'),
    esi: word('esi'),
    edi: word('edi'),
    eip: word('eip'),
    eflags: word('eflags'),
    cr0: word('cr0'),
    cr2: word('cr2'),
    cr3: word('cr3'),
    cr4: word('cr4'),
    sysenter_cs: word('sysenter_cs'),
    sysenter_esp: word('sysenter_esp'),
    sysenter_eip: word('sysenter_eip'),
    es: segment('es'),
    cs: segment('cs'),
    ss: segment('ss'),
    ds: segment('ds'),
    fs: segment('fs'),
    gs: segment('gs'),
    tr: segment('tr'),
    ldtr: segment('ldtr'),
    gdtr: { base: gdtBase, limit: gdtLimit },
    idtr: { base: idtBase, limit: idtLimit },
  };
}
