// SPDX-License-Identifier: GPL-2.0-or-later

import { readLinear32, translate } from '../../expand/descriptors.js';
import { deliver } from '../../expand/exception.js';
import type { MemoryImage } from '../../expand/image.js';
import type { CaseRequest, MemoryRun, ProcessorRegisters, StepResult } from '../../protocol.js';
import { Unsupported } from '../bare-machine.js';
import { codeAt, portsOf, refuseForeignInstructions } from './instructions.js';
import { hex, markTouched } from './machine.js';
import type { Plan } from './plan.js';
import { isLocal } from './segments.js';
import { type NativeResult, PAGE } from './wire.js';

const SIGSYS = 31;
const SIGVTALRM = 26;

const [DB, BP, OF, GP, PF, MF] = [1, 3, 4, 13, 14, 16];
/** Exceptions that the kernel reports as the processor raised them. */
const REPORTED: ReadonlySet<number> = new Set([0, DB, BP, OF, 5, 6, 11, 12, GP, PF, MF]);
const WITH_ERROR_CODE: ReadonlySet<number> = new Set([11, 12, GP, PF]);

/** Error codes: of a selector; of a page fault without the fetch bit, which is 0 without PAE. */
const ERROR_IDT = 0x02;
const ERROR_EXTERNAL = 0x01;
const PF_PRESENT = 0x01;
const PF_WITHOUT_FETCH = 0x07;

/** With it x87 errors are reported by #MF. */
const CR0_NE = 0x20;

const HLT = 0xf4;
const TF = 0x100;

/** In `attributes`: S and the code bit; S, the code, expand-down and writable bits. */
const TYPE_CODE = 0x18;
const TYPE_MASK_STACK = 0x1e;
const TYPE_STACK = 0x12;
const LARGEST_FRAME = 24;

const NATIVE_WORDS = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi', 'eip', 'eflags'] as const;
const NATIVE_SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'] as const;

/**
 * The answer to a case from what the CPU did at privilege level 3. The exception that ended the run is measured: its
 * number, error code, CR2 and the registers at it. What the case's gate then does with it is composed, by the
 * derivation of `exception` in spec/writing-cases.md, and the outcome says so. Throws `Unsupported` when the run went
 * where a user process is not like the case's machine.
 */
export function compose(request: CaseRequest, plan: Plan, result: NativeResult): StepResult {
  refuseOtherEnds(result);
  const memory = memoryAfter(plan, result);
  const atFault = registersAtFault(plan, result, memory);
  const linear = (atFault.cs.base + atFault.eip) >>> 0;
  refuseForeignInstructions(codeAt(linear, 16, atFault, memory), atFault, plan.ldt);
  const errorCode = errorCodeOf(result);
  refuseKernelCauses(plan, result, errorCode, atFault, memory);
  for (const [i, page] of plan.pages.entries()) {
    const touched = result.touched[i];
    if (touched !== undefined) markTouched(memory, page, touched);
  }
  const after = delivered(result, errorCode, atFault, memory);
  refuseOtherDeliveries(after.registers, after.memory);
  return {
    outcome: { stop: 'hlt', composed: true },
    state: {
      registers: after.registers,
      memory: clip(after.memory.runs(), request.observe.memory ?? []),
      io: [],
    },
    events: [],
  };
}

function refuseOtherEnds({ status, signal, registers, vector }: NativeResult): void {
  if (status === 'cannot set up') throw new Unsupported('the registers or segments cannot be loaded');
  if (status === 'child died') throw new Unsupported(`the kernel ended the process with signal ${signal}`);
  if (signal === SIGSYS) throw new Unsupported('a system call of the kernel below');
  if (signal === SIGVTALRM)
    throw new Unsupported('no end within the time limit; instructions are not counted');
  if (!REPORTED.has(vector)) throw new Unsupported(`exception ${vector} at ${hex(registers.eip)}`);
}

function memoryAfter(plan: Plan, result: NativeResult): MemoryImage {
  const memory = plan.memory.copy();
  for (const { physical, bytes } of result.dirtyPages) {
    for (let i = 0; i < PAGE; i++) memory.write8(physical + i, bytes[i] ?? 0);
  }
  return memory;
}

function registersAtFault(plan: Plan, result: NativeResult, memory: MemoryImage): ProcessorRegisters {
  const registers: ProcessorRegisters = { ...plan.given.registers };
  for (const name of NATIVE_WORDS) registers[name] = result.registers[name];
  for (const name of NATIVE_SEGMENTS) {
    const selector = result.registers[name];
    if (selector !== registers[name].selector) registers[name] = plan.ldt.loaded(selector, memory);
  }
  return registers;
}

function errorCodeOf({ vector, errorCode }: NativeResult): number | undefined {
  if (!WITH_ERROR_CODE.has(vector)) return undefined;
  return vector === PF ? errorCode & PF_WITHOUT_FETCH : errorCode;
}

// ------------------------------------------------------------- where the kernel's tables are not those of the case

function refuseKernelCauses(
  plan: Plan,
  { vector, cr2 }: NativeResult,
  errorCode: number | undefined,
  atFault: ProcessorRegisters,
  memory: MemoryImage,
): void {
  if (vector === DB && (atFault.eflags & TF) === 0) {
    throw new Unsupported('ICEBP, whose trap a hypervisor below may report at another address');
  }
  if (vector === MF && (atFault.cr0 & CR0_NE) === 0) {
    throw new Unsupported('an x87 error with CR0.NE clear; the kernel has it set');
  }
  if (vector === PF) {
    refuseUnmappable(plan, cr2, errorCode ?? 0);
  } else if (vector === BP || vector === OF) {
    requireGateLevel(vector, 3, atFault, memory);
  } else if (errorCode === 0) {
    refusePermittedPorts(atFault, memory);
  } else if (errorCode !== undefined && (errorCode & ERROR_IDT) !== 0) {
    requireGateLevel(errorCode >> 3, 0, atFault, memory);
  } else if (errorCode !== undefined) {
    requireMirroredSelector(plan, errorCode & ~ERROR_EXTERNAL);
  }
}

/** A page that the case has but that could not be mapped here, because it is the kernel's or a supervisor's. */
function refuseUnmappable(plan: Plan, cr2: number, errorCode: number): void {
  const { registers, memory_size } = plan.given;
  const physical = translate(cr2, registers, plan.memory);
  if ((registers.cr0 & 0x80000000) === 0 || (physical !== undefined && physical >= memory_size)) {
    throw new Unsupported(`no memory can be mapped at ${hex(cr2)}`);
  }
  if (physical !== undefined && (errorCode & PF_PRESENT) === 0) {
    throw new Unsupported(`the page of ${hex(cr2)} is present but cannot be mapped in a process`);
  }
}

/** INT n was judged by the kernel's gate: the case's gate must have the same privilege level, 3 or not. */
function requireGateLevel(
  vector: number,
  level: number,
  registers: ProcessorRegisters,
  memory: MemoryImage,
): void {
  const beyond = 8 * vector + 7 > registers.idtr.limit;
  const gate = beyond ? 0 : readLinear32(registers.idtr.base + 8 * vector + 4, registers, memory);
  const caseLevel = (gate >>> 13) & 3;
  if ((caseLevel === 3) !== (level === 3)) {
    throw new Unsupported(`the gate of vector ${hex(vector)} has another privilege level in the kernel`);
  }
}

/** The kernel permits no port; if the case's TSS does, the refusal was not the case's. */
function refusePermittedPorts(registers: ProcessorRegisters, memory: MemoryImage): void {
  const linear = (registers.cs.base + registers.eip) >>> 0;
  const access = portsOf(codeAt(linear, 15, registers, memory), registers.edx);
  if (access === undefined) return;
  const { tr } = registers;
  const word = (offset: number) => readLinear32(tr.base + offset, registers, memory) & 0xffff;
  const at = word(0x66) + (access.port >> 3);
  if (at + 1 > tr.limit) return;
  const mask = ((1 << access.size) - 1) << (access.port & 7);
  if ((word(at) & mask) === 0) throw new Unsupported(`port ${hex(access.port)} is permitted`);
}

function requireMirroredSelector(plan: Plan, selector: number): void {
  const isLinux = selector === 0x20 || selector === 0x28;
  if (isLocal(selector)) plan.ldt.requireExact(selector);
  else if (!isLinux)
    throw new Unsupported(`selector ${hex(selector)} names a descriptor of the kernel's GDT`);
}

// --------------------------------------------------------------------------------------------------- ring 0's part

function delivered(
  result: NativeResult,
  errorCode: number | undefined,
  atFault: ProcessorRegisters,
  memory: MemoryImage,
) {
  const { vector, cr2 } = result;
  const spec = {
    vector,
    eip: atFault.eip,
    eflags: atFault.eflags,
    cr2: vector === PF ? cr2 : atFault.cr2,
    ...(errorCode === undefined ? {} : { error_code: errorCode }),
  };
  return deliver(spec, atFault, memory, { frameSelector: 'zero_extended' });
}

/** The derivation expects that the delivery succeeds and that the handler begins with HLT; else only ring 0 knows. */
export function refuseOtherDeliveries(registers: ProcessorRegisters, memory: MemoryImage): void {
  const { cs, ss, eip, esp } = registers;
  const handler = eip - 1;
  const code = (cs.attributes & TYPE_CODE) === TYPE_CODE && handler <= cs.limit;
  const stack = (ss.attributes & TYPE_MASK_STACK) === TYPE_STACK && esp + LARGEST_FRAME - 1 <= ss.limit;
  if (!code || !stack) throw new Unsupported('the delivery to privilege level 0 would fault');
  if (codeAt((cs.base + handler) >>> 0, 1, registers, memory)[0] !== HLT) {
    throw new Unsupported('the handler does more than HLT, which only privilege level 0 can run');
  }
}

/** The parts of `runs` that lie in the observed ranges. */
export function clip(runs: MemoryRun[], ranges: [number, number][]): MemoryRun[] {
  return runs.flatMap((run) =>
    ranges.flatMap(([begin, length]) => {
      const from = Math.max(run.at, begin);
      const to = Math.min(run.at + run.hex.length / 2, begin + length);
      return from < to ? [{ at: from, hex: run.hex.slice(2 * (from - run.at), 2 * (to - run.at)) }] : [];
    }),
  );
}
