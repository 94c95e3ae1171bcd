// SPDX-License-Identifier: GPL-2.0-or-later

import { translate } from '../../expand/descriptors.js';
import { MemoryImage } from '../../expand/image.js';
import {
  type CaseRequest,
  type Declaration,
  PROTOCOL_VERSION,
  type ProcessorStepResult,
  type ProcessorStop,
} from '../../protocol.js';
import {
  type MachineCase,
  machineCase,
  observedRuns,
  requireOpenBus,
  Unsupported,
  withNullSegments,
} from '../bare-machine.js';
import { type Answer, CannotStart, type Implementation } from '../implementation.js';
import { type Answered, type BatchEnd, MANNERS, type Manner, runBatch, type Setting } from './batch.js';
import { CASE_MEMORY_BYTES, type Report, readReport, type TimedCase } from './monitor.js';

export interface BochsOptions {
  /** The program; default: the environment variable LGUEST_CONFORMANCE_BOCHS, else `bochs` in PATH. */
  binary?: string;
  /** Multiplies the time that Bochs may be silent; default 1. */
  timeoutFactor?: number;
  /** In a second of Bochs' own time, of which a case has 55 ms at most; default 1,000,000. */
  instructionsPerSecond?: number;
}

/** Little, because Bochs takes time to wait for the end of a case. */
const INSTRUCTIONS_PER_SECOND = 1_000_000;

/** Bochs must answer some case within this time. */
const SECONDS_OF_SILENCE = 10;
/** When Bochs is free a batch begins, as soon as so many requests have come, or none for so long. */
const BATCH = 512;
const PAUSE_MILLISECONDS = 20;

const NOT_FOUND = /not found|No such file or directory/;

/** As measured; every choice that is not here has its first value. */
const CHOICES = {
  branch_limit: 'after_push',
  enter_fault: 'stored',
  far_call_limit: 'after_push',
  far_return_order: 'offset_last',
  fstp1_empty: 'underflow',
  pusha_fault: 'stored',
  pushed_selector: 'unchanged',
};

/** Bochs, the strictest of the interpreters. Each start of it runs a batch of cases. */
export function createBochs(options: BochsOptions = {}): Implementation {
  return new Bochs(options);
}

/** Waiting for the end of a case takes Bochs' time, so few instructions come first and all only for those that need them. */
const FIRST_INSTRUCTIONS = 1000;

interface Waiting extends TimedCase {
  resolve: (answer: Answer) => void;
}

class Bochs implements Implementation {
  readonly label = 'bochs';
  readonly window = BATCH;
  readonly #binary: string;
  readonly #instructionsPerSecond: number;
  readonly #secondsOfSilence: number;
  #manner: Manner | undefined;
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** The batch that is being run. */
  #running: Promise<void> | undefined;

  constructor(options: BochsOptions) {
    this.#binary = options.binary ?? process.env.LGUEST_CONFORMANCE_BOCHS ?? 'bochs';
    this.#instructionsPerSecond = options.instructionsPerSecond ?? INSTRUCTIONS_PER_SECOND;
    this.#secondsOfSilence = SECONDS_OF_SILENCE * (options.timeoutFactor ?? 1);
  }

  async start(): Promise<Declaration> {
    const ends: BatchEnd[] = [];
    for (const manner of MANNERS) {
      const end = await runBatch(this.#settingOf(manner), [], this.#secondsOfSilence, () => {});
      ends.push(end);
      if (NOT_FOUND.test(end.log)) break;
      if (end.complete) {
        this.#manner = manner;
        return declaration(end.version ?? 'unknown');
      }
    }
    const [first] = ends;
    const said = [first?.how, first?.log].filter((text) => text !== '').join('\n');
    throw new CannotStart(
      `${this.#binary} does not run: ${said}`,
      'install Bochs, "apt-get install bochs" on Debian and Ubuntu, or name the program in LGUEST_CONFORMANCE_BOCHS; ' +
        'it needs a display library that works without a screen (rfb or nogui) and the options port_e9_hack',
    );
  }

  run(request: CaseRequest): Answer | Promise<Answer> {
    let given: MachineCase;
    try {
      given = machineCase(request, CASE_MEMORY_BYTES, 'time');
      requireOpenBus(given.io);
      if (given.steps.length !== 1) throw new Unsupported('more than one step');
    } catch (error) {
      if (error instanceof Unsupported) return { kind: 'unsupported', reason: error.message };
      throw error;
    }
    return new Promise((resolve) => {
      const [allowed = 0] = given.steps;
      const instructions = Math.min(allowed, FIRST_INSTRUCTIONS);
      this.#waiting.push({
        given,
        instructions,
        instructionsPerSecond: this.#instructionsPerSecond,
        resolve,
      });
      if (this.#running === undefined) this.#schedule();
    });
  }

  async stop(): Promise<void> {
    while (this.#waiting.length > 0 || this.#running !== undefined) {
      this.#begin();
      await this.#running;
    }
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#waiting.length >= BATCH) this.#begin();
    else this.#timer = setTimeout(() => this.#begin(), PAUSE_MILLISECONDS);
  }

  /** What comes while a batch runs makes up the next one. */
  #begin(): void {
    clearTimeout(this.#timer);
    if (this.#running !== undefined) return;
    this.#running = this.#runAll(this.#waiting.splice(0)).finally(() => {
      this.#running = undefined;
      if (this.#waiting.length > 0) this.#schedule();
    });
  }

  #settingOf(manner: Manner): Setting {
    return { binary: this.#binary, manner, instructionsPerSecond: this.#instructionsPerSecond };
  }

  /** When Bochs ends in the middle, the case at hand gets the blame and the others a fresh Bochs. */
  async #runAll(batch: readonly Waiting[]): Promise<void> {
    const manner = this.#manner;
    if (manner === undefined) throw new Error('Bochs has not been started');
    const setting = this.#settingOf(manner);
    for (let left = batch; left.length > 0; ) {
      const cases = left;
      let answered = 0;
      const unfinished: Waiting[] = [];
      const onAnswer = (answer: Answered): void => {
        const waiting = cases[answer.number];
        answered = answer.number + 1;
        if (waiting === undefined) return;
        const step = resultOf(answer, waiting.given);
        const [allowed = 0] = waiting.given.steps;
        if (step.outcome.stop === 'limit' && waiting.instructions < allowed) {
          unfinished.push({ ...waiting, instructions: allowed });
        } else waiting.resolve({ kind: 'result', result: { steps: [step] } });
      };
      const end = await runBatch(setting, cases, this.#secondsOfSilence, onAnswer);
      left = [...cases.slice(answered + 1), ...unfinished];
      cases[answered]?.resolve(
        end.timedOut
          ? { kind: 'timeout', seconds: this.#secondsOfSilence, stderr: end.log }
          : { kind: 'crashed', how: end.how, stderr: end.log },
      );
    }
  }
}

function declaration(version: string): Declaration {
  return {
    protocol_version: PROTOCOL_VERSION,
    implementation: { name: 'bochs', version, language: 'C++', homepage: 'https://bochs.sourceforge.io' },
    classes: ['processor'],
    profile: 'linux-2.6.29',
    observes: ['registers', 'memory'],
    choices: CHOICES,
  };
}

function resultOf(answered: Answered, given: MachineCase): ProcessorStepResult {
  const report = readReport(answered.lines, given);
  return {
    outcome: { stop: stopOf(report) },
    state: {
      registers: withNullSegments(report.registers),
      memory: observedRuns(report.memory, given.observed),
      io: [],
    },
    events: [],
  };
}

const HLT = 0xf4;

/** The SMI finds the processor behind the HLT that it rests in, else in the middle of its work. */
function stopOf({ shutDown, registers, memory }: Report): ProcessorStop {
  if (shutDown) return 'shutdown';
  const { cs, ss, eip } = registers;
  const image = MemoryImage.of([{ at: 0, hex: memory.toString('hex') }]);
  const at = translate((cs.base + eip - 1) >>> 0, registers, image);
  const isAtHalt = at !== undefined && image.read8(at) === HLT && ((ss.attributes >>> 5) & 3) === 0;
  return isAtHalt ? 'hlt' : 'limit';
}
