// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * How fast processors run: instructions per second of each program on each implementation that is at hand. All of them run
 * a program in turn, so that a busy machine slows down all alike.
 */

import { createBochs } from '../implementations/bochs/index.js';
import { type Answer, CannotStart, type Implementation } from '../implementations/implementation.js';
import { createImplementation } from '../implementations/index.js';
import { createV86 } from '../implementations/v86/index.js';
import { median } from './median.js';
import { PROGRAMS, type Program } from './programs.js';
import { table } from './table.js';

const ROUNDS = 3;
/** Runs must take this many milliseconds more than short ones for their time to mean something. */
const ENOUGH = 150;
/** Of a short run; its time is that of everything but the program. */
const FEW_INSTRUCTIONS = 10_000;
const FIRST_INSTRUCTIONS = 250_000;
const MOST_COPIES = 4096;

interface Contender {
  name: string;
  create: () => Promise<Implementation>;
  /** So many instructions one request may take, if there is a limit. */
  most?: number;
}

const patient = { profile: undefined, timeoutFactor: 10 };
/** Of Bochs' own time, in which a request has 55 ms. */
const BOCHS_PER_SECOND = 100_000_000;

const CONTENDERS: readonly Contender[] = [
  { name: 'reference', create: () => createImplementation('reference', patient) },
  { name: 'v86, interpreter', create: async () => createV86({ timeoutFactor: 10 }) },
  { name: 'v86, JIT', create: async () => createV86({ timeoutFactor: 10, jit: true }) },
  {
    name: 'bochs',
    create: async () => createBochs({ timeoutFactor: 10, instructionsPerSecond: BOCHS_PER_SECOND }),
    most: 5_000_000,
  },
  { name: 'qemu', create: () => createImplementation('qemu', patient) },
  { name: 'unicorn', create: () => createImplementation('unicorn', patient) },
  // It gives a case a quarter of a second.
  { name: 'native', create: () => createImplementation('native', patient), most: 50_000_000 },
];

/** Instructions per second, or why there is no such number. */
type Speed = number | string;

/** A contender that has been started, or why it could not be. */
interface Entrant extends Contender {
  implementation: Implementation | undefined;
}

export async function measureProcessors(): Promise<string> {
  const entrants: Entrant[] = [];
  try {
    for (const contender of CONTENDERS) {
      entrants.push({ ...contender, implementation: await started(contender) });
    }
    const columns: Speed[][] = [];
    for (const program of PROGRAMS) columns.push(await speedsOf(entrants, program));
    return table([
      ['instructions/s', ...PROGRAMS.map(({ name }) => name)],
      ...entrants.map(({ name }, place) => [
        name,
        ...columns.map((speeds) => cell(speeds[place], speeds[0])),
      ]),
    ]);
  } finally {
    for (const { implementation } of entrants) await implementation?.stop();
  }
}

/** Millions of instructions per second, and how that compares with the reference in the same program. */
function cell(speed: Speed = 'skipped', reference: Speed = 'skipped'): string {
  if (typeof speed === 'string') return speed;
  const millions = `${(speed / 1e6).toFixed(speed < 1e7 ? 1 : 0)} M`;
  return typeof reference === 'number' ? `${millions} (${(speed / reference).toFixed(2)})` : millions;
}

async function started({ create }: Contender): Promise<Implementation | undefined> {
  const implementation = await create();
  try {
    await implementation.start();
    return implementation;
  } catch (error) {
    if (error instanceof CannotStart) return undefined;
    throw error;
  }
}

/** The speeds of one program, in the order of the entrants: the median of rounds in which each has its turn. */
async function speedsOf(entrants: readonly Entrant[], program: Program): Promise<Speed[]> {
  const runs = entrants.map((entrant) => new Runs(entrant, program));
  for (const one of runs) await one.calibrate();
  for (let round = 0; round < ROUNDS; round++) for (const one of runs) await one.measure();
  return runs.map((one) => one.speed);
}

/** The runs of one program on one implementation. */
class Runs {
  #problem: string | undefined;
  readonly #speeds: number[] = [];
  #instructions: number;
  /** Requests of a run: more than one where a request cannot be long enough. */
  #copies = 1;

  constructor(
    private readonly entrant: Entrant,
    private readonly program: Program,
  ) {
    this.#instructions = Math.min(FIRST_INSTRUCTIONS, this.#most);
  }

  get #most(): number {
    return this.entrant.most ?? this.program.instructionsPerRound * 0x4000_0000;
  }

  /** Finds out how much it takes until the time means something. The last try also compiles what it runs. */
  async calibrate(): Promise<void> {
    const short = await this.#milliseconds(FEW_INSTRUCTIONS);
    for (
      let taken = short;
      this.#problem === undefined;
      taken = await this.#milliseconds(this.#instructions)
    ) {
      if (taken - short > ENOUGH) return;
      if (this.#instructions < this.#most) this.#instructions = Math.min(4 * this.#instructions, this.#most);
      else if (this.#copies < MOST_COPIES) this.#copies *= 2;
      else this.#problem = 'too fast';
    }
  }

  async measure(): Promise<void> {
    if (this.#problem !== undefined) return;
    const short = await this.#milliseconds(FEW_INSTRUCTIONS);
    const taken = await this.#milliseconds(this.#instructions);
    const instructions = this.#copies * (this.#instructions - FEW_INSTRUCTIONS);
    if (taken > short) this.#speeds.push((1000 * instructions) / (taken - short));
  }

  get speed(): Speed {
    return this.#problem ?? (this.#speeds.length === 0 ? 'too fast' : median(this.#speeds));
  }

  /** What the requests take together. */
  async #milliseconds(instructions: number): Promise<number> {
    const { implementation } = this.entrant;
    if (implementation === undefined) {
      this.#problem = 'skipped';
      return 0;
    }
    const request = this.program.request(Math.ceil(instructions / this.program.instructionsPerRound));
    const began = performance.now();
    const answers: Answer[] = [];
    // As many at a time as it takes.
    while (answers.length < this.#copies) {
      const count = Math.min(implementation.window, this.#copies - answers.length);
      answers.push(...(await Promise.all(Array.from({ length: count }, () => implementation.run(request)))));
    }
    const taken = performance.now() - began;
    const bad = answers.find((answer) => !cameToItsEnd(answer));
    if (bad !== undefined) this.#problem = bad.kind === 'unsupported' ? 'unsupported' : 'failed';
    return taken;
  }
}

function cameToItsEnd(answer: Answer): boolean {
  return answer.kind === 'result' && answer.result.steps[0]?.outcome.stop === 'hlt';
}
