// SPDX-License-Identifier: GPL-2.0-or-later

import { gzipSync } from 'node:zlib';
import { MemoryImage } from '../expand/image.js';
import type { MemoryRun, ProcessorGiven, ProcessorRegisters } from '../protocol.js';
import type { Outcome } from './witness.js';

/** One line of a recorded file, as cases/recorded/README.md describes it. */
export interface Vector {
  id: string;
  group: string;
  title: string;
  memory: MemoryRun[];
  cpu: Record<string, unknown>;
  stop: 'hlt';
  /** `then` in the file. */
  after: { cpu: Record<string, unknown>; memory: MemoryRun[] };
  memory_mask: MemoryRun[];
  /** The bits of EFLAGS that are defined. */
  flags_mask?: number;
  evidence: string[];
}

/** The line for a program that a witness has run. */
export function vectorOf(
  head: { id: string; group: string; title: string },
  given: ProcessorGiven,
  outcome: Outcome,
  memoryMask: MemoryRun[],
  evidence: string[],
): Vector {
  return {
    ...head,
    memory: given.memory,
    cpu: recordedRegisters(given.registers),
    stop: 'hlt',
    after: {
      cpu: recordedRegisters(outcome.registers),
      memory: changes(given, outcome.memory),
    },
    memory_mask: memoryMask,
    evidence,
  };
}

/** The registers as the format has them: the SYSENTER registers apart. */
function recordedRegisters(registers: ProcessorRegisters): Record<string, unknown> {
  const { sysenter_cs, sysenter_esp, sysenter_eip, ...rest } = registers;
  return { ...rest, msrs: { sysenter_cs, sysenter_esp, sysenter_eip } };
}

/** Changes that are closer together than this make one run. */
const GAP = 8;

/** The runs of bytes that differ from the given ones. */
function changes(given: ProcessorGiven, after: MemoryImage): MemoryRun[] {
  const before = MemoryImage.of(given.memory);
  const runs: { at: number; bytes: number[] }[] = [];
  for (let at = 0; at < given.memory_size; at++) {
    const byte = after.read8(at);
    if (byte === before.read8(at)) continue;
    const last = runs.at(-1);
    const end = last === undefined ? Number.NEGATIVE_INFINITY : last.at + last.bytes.length;
    if (last === undefined || at - end > GAP) {
      runs.push({ at, bytes: [byte] });
      continue;
    }
    for (let between = end; between < at; between++) last.bytes.push(after.read8(between));
    last.bytes.push(byte);
  }
  return runs.map(({ at, bytes }) => ({ at, hex: Buffer.from(bytes).toString('hex') }));
}

/** Whether two outcomes agree on every field that counts. */
export function agree(given: ProcessorGiven, one: Outcome, other: Outcome, memoryMask: MemoryRun[]): boolean {
  const registers = (outcome: Outcome) => JSON.stringify(sorted(recordedRegisters(outcome.registers)));
  if (registers(one) !== registers(other)) return false;
  const masks = MemoryImage.of(memoryMask.map(({ at, hex }) => ({ at, hex: inverted(hex) })));
  for (let at = 0; at < given.memory_size; at++) {
    const difference = one.memory.read8(at) ^ other.memory.read8(at);
    if ((difference & ~masks.read8(at) & 0xff) !== 0) return false;
  }
  return true;
}

/** Masks say which bits count; an image is zero where there is none. */
const inverted = (hex: string): string =>
  Buffer.from(Buffer.from(hex, 'hex').map((byte) => ~byte)).toString('hex');

/** With its keys in order, so that two can be compared as text. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, part]) => [key, sorted(part)]));
}

/** What an object with such a key is in JavaScript does not matter to the format. */
const AFTER = 'then';

const asRecorded = ({ after, ...rest }: Vector) =>
  Object.fromEntries([...Object.entries(rest), [AFTER, after]]);

/** The lines, packed; the same bytes for the same lines. */
export function packed(vectors: readonly Vector[]): Buffer {
  const text = vectors.map((vector) => `${JSON.stringify(asRecorded(vector))}\n`).join('');
  return gzipSync(text, { level: 9 });
}
