// SPDX-License-Identifier: GPL-2.0-or-later

import type { Implementation } from '../implementations/implementation.js';
import type { MemoryRun } from '../protocol.js';
import { vectorAtEnd } from './machine.js';
import type { Program } from './program.js';
import { agree, type Vector, vectorOf } from './vector.js';
import { type Outcome, outcomeOn } from './witness.js';

/** How the processor of this machine is named in `evidence`. */
const PROCESSOR = 'processor';

export interface Recording {
  vectors: Vector[];
  /** Programs that the judge could not run. */
  dropped: number;
}

const GENERAL_PROTECTION = 13;

/**
 * RF in the EFLAGS that the last exception pushed: emulators that leave it clear are not worse witnesses for
 * arithmetic. In the vectors it counts.
 */
function resumeFlag({ registers: { eip, esp } }: Outcome): MemoryRun {
  const hasErrorCode = vectorAtEnd(eip) === GENERAL_PROTECTION;
  const flags = esp + (hasErrorCode ? 12 : 8);
  return { at: flags + 2, hex: 'fe' };
}

/**
 * Runs programs on witnesses.
 * @param judge says what is expected
 * @param others are named as evidence where they agree
 */
export async function record(
  group: string,
  programs: Iterable<Program>,
  judge: Implementation,
  others: readonly Implementation[],
): Promise<Recording> {
  for (const witness of [judge, ...others]) await witness.start();
  const vectors: Vector[] = [];
  let dropped = 0;
  let number = 0;
  for (const { title, given, masks } of programs) {
    const id = `${group}-${String(number++).padStart(5, '0')}`;
    const outcome = await outcomeOn(judge, id, given);
    if (outcome === undefined) {
      dropped++;
      continue;
    }
    const mask = masks(outcome);
    const maskForOthers = [...mask, resumeFlag(outcome)];
    const evidence = [PROCESSOR];
    for (const other of others) {
      const second = await outcomeOn(other, id, given);
      if (second !== undefined && agree(given, outcome, second, maskForOthers)) evidence.push(other.label);
    }
    vectors.push(vectorOf({ id, group, title }, given, outcome, mask, evidence));
  }
  for (const witness of [judge, ...others]) await witness.stop();
  return { vectors, dropped };
}
