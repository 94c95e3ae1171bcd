// SPDX-License-Identifier: GPL-2.0-or-later

import {
  type CaseRequest,
  CONTROL_REGISTERS,
  type Declaration,
  GENERAL_REGISTERS,
  isProcessorGiven,
  PROTOCOL_VERSION,
  type ProcessorRegisters,
  SEGMENT_REGISTERS,
  type SegmentName,
  SYSENTER_REGISTERS,
  type WordRegister,
} from '../../protocol.js';
import { imageOf, machineCase, observedRuns } from '../bare-machine.js';
import type { Answer, Implementation } from '../implementation.js';
import { readRegisters } from '../registers.js';
import { isLoader } from './trampoline.js';

/** What an image has written of one case. */
interface Entry {
  registers: number[];
  /** Address and new value of each double word that has changed. */
  changes: [number, number][];
  /** What is missing: the machine was reset, or nothing came after it. */
  end: 'complete' | 'reset' | 'nothing';
}

/** Reads what came over the serial port; other lines, such as a firmware's own, do not matter. */
export function readLog(text: string): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  let current: Entry | undefined;
  for (const line of text.split(/\r?\n/)) {
    const [keyword = '', ...words] = line.trim().split(' ');
    if (keyword === 'case' && words[0] !== undefined) {
      current = { registers: [], changes: [], end: 'nothing' };
      entries.set(words[0], current);
    }
    if (current === undefined) continue;
    const [first = 0, second = 0] = words.map((digits) => Number.parseInt(digits, 16));
    if (keyword === 'registers') current.registers = words.map((digits) => Number.parseInt(digits, 16));
    else if (keyword === 'memory') current.changes.push([first, second]);
    else if (keyword === 'end' && current.registers.length === REGISTER_WORDS) current.end = 'complete';
    else if (keyword === 'reset' && current.end === 'nothing') current.end = 'reset';
  }
  return entries;
}

/** The order of monitor.asm. */
const PLACES: Record<WordRegister, number> = {
  ...{ eax: 0, ecx: 1, edx: 2, ebx: 3, esp: 4, ebp: 5, esi: 6, edi: 7 },
  ...{ eip: 8, eflags: 9, cr0: 10, cr2: 11, cr3: 12, cr4: 13 },
  ...{ sysenter_cs: 26, sysenter_esp: 27, sysenter_eip: 28 },
};
const SEGMENT_PLACES: Record<SegmentName, number> = {
  ...{ es: 16, cs: 17, ss: 18, ds: 19, fs: 20, gs: 21, tr: 22, ldtr: 23 },
};
const IDTR_PLACE = 24;
const REGISTER_WORDS = 29;

/** No instruction tells what is cached of a descriptor, and GDTR could only be stored in the case's memory. */
const OBSERVES = [
  ...[...GENERAL_REGISTERS, ...CONTROL_REGISTERS, ...SYSENTER_REGISTERS, 'eip', 'eflags', 'idtr'].map(
    (name) => `registers.${name}`,
  ),
  ...SEGMENT_REGISTERS.map((name) => `registers.${name}.selector`),
  'memory',
];

/** Answers from the log of an image; `cannotRun` says why a case is in no image. */
export class LoggedMachine implements Implementation {
  readonly window = 1;

  constructor(
    readonly label: string,
    private readonly entries: ReadonlyMap<string, Entry>,
    private readonly choices: Record<string, string>,
    private readonly cannotRun: (id: string) => string | undefined,
  ) {}

  async start(): Promise<Declaration> {
    return {
      protocol_version: PROTOCOL_VERSION,
      implementation: { name: 'image', version: '1' },
      classes: ['processor'],
      profile: 'linux-2.6.29',
      observes: OBSERVES,
      choices: this.choices,
    };
  }

  run(request: CaseRequest): Answer {
    const entry = this.entries.get(request.id);
    if (entry === undefined) {
      return { kind: 'unsupported', reason: this.cannotRun(request.id) ?? 'the log says nothing of it' };
    }
    if (entry.end === 'reset') return { kind: 'crashed', how: 'the machine was reset', stderr: '' };
    if (entry.end === 'nothing') return { kind: 'crashed', how: 'the log ends in it', stderr: '' };
    return answerOf(request, entry);
  }

  async stop(): Promise<void> {}
}

function answerOf(request: CaseRequest, entry: Entry): Answer {
  const { given } = request;
  if (!isProcessorGiven(given)) throw new Error(`${request.id} is not a processor's`);
  const machine = machineCase(request, given.memory_size, 'time');
  const memory = imageOf(machine);
  for (const [at, value] of entry.changes) memory.writeUInt32LE(value, at);
  if (isLoaderInterrupted(given.registers, entry.registers, memory)) {
    return {
      kind: 'unsupported',
      reason: "the timer's NMI came while the loader ran: the machine is too slow",
    };
  }
  const state = {
    registers: registersOf(given.registers, entry.registers),
    memory: observedRuns(memory, machine.observed),
    io: [],
  };
  return { kind: 'result', result: { steps: [{ outcome: { stop: 'hlt' }, state, events: [] }] } };
}

const NMI = 2;

/** The case ended in its handler of NMI, and what was interrupted is not its own code. */
function isLoaderInterrupted(given: ProcessorRegisters, found: readonly number[], memory: Buffer): boolean {
  const word = (at: number): number | undefined =>
    at + 4 <= memory.length ? memory.readUInt32LE(at) : undefined;
  const gate = word(given.idtr.base + 8 * NMI) ?? 0;
  if (found[PLACES.eip] !== (gate & 0xffff) + 1) return false;
  const interrupted = word(found[PLACES.esp] ?? 0);
  return interrupted === undefined || isLoader(interrupted);
}

/** The registers found, over those given where nothing was found. */
function registersOf(given: ProcessorRegisters, found: readonly number[]): ProcessorRegisters {
  const at = (place: number): number => found[place] ?? 0;
  return readRegisters({
    word: (name) => at(PLACES[name]),
    segment: (name) => ({ ...given[name], selector: at(SEGMENT_PLACES[name]) & 0xffff }),
    table: (name) =>
      name === 'gdtr' ? given.gdtr : { limit: at(IDTR_PLACE) & 0xffff, base: at(IDTR_PLACE + 1) },
  });
}
