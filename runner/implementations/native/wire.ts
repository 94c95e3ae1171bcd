// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * What goes over the pipes between this process and native.c: double words, little-endian. The C program greets with
 * `hello`; then each request is answered by one result, in order.
 */

/** The order of the registers on the wire. */
export const WIRE_REGISTERS = [
  'eax',
  'ecx',
  'edx',
  'ebx',
  'esp',
  'ebp',
  'esi',
  'edi',
  'eip',
  'eflags',
  'es',
  'cs',
  'ss',
  'ds',
  'fs',
  'gs',
] as const;

/** Selectors for the segment registers. */
export type WireRegisters = Record<(typeof WIRE_REGISTERS)[number], number>;

export interface Hello {
  version: number;
  /** The lowest page that this user may map. */
  lowestPage: number;
  /** The pages of the program itself, which no case can have: from `monitor` to below `monitorEnd`. */
  monitor: number;
  monitorEnd: number;
}

export interface NativePage {
  linear: number;
  physical: number;
  writable: boolean;
}

export interface NativeLdtEntry {
  number: number;
  base: number;
  /** In units of G, as in the descriptor. */
  limit: number;
  /** The bit field of Linux' `struct user_desc`. */
  flags: number;
}

export interface NativeRequest {
  registers: WireRegisters;
  memorySize: number;
  memory: { at: number; bytes: Uint8Array }[];
  pages: NativePage[];
  ldt: NativeLdtEntry[];
  /** Number of the last entry of the LDT, or `NO_LDT`. */
  ldtLimit: number;
}

export const NO_LDT = 8192;

export const PAGE = 4096;
/** The limits of native.c. */
export const MAX_PAGES = 16384;
export const MAX_MEMORY = 64 << 20;

export interface NativeResult {
  status: 'ended by signal' | 'cannot set up' | 'child died';
  signal: number;
  vector: number;
  errorCode: number;
  cr2: number;
  registers: WireRegisters;
  /** One for each page of the request. */
  touched: { accessed: boolean; dirty: boolean }[];
  /** The pages that were written, by physical address. */
  dirtyPages: { physical: number; bytes: Uint8Array }[];
}

const STATUS = ['ended by signal', 'cannot set up', 'child died'] as const;
const ACCESSED = 1;
const DIRTY = 2;

export const HELLO_BYTES = 16;

export function decodeHello(bytes: Buffer): Hello {
  return {
    version: bytes.readUInt32LE(0),
    lowestPage: bytes.readUInt32LE(4),
    monitor: bytes.readUInt32LE(8),
    monitorEnd: bytes.readUInt32LE(12),
  };
}

export function encodeNativeRequest(request: NativeRequest): Buffer {
  const parts: Uint8Array[] = [
    words([
      ...WIRE_REGISTERS.map((name) => request.registers[name]),
      request.memorySize,
      request.memory.length,
      request.pages.length,
      request.ldt.length,
      request.ldtLimit,
    ]),
  ];
  for (const { at, bytes } of request.memory) {
    parts.push(words([at, bytes.length]), bytes, new Uint8Array(-bytes.length & 3));
  }
  parts.push(
    words(request.pages.flatMap(({ linear, physical, writable }) => [linear, physical, Number(writable)])),
  );
  parts.push(words(request.ldt.flatMap(({ number, base, limit, flags }) => [number, base, limit, flags])));
  return Buffer.concat(parts);
}

function words(values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) bytes.writeUInt32LE(value, i * 4);
  return bytes;
}

/** The result at the beginning of `bytes`, for a request with so many pages; `undefined` while it is incomplete. */
export function decodeNativeResult(
  bytes: Buffer,
  pages: number,
): { result: NativeResult; length: number } | undefined {
  const touchedAt = (5 + WIRE_REGISTERS.length) * 4;
  const countAt = touchedAt + ((pages + 3) & ~3);
  if (bytes.length < countAt + 4) return undefined;
  const count = bytes.readUInt32LE(countAt);
  const length = countAt + 4 + count * (4 + PAGE);
  if (bytes.length < length) return undefined;
  const word = (index: number) => bytes.readUInt32LE(index * 4);
  const status = STATUS[word(0)];
  if (status === undefined) throw new Error(`native.c answered with status ${word(0)}`);
  const registers = Object.fromEntries(WIRE_REGISTERS.map((name, i) => [name, word(5 + i)]));
  const result: NativeResult = {
    status,
    signal: word(1),
    vector: word(2),
    errorCode: word(3),
    cr2: word(4),
    registers: registers as WireRegisters,
    touched: Array.from(bytes.subarray(touchedAt, touchedAt + pages), (flags) => ({
      accessed: (flags & ACCESSED) !== 0,
      dirty: (flags & DIRTY) !== 0,
    })),
    dirtyPages: Array.from({ length: count }, (_, i) => {
      const at = countAt + 4 + i * (4 + PAGE);
      return {
        physical: bytes.readUInt32LE(at),
        bytes: Uint8Array.from(bytes.subarray(at + 4, at + 4 + PAGE)),
      };
    }),
  };
  return { result, length };
}
