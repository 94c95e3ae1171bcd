// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * How fast processors run: instructions per second of each program on each implementation that is at hand. v86 runs as its
 * interpreter: its JIT leaves the code that it generates to the JavaScript of v86's PC, of which nothing is used here.
 */

import { type Answer, CannotStart, type Implementation } from '../implementations/implementation.js';
import { createImplementation } from '../implementations/index.js';
import { PROGRAMS, type Program } from './programs.js';
import { table } from './table.js';

const COMPARED = ['reference', 'v86', 'bochs', 'qemu', 'unicorn'];
/** A run must take this many milliseconds more than an empty one for its time to mean something. */
const ENOUGH = 500;
const FIRST_ROUNDS = 5000;
const ROUNDS_AT_MOST = 0x4000_0000;

/** Instructions per second, or why there is no such number. */
type Speed = number | string;

export async function measureProcessors(): Promise<string> {
  const speeds = new Map<string, readonly Speed[]>();
  for (const name of COMPARED) speeds.set(name, await speedsOf(name));
  const reference = speeds.get('reference') ?? [];
  const rows = COMPARED.map((name) => [
    name,
    ...(speeds.get(name) ?? []).map((speed, index) => cell(speed, reference[index])),
  ]);
  return table([['instructions/s', ...PROGRAMS.map((program) => program.name)], ...rows]);
}

/** Millions of instructions per second, and how that compares with the reference in the same program. */
function cell(speed: Speed, reference: Speed | undefined): string {
  if (typeof speed === 'string') return speed;
  const millions = `${(speed / 1e6).toFixed(speed < 1e7 ? 1 : 0)} M`;
  return typeof reference === 'number' ? `${millions} (${(speed / reference).toFixed(2)})` : millions;
}

async function speedsOf(name: string): Promise<readonly Speed[]> {
  const implementation = await createImplementation(name, { profile: undefined, timeoutFactor: 10 });
  try {
    await implementation.start();
  } catch (error) {
    if (!(error instanceof CannotStart)) throw error;
    return PROGRAMS.map(() => 'skipped');
  }
  try {
    const speeds: Speed[] = [];
    for (const program of PROGRAMS) speeds.push(await speedOf(implementation, program));
    return speeds;
  } finally {
    await implementation.stop();
  }
}

async function speedOf(implementation: Implementation, program: Program): Promise<Speed> {
  const empty = await milliseconds(implementation, program, 1);
  if (empty === undefined) return 'unsupported';
  for (let rounds = FIRST_ROUNDS; rounds <= ROUNDS_AT_MOST; rounds *= 4) {
    const taken = await milliseconds(implementation, program, rounds);
    if (taken === undefined) return 'failed';
    const more = taken - empty;
    const again = more < ENOUGH ? undefined : await milliseconds(implementation, program, rounds);
    // The first long run also compiles what it runs.
    if (again !== undefined) return (rounds * program.instructionsPerRound * 1000) / (again - empty);
  }
  return 'too fast';
}

/** What a run takes, or undefined when it does not come to its end. */
async function milliseconds(
  implementation: Implementation,
  program: Program,
  rounds: number,
): Promise<number | undefined> {
  const request = program.request(rounds);
  const began = performance.now();
  const answer = await implementation.run(request);
  const taken = performance.now() - began;
  return cameToItsEnd(answer) ? taken : undefined;
}

function cameToItsEnd(answer: Answer): boolean {
  return answer.kind === 'result' && answer.result.steps[0]?.outcome.stop === 'hlt';
}
