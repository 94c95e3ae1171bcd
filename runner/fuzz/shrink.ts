// SPDX-License-Identifier: GPL-2.0-or-later

import type { FuzzCase } from './case.js';
import { type FuzzInstruction, undefinedBefore } from './instruction.js';
import type { MemoryItem } from './machine.js';

/** Makes a case simpler; the same object when it has nothing to do. */
type Simplification = (entry: FuzzCase) => FuzzCase;

/** Which of these cases still show the difference. */
export type StillDiffers = (cases: readonly FuzzCase[]) => Promise<boolean[]>;

const MOST_ROUNDS = 12;

/**
 * The smallest case that still differs, by dropping and zeroing parts. In each round all simplifications are tried at
 * once, since some implementations answer many cases as fast as one; those that work are then put together.
 */
export async function shrink(
  entry: FuzzCase,
  stillDiffers: StillDiffers,
  signal: AbortSignal,
): Promise<FuzzCase> {
  let smallest = entry;
  for (let round = 0; round < MOST_ROUNDS && !signal.aborted; round++) {
    const base = smallest;
    const tries = simplifications(base)
      .map((simplify) => ({ simplify, simpler: simplify(base) }))
      .filter(({ simpler }) => simpler !== base && undefinedBefore(simpler.instructions) !== undefined);
    if (tries.length === 0) return smallest;
    const results = await stillDiffers(tries.map(({ simpler }) => simpler));
    const working = tries.filter((_, i) => results[i] === true);
    const [first] = working;
    if (first === undefined) return smallest;
    smallest = (await together(base, working, stillDiffers)) ?? first.simpler;
  }
  return smallest;
}

/** All of them at once, or the first halves of them. */
async function together(
  base: FuzzCase,
  working: readonly { simplify: Simplification }[],
  stillDiffers: StillDiffers,
): Promise<FuzzCase | undefined> {
  const combined: FuzzCase[] = [];
  for (let count = working.length; count > 1; count = count >> 1) {
    combined.push(working.slice(0, count).reduce((entry, { simplify }) => simplify(entry), base));
  }
  const usable = combined.filter(({ instructions }) => undefinedBefore(instructions) !== undefined);
  const results = await stillDiffers(usable);
  return usable.find((_, i) => results[i] === true);
}

function simplifications({ machine, instructions }: FuzzCase): Simplification[] {
  const loose = machine.memory.filter(({ isFixed }) => isFixed !== true);
  return [
    ...instructions.map((instruction) => replaceInstruction(instruction, undefined)),
    withoutMemory,
    ...loose.map((item) => replaceMemory(item, undefined)),
    ...Object.keys(machine.registers).map(withoutRegister),
    ...instructions.flatMap(simplerInstructions),
    ...flagsOff(machine.registers.eflags ?? 0),
    ...loose.flatMap(zeroed),
  ];
}

function replaceInstruction(old: FuzzInstruction, by: FuzzInstruction | undefined): Simplification {
  return (entry) => {
    const index = entry.instructions.indexOf(old);
    if (index < 0) return entry;
    return {
      ...entry,
      instructions: entry.instructions.toSpliced(index, 1, ...(by === undefined ? [] : [by])),
    };
  };
}

/** Without a prefix; with zeros for displacement and immediate; with a jump to the next instruction. */
function simplerInstructions(instruction: FuzzInstruction): Simplification[] {
  const { prefixes, displacement, immediate, jump } = instruction;
  const simpler: FuzzInstruction[] = [];
  prefixes.forEach((prefix, i) => {
    // The sizes of what follows depend on these.
    const decides = prefix === 0x66 ? immediate.length > 1 : prefix === 0x67 && displacement.length > 1;
    if (!decides) simpler.push({ ...instruction, prefixes: prefixes.toSpliced(i, 1) });
  });
  if (displacement.some((byte) => byte !== 0)) {
    simpler.push({ ...instruction, displacement: displacement.map(() => 0) });
  }
  if (immediate.some((byte) => byte !== 0)) {
    simpler.push({ ...instruction, immediate: immediate.map(() => 0) });
    simpler.push({ ...instruction, immediate: immediate.map((_, i) => (i === 0 ? 1 : 0)) });
  }
  if (jump !== undefined && jump.skips > 0) simpler.push({ ...instruction, jump: { ...jump, skips: 0 } });
  return simpler.map((by) => replaceInstruction(instruction, by));
}

const withoutMemory: Simplification = (entry) => {
  const memory = entry.machine.memory.filter(({ isFixed }) => isFixed);
  if (memory.length === entry.machine.memory.length) return entry;
  return { ...entry, machine: { ...entry.machine, memory } };
};

function replaceMemory(old: MemoryItem, by: MemoryItem | undefined): Simplification {
  return (entry) => {
    const index = entry.machine.memory.indexOf(old);
    if (index < 0) return entry;
    const memory = entry.machine.memory.toSpliced(index, 1, ...(by === undefined ? [] : [by]));
    return { ...entry, machine: { ...entry.machine, memory } };
  };
}

/** One double word less at either end, or a zero in the place of one. */
function zeroed(item: MemoryItem): Simplification[] {
  const { at, dwords } = item;
  if (dwords.length === 1 && dwords[0] === 0) return [];
  const shorter: MemoryItem[] =
    dwords.length > 1
      ? [
          { at, dwords: dwords.slice(0, -1) },
          { at: at + 4, dwords: dwords.slice(1) },
        ]
      : [];
  const zeros = dwords.flatMap((value, i) => (value === 0 ? [] : [{ at, dwords: dwords.with(i, 0) }]));
  return [...shorter, ...zeros].map((by) => replaceMemory(item, by));
}

/** The fixture's value instead. */
function withoutRegister(name: string): Simplification {
  return (entry) => {
    if (!(name in entry.machine.registers)) return entry;
    const { [name]: _, ...registers } = entry.machine.registers;
    return { ...entry, machine: { ...entry.machine, registers } };
  };
}

function flagsOff(eflags: number): Simplification[] {
  const bits = Array.from({ length: 22 }, (_, bit) => 1 << bit).filter(
    (bit) => (eflags & bit & ~0x202) !== 0,
  );
  return bits.map((bit) => (entry) => {
    const flags = entry.machine.registers.eflags;
    if (flags === undefined || (flags & bit) === 0) return entry;
    const registers = { ...entry.machine.registers, eflags: flags & ~bit };
    return { ...entry, machine: { ...entry.machine, registers } };
  });
}
