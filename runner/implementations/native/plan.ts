// SPDX-License-Identifier: GPL-2.0-or-later

import { MemoryImage } from '../../expand/image.js';
import {
  type CaseRequest,
  isProcessorGiven,
  type ProcessorGiven,
  type ProcessorRegisters,
} from '../../protocol.js';
import { refuseToCount, Unsupported } from '../bare-machine.js';
import { codeAt, refuseForeignInstructions } from './instructions.js';
import { hex, type ReachablePage, reachablePages } from './machine.js';
import { LdtMirror } from './segments.js';
import { type Hello, MAX_MEMORY, type NativeRequest } from './wire.js';

/** A case that can be run, and what is needed to understand its result. */
export interface Plan {
  given: ProcessorGiven;
  memory: MemoryImage;
  pages: ReachablePage[];
  ldt: LdtMirror;
  native: NativeRequest;
}

/** EFLAGS as a user process has them: IF set, IOPL 0, and nothing that changes how instructions end. */
const FLAGS_FIXED = 0x1f7302;
const FLAGS_REQUIRED = 0x202;

const CR0_EM = 0x04;
const CR0_TS = 0x08;
/** Bits of CR4 that change what code of privilege level 3 may do: VME, PVI, PAE, UMIP. */
const CR4_REFUSED = 0x823;

/** How much code is looked at beforehand. */
const CODE_BYTES = 256;

const LOADED = ['cs', 'ss', 'ds', 'es', 'fs', 'gs'] as const;

/** Throws `Unsupported` for a case that a 32-bit user process cannot represent. */
export function plan(request: CaseRequest, hello: Hello): Plan {
  const given = processorGiven(request);
  const { registers } = given;
  refuseSteps(request);
  refuseState(registers);
  const memory = MemoryImage.of(given.memory);
  const ldt = new LdtMirror(registers, memory);
  for (const name of LOADED) ldt.requireMirrored(registers[name]);
  const start = (registers.cs.base + registers.eip) >>> 0;
  refuseForeignInstructions(listing(start, given, memory), registers, ldt);
  const pages = reachablePages(registers, memory, given.memory_size, hello);
  return { given, memory, pages, ldt, native: nativeRequest(given, pages, ldt) };
}

function processorGiven(request: CaseRequest): ProcessorGiven {
  if (request.class !== 'processor') throw new Unsupported(`class ${request.class}`);
  if (!isProcessorGiven(request.given)) throw new Unsupported('a given that is not the state of a processor');
  return request.given;
}

function refuseSteps({ steps }: CaseRequest): void {
  const [step] = steps;
  if (step === undefined || steps.length > 1) throw new Unsupported('more than one step');
  if (Array.isArray(step.interrupts) && step.interrupts.length > 0) {
    throw new Unsupported('external interrupts cannot be requested');
  }
  refuseToCount(step.max_instructions);
}

function refuseState(registers: ProcessorRegisters): void {
  const level = registers.cs.selector & 3;
  if (level !== 3) throw new Unsupported(`privilege level ${level}`);
  if ((registers.eflags & FLAGS_FIXED) !== FLAGS_REQUIRED) {
    throw new Unsupported(
      `EFLAGS ${hex(registers.eflags)}: a process has IF set, IOPL 0, TF, NT, RF, AC clear`,
    );
  }
  if ((registers.cr0 & (CR0_EM | CR0_TS)) !== 0)
    throw new Unsupported('CR0.TS and CR0.EM belong to the kernel');
  if ((registers.cr4 & CR4_REFUSED) !== 0) throw new Unsupported(`CR4 ${hex(registers.cr4)}`);
}

/** The code of the case: from EIP to the end of the item of memory that it stands in. */
function listing(start: number, given: ProcessorGiven, memory: MemoryImage): Uint8Array {
  const bytes = codeAt(start, CODE_BYTES, given.registers, memory);
  const item = given.memory.findLast(({ at, hex: text }) => start >= at && start < at + text.length / 2);
  return item === undefined ? bytes : bytes.subarray(0, item.at + item.hex.length / 2 - start);
}

function nativeRequest(given: ProcessorGiven, pages: ReachablePage[], ldt: LdtMirror): NativeRequest {
  const { registers } = given;
  if (given.memory_size > MAX_MEMORY) throw new Unsupported(`${given.memory_size} bytes of memory`);
  const selectors = Object.fromEntries(LOADED.map((name) => [name, registers[name].selector]));
  return {
    registers: { ...registers, ...(selectors as Record<(typeof LOADED)[number], number>) },
    memorySize: given.memory_size,
    memory: given.memory.map(({ at, hex: text }) => ({ at, bytes: Buffer.from(text, 'hex') })),
    pages,
    ldt: ldt.entries,
    ldtLimit: ldt.limit,
  };
}
