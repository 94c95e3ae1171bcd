// SPDX-License-Identifier: GPL-2.0-or-later

import type { DataMap } from '../cases/case.js';
import { mergeGiven } from '../cases/merge.js';
import { CaseError } from '../cases/problem.js';
import { processorGiven } from '../expand/processor.js';
import { Random } from '../generate/random.js';
import type { CaseRequest, MemoryRun, ProcessorRegisters } from '../protocol.js';
import { encode } from './encode.js';
import type { FixtureMachines } from './fixtures.js';
import type { Form } from './forms.js';
import { assemble, type FuzzInstruction, undefinedBefore } from './instruction.js';
import { CODE, type Family, type FuzzMachine, machineOf } from './machine.js';
import { hexByte, littleEndian } from './values.js';

/** A machine and a few instructions, out of a seed. */
export interface FuzzCase {
  id: string;
  family: string;
  machine: FuzzMachine;
  instructions: readonly FuzzInstruction[];
}

const MOST_INSTRUCTIONS = 6;
/** A repetition counts as one instruction on some implementations, and each of its items as one on others. */
const MAX_INSTRUCTIONS = 70_000;
const ATTEMPTS = 20;
/** Between the random numbers of one case and those of the next: a prime, so that seeds do not overlap soon. */
const STRIDE = 1_000_003;

/** The case of this number: it depends on seed and number alone. */
export function makeCase(seed: number, number: number, families: readonly Family[]): FuzzCase {
  const random = new Random((Math.imul(seed, STRIDE) ^ Math.imul(number + 1, 0x9e3779b1)) >>> 0);
  random.word();
  const family = random.pick(families);
  const { machine, around } = machineOf(family, random);
  const count = random.oneIn(3) ? 1 : random.between(2, MOST_INSTRUCTIONS);
  const instructions: FuzzInstruction[] = [];
  for (let attempts = 0; instructions.length < count && attempts < ATTEMPTS; attempts++) {
    const following = count - instructions.length - 1;
    const form = formOf(family.forms, random);
    const next = encode(form, { ...around, following, isFirst: instructions.length === 0 }, random);
    if (isMeaningful(instructions, next, family)) instructions.push(next);
  }
  const { before, after } = family.frame?.(random) ?? { before: [], after: [] };
  const whole = [...before, ...instructions, ...after];
  return { id: `fuzz-${seed}-${number}`, family: family.name, machine, instructions: whole };
}

/** What depends on an undefined flag proves nothing, nor does a process in which POPF may have set NT before an IRET. */
function isMeaningful(before: readonly FuzzInstruction[], next: FuzzInstruction, family: Family): boolean {
  if (undefinedBefore([...before, next]) === undefined) return false;
  const returns = family.isNative && next.mnemonic === 'IRET';
  return !(returns && before.some(({ mnemonic }) => mnemonic === 'POPF' || mnemonic === 'IRET'));
}

/** Every mnemonic is as likely as the others, however many forms it has. */
function formOf(forms: readonly Form[], random: Random): Form {
  const { mnemonic } = random.pick(forms);
  const wanted = random.oneIn(2) ? random.pick(forms).mnemonic : mnemonic;
  return random.pick(forms.filter((form) => form.mnemonic === wanted));
}

export const codeHex = ({ instructions }: FuzzCase): string =>
  assemble(instructions)
    .map((bytes) => bytes.map(hexByte).join(''))
    .join('');

/** What the case gives over its fixture, as the loader of case files would have it. */
export function givenOf({ machine }: FuzzCase): { registers: DataMap; memory: MemoryRun[] } {
  const memory = machine.memory.map(({ at, dwords }) => ({
    at,
    hex: dwords.flatMap((value) => littleEndian(value, 4).map(hexByte)).join(''),
  }));
  return { registers: machine.registers, memory };
}

export function requestOf(entry: FuzzCase, fixtures: FixtureMachines): CaseRequest {
  const { registers, memory } = givenOf(entry);
  const over: DataMap = {
    registers,
    memory: memory.map(({ at, hex }) => ({ at, hex })),
    code: { at: CODE, hex: codeHex(entry) },
  };
  const given = processorGiven(mergeGiven(fixtures.machine(entry.machine.fixture), over, true));
  requireLoadable(given.registers);
  return {
    id: entry.id,
    class: 'processor',
    profile: 'linux-2.6.29',
    given,
    steps: [{ op: 'run', until: 'hlt', max_instructions: MAX_INSTRUCTIONS }],
    observe: { registers: true, memory: [[0, given.memory_size]] },
  };
}

const PRESENT = 0x80;

/** No processor comes to hold a data segment that is not present. */
function requireLoadable(registers: ProcessorRegisters): void {
  for (const name of ['ds', 'es', 'fs', 'gs'] as const) {
    const { selector, attributes } = registers[name];
    if (selector > 3 && (attributes & PRESENT) === 0) throw new CaseError(`${name} holds no segment`);
  }
}
