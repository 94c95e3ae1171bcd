// SPDX-License-Identifier: GPL-2.0-or-later

import { type Case, type Data, type DataMap, isMap } from '../../cases/case.js';
import { memoryRuns } from '../../cases/memory.js';
import { hostGiven } from '../../expand/host.js';
import type { CaseRequest, MemoryRun, Profile, RequestStep } from '../../protocol.js';

/** The conformance classes whose inputs are the state of a host and operations on it. */
export type HostClass = 'host' | 'system';

/** A state of a host with its guests, and what happens to it. */
export interface HostFuzzCase {
  id: string;
  class: HostClass;
  /** The case of the suite, or the kept input, from which it was made. */
  origin: string;
  /** Clauses of the case from which it was made. */
  clauses: readonly string[];
  /** As case files have it, with all memory in runs: what is absent has its default. */
  given: DataMap;
  /** Each with `op`, and with `args` and other parameters where it has some. */
  steps: DataMap[];
}

/** What an implementation of a profile is asked. */
export function hostRequest(entry: HostFuzzCase, profile: Profile): CaseRequest {
  return {
    id: entry.id,
    class: entry.class,
    profile,
    given: hostGiven(entry.given, entry.class),
    steps: entry.steps.map(requestStep),
    observe: {},
  };
}

const requestStep = (step: DataMap): RequestStep => ({ ...step, op: String(step.op) });

/** Whole lives with devices are inputs of another kind. */
const LEFT_OUT = new Set(['boot']);

/** A case of the suite as something to begin with; undefined when its form is not that of a case file. */
export function originOf(entry: Case): HostFuzzCase | undefined {
  if (entry.class === 'processor' || entry.withdrawn !== undefined) return undefined;
  const { given, steps } = entry.body();
  const { args, code, fixture: _, ...state } = given;
  const hasCallsBefore = steps.some(({ parameters }) => parameters.before !== undefined);
  if (hasCallsBefore || steps.some(({ op }) => LEFT_OUT.has(op))) return undefined;
  return {
    id: entry.id,
    class: entry.class,
    origin: entry.id,
    clauses: entry.clauses,
    given: withPlainMemory(state, code),
    // Recorded answers have the arguments of the only step beside the state.
    steps: steps.map(({ op, parameters }) => ({
      op,
      ...(args === undefined ? {} : { args }),
      ...parameters,
    })),
  };
}

const KERNEL_ADDRESS = 0xc0000000;

/** The state with its memory, and that of its guests, in runs of bytes; code is memory. */
function withPlainMemory(state: DataMap, code: Data | undefined): DataMap {
  const plain: DataMap = { ...state };
  const runs = memoryRuns(state.memory);
  if (isMap(code)) {
    const at = Number(code.at);
    runs.push(...memoryRuns([{ ...code, at: at >= KERNEL_ADDRESS ? at - KERNEL_ADDRESS : at }]));
  }
  if (runs.length > 0) plain.memory = dataOf(runs);
  if (Array.isArray(state.guests)) {
    plain.guests = state.guests.map((guest) => (isMap(guest) ? withPlainMemory(guest, undefined) : guest));
  }
  return plain;
}

export const dataOf = (runs: readonly MemoryRun[]): DataMap[] => runs.map(({ at, hex }) => ({ at, hex }));

/** The map under a key, made when it is not there. */
export function mapIn(tree: DataMap, key: string): DataMap {
  const value = tree[key];
  if (isMap(value)) return value;
  const made: DataMap = {};
  tree[key] = made;
  return made;
}

/** The list under a key, made when it is not there. */
export function listIn(tree: DataMap, key: string): Data[] {
  const value = tree[key];
  if (Array.isArray(value)) return value;
  const made: Data[] = [];
  tree[key] = made;
  return made;
}

/** A number under a key, 0 when it is not there. */
export function numberIn(tree: DataMap, key: string): number {
  const value = tree[key];
  return typeof value === 'number' ? value : 0;
}
