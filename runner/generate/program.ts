// SPDX-License-Identifier: GPL-2.0-or-later

import type { MemoryRun, ProcessorGiven } from '../protocol.js';
import { CODE, dwords, HLT, INPUT, machine, OUTPUT } from './machine.js';
import type { Outcome } from './witness.js';

/**
 * A few instructions with their data that leave what is to be compared in memory. Several probes make a program, so that a
 * vector is worth its machine.
 */
export interface Probe {
  title: string;
  /** @param place where its data are and its results go */
  code(place: Place): number[];
  /** At most `SLOT` bytes. */
  data: readonly number[];
  /** Bits of the results that do not count, once the outcome is known. */
  masks?(place: Place, outcome: Outcome): MemoryRun[];
}

export interface Place {
  input: number;
  output: number;
}

/** Bytes of data, and of results, that a probe has. */
export const SLOT = 160;

export interface Program {
  title: string;
  given: ProcessorGiven;
  masks(outcome: Outcome): MemoryRun[];
}

/** The bytes of a double word of code. */
export const word = (value: number): number[] => [...Buffer.from(dwords(value), 'hex')];

/** MOV [address], EAX: the page is written before anything that it could disturb. */
const touch = (address: number): number[] => [0xa3, ...word(address)];

/** @param probes at most 25 */
export function programOf(probes: readonly Probe[]): Program {
  const places = probes.map((_, i) => ({ input: INPUT + i * SLOT, output: OUTPUT + i * SLOT }));
  const placed = probes.map((probe, i) => ({ probe, place: places[i] ?? { input: INPUT, output: OUTPUT } }));
  const body = placed.flatMap(({ probe, place }) => probe.code(place));
  const code = [...touch(OUTPUT), ...body, HLT];
  if (CODE + code.length > INPUT) throw new Error('the code of the program is too long');
  const data = placed.map(({ probe, place }) => ({
    at: place.input,
    hex: Buffer.from(probe.data).toString('hex'),
  }));
  return {
    title: probes.map(({ title }) => title).join('; '),
    given: machine(code, data),
    masks: (outcome) => placed.flatMap(({ probe, place }) => probe.masks?.(place, outcome) ?? []),
  };
}
