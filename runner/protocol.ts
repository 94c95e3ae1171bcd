// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * The messages between the runner and an implementation, as TypeScript types.
 *
 * The normative description is `spec/schema/protocol.schema.json` and `spec/protocol.md`; a test proves that the
 * two agree. All integers are unsigned 32 bits unless a comment says otherwise; bytes are hex strings in memory
 * order; 64-bit quantities are strings of hex digits with `0x`.
 */

export const PROTOCOL_VERSION = 1;

/** JSON-RPC error codes with a meaning of their own here. */
export const ErrorCode = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  /** The implementation does not do this; `data.reason` says what it lacks. */
  unsupported: 1001,
  /** The implementation found the case malformed. */
  malformedCase: 1002,
} as const;

export const CONFORMANCE_CLASSES = ['processor', 'host', 'system'] as const;
export type ConformanceClass = (typeof CONFORMANCE_CLASSES)[number];

export const PROFILES = ['linux-2.6.29', 'hardened'] as const;
export type Profile = (typeof PROFILES)[number];

/** What an implementation says of itself in answer to `initialize`. */
export interface Declaration {
  protocol_version: number;
  implementation: { name: string; version: string; language?: string; homepage?: string };
  classes: ConformanceClass[];
  profile: Profile;
  /** Operations it can do; absent means all of the classes it declares. */
  operations?: string[];
  /** State paths it can report (`regs`, `shadow`, `pages.guest_gdt`, ...); absent means all. */
  observes?: string[];
  features?: string[];
  /** How it uses the freedoms that the spec names; see `spec/choices.md`. */
  choices?: Record<string, string>;
}

export interface MemoryRun {
  at: number;
  hex: string;
}

/** What `run_case` carries. Everything is plain state: fixtures and defaults are already expanded. */
export interface CaseRequest {
  id: string;
  class: ConformanceClass;
  profile: Profile;
  given: Given;
  steps: RequestStep[];
  observe: Observe;
}

/** `ProcessorGiven` in class processor, `HostGiven` (host-state.ts) in classes host and system. */
export type Given = ProcessorGiven | Record<string, unknown>;

export interface RequestStep {
  op: string;
  [parameter: string]: unknown;
}

export interface Observe {
  registers?: boolean;
  /** `[address, length]` ranges of physical memory; a byte in a range that the answer does not list is zero. */
  memory?: [number, number][];
  /** Groups of finer events that an implementation reports only on request; see `spec/protocol.md`. */
  event_groups?: string[];
}

export interface CaseResult {
  steps: StepResult[];
}

export interface StepResult {
  /** How the step ended. `stop` is always there; `return` where the operation returns a value. */
  outcome: { stop: string; [key: string]: unknown };
  /** Same shape as `given`. */
  state: Record<string, unknown>;
  /** What the host did to its machine, in order; `e` names the event. Empty in class processor. */
  events: HostEvent[];
}

export interface HostEvent {
  e: string;
  [key: string]: unknown;
}

// ------------------------------------------------------------------------------------------ class processor

export interface SegmentRegister {
  selector: number;
  base: number;
  /** In bytes, already scaled by G. */
  limit: number;
  /** The descriptor's second word shifted right by 8: type 0-3, S 4, DPL 5-6, P 7, AVL 12, L 13, D/B 14, G 15. */
  attributes: number;
}

export interface TableRegister {
  base: number;
  limit: number;
}

export const GENERAL_REGISTERS = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'] as const;
export const SEGMENT_REGISTERS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs', 'tr', 'ldtr'] as const;
export const CONTROL_REGISTERS = ['cr0', 'cr2', 'cr3', 'cr4'] as const;
export const SYSENTER_REGISTERS = ['sysenter_cs', 'sysenter_esp', 'sysenter_eip'] as const;

export type GeneralRegister = (typeof GENERAL_REGISTERS)[number];
export type SegmentName = (typeof SEGMENT_REGISTERS)[number];
export type WordRegister =
  | GeneralRegister
  | (typeof CONTROL_REGISTERS)[number]
  | (typeof SYSENTER_REGISTERS)[number]
  | 'eip'
  | 'eflags';

export type ProcessorRegisters = Record<WordRegister, number> &
  Record<SegmentName, SegmentRegister> & { gdtr: TableRegister; idtr: TableRegister };

/** A port that answers; what is not listed answers all ones. */
export interface PortValue {
  port: number;
  size: 1 | 2 | 4;
  value: number;
}

export interface PortAccess extends PortValue {
  dir: 'in' | 'out';
}

/** What an implementation must declare among its features to be sent a `model`. */
export const MODELS_FEATURE = 'models';

export interface ProcessorGiven {
  /** Which of the processors of SYS-27 it is; absent: the one that has everything. */
  model?: string;
  memory_size: number;
  memory: MemoryRun[];
  registers: ProcessorRegisters;
  io: PortValue[];
}

const WORD_REGISTERS = [
  ...GENERAL_REGISTERS,
  ...CONTROL_REGISTERS,
  ...SYSENTER_REGISTERS,
  'eip',
  'eflags',
] as const satisfies readonly WordRegister[];

/** Whether a value out of JSON is a map. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether all registers are there, each with all its parts. */
export function isProcessorRegisters(value: unknown): value is ProcessorRegisters {
  if (!isObject(value)) return false;
  for (const name of WORD_REGISTERS) if (typeof value[name] !== 'number') return false;
  for (const name of SEGMENT_REGISTERS) if (!hasNumbers(value[name], SEGMENT_PARTS)) return false;
  return hasNumbers(value.gdtr, TABLE_PARTS) && hasNumbers(value.idtr, TABLE_PARTS);
}

const SEGMENT_PARTS = ['selector', 'base', 'limit', 'attributes'] as const;
const TABLE_PARTS = ['base', 'limit'] as const;

function hasNumbers(register: unknown, parts: readonly string[]): boolean {
  if (!isObject(register)) return false;
  for (const part of parts) if (typeof register[part] !== 'number') return false;
  return true;
}

/** Whether `given` is the state of a processor, as class processor has it. */
export function isProcessorGiven(given: Given): given is ProcessorGiven {
  return (
    typeof given.memory_size === 'number' &&
    Array.isArray(given.memory) &&
    Array.isArray(given.io) &&
    isProcessorRegisters(given.registers)
  );
}

/** The one operation of class processor. */
export interface RunStep extends RequestStep {
  op: 'run';
  until: 'hlt';
  max_instructions: number;
  /**
   * External events, each taken at the first instruction boundary at which `after` instructions have been executed
   * since the step began and the processor accepts it. Absent or empty: none.
   */
  interrupts?: { after: number; vector?: number; nmi?: boolean }[];
}

/** `hlt`: HLT executed at privilege level 0; `limit`: `max_instructions` reached; `shutdown`: triple fault. */
export type ProcessorStop = 'hlt' | 'limit' | 'shutdown';

export interface ProcessorStepResult extends StepResult {
  outcome: { stop: ProcessorStop };
  state: { registers: ProcessorRegisters; memory: MemoryRun[]; io: PortAccess[] };
}
