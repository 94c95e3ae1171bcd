// SPDX-License-Identifier: GPL-2.0-or-later

import { flagBit } from '../compare/flags.js';
import type { MemoryImage } from '../expand/image.js';
import { type FuzzCase, requestOf } from '../fuzz/case.js';
import {
  differencesOf,
  type Ending,
  endingOf,
  exceptionOf,
  isJudgeable,
  undefinedFlags,
} from '../fuzz/compare.js';
import { answersOf } from '../fuzz/contest.js';
import { FixtureMachines } from '../fuzz/fixtures.js';
import { openMemory } from '../fuzz/floating-point.js';
import { type Freedom, freedomsOf, isDisturbed } from '../fuzz/freedoms.js';
import type { FuzzInstruction } from '../fuzz/instruction.js';
import type { Contestant } from '../fuzz/kind.js';
import { titleOf } from '../fuzz/yaml.js';
import type { Implementation } from '../implementations/implementation.js';
import { type CaseRequest, isProcessorGiven, type ProcessorGiven } from '../protocol.js';
import { readChoices, withDefaults } from '../spec.js';
import { type Vector, vectorOf } from './vector.js';

/** Instructions of all kinds on the machines of the fuzzer, as witnesses ran them. */
export interface MixedPlan {
  group: string;
  /** So many vectors of one instruction with one ending on one family of machines. */
  rounds: number;
  /** Cases that are tried. */
  entries: Iterable<FuzzCase>;
  /** What a case is about: of each of these there are so many vectors for each way to end. */
  keysOf(entry: FuzzCase): string[];
}

/** A witness, and how it is named in `evidence`. */
export interface Witness {
  name: string;
  implementation: Implementation;
}

interface StartedWitness extends Contestant {
  name: string;
  freedoms: Freedom[];
}

/** Cases that are run at once. */
export const BATCH = 512;

/**
 * Vectors of which the first witness says what is expected and on which another one agrees. What depends on a choice, on
 * undefined flags or on what no case has is left out.
 */
export async function recordMixed(
  { group, rounds, entries, keysOf }: MixedPlan,
  witnesses: readonly Witness[],
): Promise<Vector[]> {
  const fixtures = new FixtureMachines();
  const started = await Promise.all(witnesses.map(start));
  const [judge, ...others] = started;
  if (judge === undefined) return [];
  const seen = new Map<string, number>();
  const vectors: Vector[] = [];
  for (const tried of batchesOf(entries)) {
    const candidates = (await judged(tried, judge, started, fixtures)).filter((candidate) =>
      isNew(candidate, keysOf(candidate.entry), seen, rounds),
    );
    for (const { agreed, entry, given } of await witnessed(candidates, judge, others)) {
      const number = String(vectors.length).padStart(5, '0');
      vectors.push(vectorFor(`${group}-${number}`, group, entry, given, agreed));
    }
  }
  await Promise.all(started.map(({ implementation }) => implementation.stop()));
  return vectors;
}

function* batchesOf(entries: Iterable<FuzzCase>): Generator<FuzzCase[]> {
  let batch: FuzzCase[] = [];
  for (const entry of entries) {
    batch.push(entry);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function start({ name, implementation }: Witness): Promise<StartedWitness> {
  const declaration = await implementation.start();
  const choices = readChoices();
  const freedoms = freedomsOf(withDefaults(choices, declaration.choices), withDefaults(choices));
  return { name, implementation, declaration, freedoms };
}

/** A case with the ending that the first witness gives it. */
interface Candidate {
  entry: FuzzCase;
  request: CaseRequest;
  given: ProcessorGiven;
  ending: Ending;
}

interface Agreement {
  ending: Ending;
  evidence: string[];
}

/** QEMU leaves it clear. */
const PUSHED_RF = 'memory.pushed_eflags.RF';
const FAULTS_OF_ACCESSES = [12, 13, 14];

/** The cases that the judge can answer and of which the answer says something. */
async function judged(
  entries: readonly FuzzCase[],
  judge: StartedWitness,
  witnesses: readonly StartedWitness[],
  fixtures: FixtureMachines,
): Promise<Candidate[]> {
  const requests = entries.map((entry) => requestOf(entry, fixtures));
  const answers = await answersOf(judge.implementation, requests);
  return entries.flatMap((entry, i) => {
    const [request, answer] = [requests[i], answers[i]];
    if (request === undefined || answer === undefined || !isProcessorGiven(request.given)) return [];
    const ending = endingOf(answer);
    if (typeof ending === 'string' || ending.stop !== 'hlt') return [];
    if (!isJudgeable(entry, request, ending)) return [];
    if (isDisturbed(judge.implementation.label, ending.state.registers)) return [];
    if (isChosen(entry, request.given, ending, witnesses)) return [];
    if (entry.machine.fixture in FIXTURES_8086 && !isTold8086(entry, request.given, ending)) return [];
    return [{ entry, request, given: request.given, ending }];
  });
}

/** By mnemonic, the last bytes of the opcodes that load a segment register, and of those that push one. */
const SEGMENT_LOADS: Opcodes = {
  POP: [0x07, 0x17, 0x1f, 0xa1, 0xa9],
  MOV: [0x8e],
  LOAD: [0xc4, 0xc5, 0xb2, 0xb4, 0xb5],
};
const SEGMENT_PUSHES: Opcodes = { PUSH: [0x06, 0x0e, 0x16, 0x1e, 0xa0, 0xa8] };

type Opcodes = Readonly<Record<string, readonly number[]>>;

const isAmong = (opcodes: Opcodes, { mnemonic, opcode }: FuzzInstruction): boolean =>
  opcodes[mnemonic]?.includes(opcode.at(-1) ?? 0) === true;

const loadsSegment = (instruction: FuzzInstruction): boolean => isAmong(SEGMENT_LOADS, instruction);

const FIXTURES_8086 = { 'machine-real': true, 'machine-virtual-8086': true };

/**
 * In the modes of the 8086 any selector is good, also one of a segment that lies behind the memory; and the format has no
 * mask for flags in a frame of 16 bits.
 */
function isTold8086(entry: FuzzCase, given: ProcessorGiven, ending: Ending): boolean {
  const { instructions } = entry;
  if (instructions.length > 1 && instructions.some(loadsSegment)) return false;
  const isNarrow = exceptionOf(given.registers, ending)?.slot === 2;
  return !isNarrow || undefinedFlags(entry, given.registers, ending).length === 0;
}

/** Those that have evidence enough, with its names. */
async function witnessed(
  candidates: readonly Candidate[],
  judge: StartedWitness,
  others: readonly StartedWitness[],
): Promise<(Candidate & { agreed: Agreement })[]> {
  const requests = candidates.map(({ request }) => request);
  const answers = await Promise.all(others.map(({ implementation }) => answersOf(implementation, requests)));
  return candidates.flatMap((candidate, i) => {
    const { entry, request, ending } = candidate;
    const agree = others.filter(({ declaration }, witness) => {
      const answer = answers[witness]?.[i];
      const other = answer === undefined ? 'no answer' : endingOf(answer);
      if (typeof other === 'string') return false;
      const found = differencesOf(entry, request, ending, other, declaration.observes, []);
      return found.every(({ path }) => path === PUSHED_RF);
    });
    const evidence = [judge.name, ...agree.map(({ name }) => name)];
    return evidence.length > 1 ? [{ ...candidate, agreed: { ending, evidence } }] : [];
  });
}

/** Whether the ending may depend on how a witness uses a freedom. */
function isChosen(
  { instructions }: FuzzCase,
  given: ProcessorGiven,
  ending: Ending,
  witnesses: readonly StartedWitness[],
): boolean {
  // pushed_selector
  if (instructions.some((instruction) => isAmong(SEGMENT_PUSHES, instruction))) return true;
  const vector = exceptionOf(given.registers, ending)?.vector ?? -1;
  const mnemonics = new Set(instructions.map(({ mnemonic }) => mnemonic));
  return witnesses.some(({ freedoms }) =>
    freedoms.some(
      (freedom) =>
        freedom.mnemonics.some((mnemonic) => mnemonics.has(mnemonic)) &&
        (FAULTS_OF_ACCESSES.includes(vector) || freedom.paths.includes('memory')),
    ),
  );
}

/** Whether one of the things that a case is about has not yet enough vectors with this ending; counts them. */
function isNew(
  { given, ending }: Candidate,
  about: readonly string[],
  seen: Map<string, number>,
  rounds: number,
): boolean {
  const vector = exceptionOf(given.registers, ending)?.vector ?? 'hlt';
  const keys = about.map((key) => `${key} ${vector}`);
  const isWanted = keys.some((key) => (seen.get(key) ?? 0) < rounds);
  if (isWanted) for (const key of keys) seen.set(key, (seen.get(key) ?? 0) + 1);
  return isWanted;
}

/** Each of its instructions, on this family of machines. */
export const instructionsOf = ({ family, instructions }: FuzzCase): string[] =>
  instructions.map(({ mnemonic, opcode }) => `${family} ${mnemonic} ${opcode.join(' ')}`);

function vectorFor(
  id: string,
  group: string,
  entry: FuzzCase,
  given: ProcessorGiven,
  { ending, evidence }: Agreement,
): Vector {
  const title = `${entry.family}: ${titleOf(entry)}`;
  const flags = undefinedFlags(entry, given.registers, ending);
  const outcome: { registers: Ending['state']['registers']; memory: MemoryImage } = ending.state;
  const open = openMemory(entry.instructions);
  const vector = vectorOf({ id, group, title }, given, outcome, open, evidence);
  const undefinedBits = flags.reduce((mask, name) => mask | (flagBit(name) ?? 0), 0);
  return undefinedBits === 0 ? vector : { ...vector, flags_mask: ~undefinedBits >>> 0 };
}
