// SPDX-License-Identifier: GPL-2.0-or-later

import type { DataMap, Expectation } from '../cases/case.js';
import { isMap } from '../cases/case.js';
import { EXCEPTION_NAMES } from '../expand/exception.js';
import { isProcessorGiven } from '../protocol.js';
import { assembly } from './assembly.js';
import { type FuzzCase, requestOf } from './case.js';
import { type Ending, undefinedFlags } from './compare.js';
import { expectationOf } from './expectation.js';
import type { FixtureMachines } from './fixtures.js';
import { flow } from './flow.js';
import { assemble } from './instruction.js';
import { CODE } from './machine.js';
import { hex32, hexByte } from './values.js';

const BEHAVIOUR = 'execution';
/** All that is left of a case whose machine alone makes the difference. */
const HLT = 'f4';

/** The beginning of a file of cases that the fuzzer has found. */
export const fileHead = (about: string): string =>
  [
    '# yaml-language-server: $schema=../../spec/schema/cases.schema.json',
    `behaviour: ${BEHAVIOUR}`,
    'class: processor',
    `about: ${JSON.stringify(about)}`,
    'cases:',
  ].join('\n');

/** A case ready for a case file: it expects what the implementation did. */
export function caseText(
  entry: FuzzCase,
  ending: Ending | undefined,
  source: string,
  fixtures: FixtureMachines,
): string {
  const { given } = requestOf(entry, fixtures);
  if (!isProcessorGiven(given)) throw new Error('a fuzzed case has no processor');
  const { instructions, machine } = entry;
  const bytes = assemble(instructions).map((code) => code.map(hexByte).join(' '));
  const clauses = [...new Set(instructions.map(({ clause }) => clause))];
  const memory = machine.memory.map(
    ({ at, dwords }) => `        - { at: ${hex32(at)}, dwords: [${dwords.map(hex32).join(', ')}] }`,
  );
  const expected =
    ending === undefined
      ? { state: {}, unspecified: ['registers', 'memory'] }
      : expectationOf(given, ending, undefinedFlags(entry, given.registers, ending));
  return [
    `  - id: ${entry.id}`,
    `    clauses: [${(clauses.length === 0 ? ['EX-1'] : clauses).join(', ')}]`,
    `    title: ${JSON.stringify(`found by fuzzing: ${titleOf(entry)}`)}`,
    `    source: ${JSON.stringify(source)}`,
    '    given:',
    `      fixture: ${machine.fixture}`,
    `      registers: ${flow(machine.registers)}`,
    ...(memory.length === 0 ? [] : ['      memory:', ...memory]),
    ...assembly(instructions).map((text, i) => `      # ${bytes[i]}: ${text}`),
    `      code: { at: ${hex32(CODE)}, hex: "${bytes.join(' ') || HLT}" }`,
    ...thenLines(expected),
  ].join('\n');
}

export const titleOf = ({ instructions }: FuzzCase): string =>
  instructions.length === 0 ? 'HLT' : instructions.map(({ mnemonic }) => mnemonic).join(', ');

function thenLines({ outcome, state, exception, undefined_flags, unspecified }: Expectation): string[] {
  const { registers = {}, memory } = state;
  const lines = ['    then:'];
  if (outcome !== undefined) lines.push(`      outcome: ${outcome}`);
  if (isMap(registers) && Object.keys(registers).length > 0)
    lines.push(`      registers: ${flow(registers)}`);
  if (Array.isArray(memory)) {
    lines.push('      memory:');
    for (const item of memory) if (isMap(item)) lines.push(`        - ${flow(item)}`);
  }
  if (exception !== undefined) {
    const { vector, ...rest } = exception;
    const name = EXCEPTION_NAMES[Number(vector)];
    const words: DataMap = { ...rest };
    lines.push(`      exception: ${flow({ vector: name?.startsWith('#') ? name : vector, ...words })}`);
  }
  if (undefined_flags !== undefined) lines.push(`      undefined_flags: [${undefined_flags.join(', ')}]`);
  if (unspecified !== undefined) lines.push(`      unspecified: [${unspecified.join(', ')}]`);
  return lines.length === 1 ? ['    then: {}'] : lines;
}
