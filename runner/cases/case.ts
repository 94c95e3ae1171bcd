// SPDX-License-Identifier: GPL-2.0-or-later

import type { ConformanceClass, HostEvent, MemoryRun, Profile } from '../protocol.js';

/** A tree of plain data, as YAML and JSON know it. */
export type Data = null | boolean | number | string | Data[] | DataMap;
export interface DataMap {
  [key: string]: Data;
}

export function isMap(value: unknown): value is DataMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What one step is expected to do. `state` holds only what changes: the frame rule gives the rest. */
export interface Expectation {
  /** Expected `outcome.stop`; absent: the default of the class. */
  outcome?: string;
  return?: number;
  bytes?: string;
  /** New values by state key (`registers`, `regs`, ...), merged over the state before the step. */
  state: DataMap;
  events?: HostEvent[];
  events_exactly?: HostEvent[];
  /** `events_exactly` has events of the page pool and the clock too: compared with hosts that report them. */
  pool_and_clock?: boolean;
  no_events?: HostEvent[];
  /** State paths that are not compared. */
  unspecified?: string[];
  /** The only state paths that are compared; absent: all. */
  compared?: string[];
  undefined_flags?: string[];
  exception?: ExceptionSpec;
  /** Bits to compare, by register; absent: all. */
  register_mask?: Record<string, number>;
  /** Values of a register any of which is right. */
  any_of?: Record<string, number[]>;
  /** Bits to compare, by physical address; absent: all. */
  memory_mask?: MemoryRun[];
}

/** The short form of "this exception was delivered and its handler's HLT executed"; see spec/writing-cases.md. */
export interface ExceptionSpec {
  vector: number | string;
  error_code?: number;
  eip?: number;
  eflags?: number;
  cr2?: number;
}

/** What replaces parts of the expectation in one profile or under one choice. */
export interface Variant {
  profile?: Profile;
  choice?: Record<string, string>;
  expected: Expectation;
}

export interface Step {
  op: string;
  /** What the request carries beside `op`: `args`, `max_instructions`, `guest`, ... */
  parameters: DataMap;
  expected: Expectation;
  variants?: Variant[];
}

/** What is known of a case before its machine is expanded. */
export interface CaseHead {
  id: string;
  behaviour: string;
  class: ConformanceClass;
  clauses: string[];
  /** The only profile it is for; absent: both. */
  profile?: Profile;
  title: string;
  /** What the expected values rest on. */
  source?: string;
  withdrawn?: string;
  /** The erratum that leaves its outcome open in profile linux-2.6.29: the case is not run. */
  unspecifiedBy?: string;
  /** Path from the package's root, and line, of its text. */
  file: string;
  line: number;
}

/** A case, its machine merged from fixture, file and case, memory in runs, but without the defaults of the class. */
export interface CaseBody {
  given: DataMap;
  steps: Step[];
}

export interface Case extends CaseHead {
  /** Built on demand: most commands need the heads only. */
  body(): CaseBody;
  /** A line of recorded answers, not YAML. */
  recorded: boolean;
}
