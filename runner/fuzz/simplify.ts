// SPDX-License-Identifier: GPL-2.0-or-later

import type { FuzzCase } from './case.js';
import type { FuzzInstruction } from './instruction.js';
import type { Simplification } from './kind.js';
import type { MemoryItem } from './machine.js';

/** All that may make a case simpler: parts that are left out first, values made simple last. */
export function simplifications({ machine, instructions }: FuzzCase): Simplification<FuzzCase>[] {
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

function replaceInstruction(old: FuzzInstruction, by: FuzzInstruction | undefined): Simplification<FuzzCase> {
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
function simplerInstructions(instruction: FuzzInstruction): Simplification<FuzzCase>[] {
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

const withoutMemory: Simplification<FuzzCase> = (entry) => {
  const memory = entry.machine.memory.filter(({ isFixed }) => isFixed);
  if (memory.length === entry.machine.memory.length) return entry;
  return { ...entry, machine: { ...entry.machine, memory } };
};

function replaceMemory(old: MemoryItem, by: MemoryItem | undefined): Simplification<FuzzCase> {
  return (entry) => {
    const index = entry.machine.memory.indexOf(old);
    if (index < 0) return entry;
    const memory = entry.machine.memory.toSpliced(index, 1, ...(by === undefined ? [] : [by]));
    return { ...entry, machine: { ...entry.machine, memory } };
  };
}

/** One double word less at either end, or a zero in the place of one. */
function zeroed(item: MemoryItem): Simplification<FuzzCase>[] {
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
function withoutRegister(name: string): Simplification<FuzzCase> {
  return (entry) => {
    if (!(name in entry.machine.registers)) return entry;
    const { [name]: _, ...registers } = entry.machine.registers;
    return { ...entry, machine: { ...entry.machine, registers } };
  };
}

function flagsOff(eflags: number): Simplification<FuzzCase>[] {
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
