// SPDX-License-Identifier: GPL-2.0-or-later

import { MemoryImage } from '../expand/image.js';
import type { Implementation } from '../implementations/implementation.js';
import { isProcessorRegisters, type ProcessorGiven, type ProcessorRegisters } from '../protocol.js';

/** How a program ended on a witness. */
export interface Outcome {
  registers: ProcessorRegisters;
  memory: MemoryImage;
}

const MAX_INSTRUCTIONS = 100_000;

/** Runs a machine until it halts; undefined when the witness cannot do that. */
export async function outcomeOn(
  witness: Implementation,
  id: string,
  given: ProcessorGiven,
): Promise<Outcome | undefined> {
  const answer = await witness.run({
    id,
    class: 'processor',
    profile: 'linux-2.6.29',
    given,
    steps: [{ op: 'run', until: 'hlt', max_instructions: MAX_INSTRUCTIONS }],
    observe: { registers: true, memory: [[0, given.memory_size]] },
  });
  if (answer.kind !== 'result') return undefined;
  const step = answer.result.steps[0];
  if (step === undefined || step.outcome.stop !== 'hlt') return undefined;
  const { registers, memory } = step.state;
  if (!isProcessorRegisters(registers) || !Array.isArray(memory)) return undefined;
  return { registers, memory: MemoryImage.of(memory) };
}
