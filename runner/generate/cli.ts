// SPDX-License-Identifier: GPL-2.0-or-later

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { type FuzzCase, makeCase } from '../fuzz/case.js';
import { FAMILIES, type Family } from '../fuzz/machine.js';
import { createBochs } from '../implementations/bochs/index.js';
import { createNative } from '../implementations/native/index.js';
import { createQemu } from '../implementations/qemu/index.js';
import { packageRoot } from '../package.js';
import { runTool } from '../tool.js';
import { fpuPrograms } from './fpu/index.js';
import { BATCH, instructionsOf, recordMixed, type Witness } from './mixed.js';
import type { Program } from './program.js';
import { Random } from './random.js';
import { record } from './record.js';
import { encodingsOf, everyEncoding } from './sweep.js';
import { packed } from './vector.js';

/**
 * Makes the recorded processor vectors that this project records itself: programs from a seed, run by the processor of this
 * machine. What it did is what is expected; the other witnesses only add their names.
 */

interface Group {
  letter: string;
  programs: (random: Random, rounds: number) => Iterable<Program>;
}

const GROUPS: Readonly<Record<string, Group>> = {
  fpu: { letter: 'k', programs: fpuPrograms },
};

/** Groups of instructions of all kinds: files, machines, and the witnesses, of which the first says what is expected. */
const MIXED: Readonly<Record<string, MixedGroup>> = {
  integer: {
    ...{ letter: 'l', families: ['user', 'user-paged'], tries: 5000 },
    witnesses: () => [
      { name: 'processor', implementation: createNative() },
      { name: 'qemu', implementation: createQemu() },
    ],
  },
  system: {
    ...{ letter: 'm', tries: 3500 },
    families: ['kernel', 'kernel-paged', 'ring1', 'ring3', 'real', 'virtual-8086'],
    witnesses: () => [
      { name: 'bochs', implementation: createBochs() },
      { name: 'qemu', implementation: createQemu() },
    ],
  },
  opcodes: {
    ...{ letter: 'n', families: ['user', 'x87'] },
    witnesses: () => [
      { name: 'processor', implementation: createNative() },
      { name: 'bochs', implementation: createBochs() },
      { name: 'qemu', implementation: createQemu() },
    ],
  },
};

interface MixedGroup {
  letter: string;
  families: readonly string[];
  /** Cases out of which the vectors are chosen; every encoding of every instruction when it is left out. */
  tries?: number;
  witnesses(): Witness[];
}

const NAMES = [...Object.keys(GROUPS), ...Object.keys(MIXED)].join(', ');

function naturalNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('not a natural number');
  return value;
}

async function generate(name: string, { seed, rounds, out }: { seed: number; rounds: number; out: string }) {
  const mixed = MIXED[name];
  if (mixed !== undefined) return generateMixed(mixed, { seed, rounds, out });
  const group = GROUPS[name];
  if (group === undefined) throw new InvalidArgumentError(`no group "${name}": ${NAMES}`);
  const judge = createNative();
  const others = [createQemu()];
  const programs = group.programs(new Random(seed), rounds);
  const { vectors, dropped } = await record(group.letter, programs, judge, others);
  // Lines on which the processor stands alone have a file of their own: there another implementation may be wrong.
  const alone = vectors.filter(({ evidence }) => evidence.length === 1);
  const agreed = vectors.filter(({ evidence }) => evidence.length > 1);
  writeFileSync(join(out, `${group.letter}.jsonl.gz`), packed(agreed));
  writeFileSync(join(out, `${group.letter}-processor.jsonl.gz`), packed(alone));
  console.log(
    `seed ${seed}: ${agreed.length} vectors with a second witness, ${alone.length} of the processor alone, ${dropped} programs that it cannot run`,
  );
}

async function generateMixed(
  { letter, families, tries, witnesses }: MixedGroup,
  { seed, rounds, out }: { seed: number; rounds: number; out: string },
) {
  const machines = FAMILIES.filter(({ name }) => families.includes(name));
  const entries = tries === undefined ? everyEncoding(seed, machines) : randomCases(seed, machines, tries);
  const keysOf = tries === undefined ? encodingsOf : instructionsOf;
  const vectors = await recordMixed({ group: letter, rounds, entries, keysOf }, witnesses());
  writeFileSync(join(out, `${letter}.jsonl.gz`), packed(vectors));
  console.log(`seed ${seed}: ${vectors.length} vectors`);
}

/** In whole batches. */
function* randomCases(seed: number, families: readonly Family[], count: number): Generator<FuzzCase> {
  const whole = Math.ceil(count / BATCH) * BATCH;
  for (let number = 0; number < whole; number++) yield makeCase(seed, number, families);
}

await runTool(
  new Command('generate')
    .description('makes recorded processor vectors from a seed')
    .argument('<group>', `what to make: ${NAMES}`)
    .option('--seed <number>', 'of the random numbers', naturalNumber, 1)
    .option('--rounds <number>', 'how often every instruction is met', naturalNumber, 12)
    .option('--out <folder>', 'where to write', join(packageRoot, 'cases/recorded/processor'))
    .action(generate),
);
