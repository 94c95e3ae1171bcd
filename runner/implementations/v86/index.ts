// SPDX-License-Identifier: GPL-2.0-or-later

import { messageOf } from '../../message-of.js';
import {
  type CaseRequest,
  type Declaration,
  PROTOCOL_VERSION,
  type ProcessorStepResult,
  type ProcessorStop,
} from '../../protocol.js';
import {
  imageOf,
  type MachineCase,
  machineCase,
  observedRuns,
  Unsupported,
  withNullSegments,
} from '../bare-machine.js';
import { type Answer, CannotStart, type Implementation } from '../implementation.js';
import { WITHOUT_ATTRIBUTES } from '../observed.js';
import { compile, Engine, RAM_BYTES } from './engine.js';
import { LAYOUT } from './layout.js';
import { v86Package } from './package-folder.js';
import { loadRegisters, storeRegisters } from './registers.js';

/** As measured; every choice that is not here has its first value. */
const CHOICES = { pushed_selector: 'unchanged' };

/** The processor of v86, the emulator that runs in a browser, without the rest of its PC; the npm package v86. */
export function createV86(): Implementation {
  return new V86();
}

class V86 implements Implementation {
  readonly label = 'v86';
  readonly window = 1;
  #module: object | undefined;
  #engine: Engine | undefined;

  async start(): Promise<Declaration> {
    const { version, wasm } = v86Package();
    try {
      this.#module = compile(wasm);
      this.#engine = new Engine(this.#module);
    } catch (error) {
      throw new CannotStart(
        `v86 ${version} cannot be loaded: ${messageOf(error)}`,
        'npm install v86@0.5.462, the version that this was made for',
      );
    }
    return {
      protocol_version: PROTOCOL_VERSION,
      implementation: { name: 'v86', version, language: 'Rust', homepage: 'https://github.com/copy/v86' },
      classes: ['processor'],
      profile: 'linux-2.6.29',
      observes: [...WITHOUT_ATTRIBUTES],
      choices: CHOICES,
    };
  }

  run(request: CaseRequest): Answer {
    let given: MachineCase;
    try {
      given = machineCase(request, RAM_BYTES);
    } catch (error) {
      if (error instanceof Unsupported) return { kind: 'unsupported', reason: error.message };
      throw error;
    }
    const engine = this.#readyEngine();
    try {
      return { kind: 'result', result: { steps: runOn(engine, given) } };
    } catch (error) {
      // A panic leaves the module in no state to go on.
      this.#engine = undefined;
      return { kind: 'crashed', how: `v86 panicked: ${messageOf(error)}`, stderr: engine.said };
    }
  }

  async stop(): Promise<void> {
    this.#engine = undefined;
    this.#module = undefined;
  }

  #readyEngine(): Engine {
    if (this.#module === undefined) throw new Error('v86 has not been started');
    this.#engine ??= new Engine(this.#module);
    return this.#engine;
  }
}

function runOn(engine: Engine, given: MachineCase): ProcessorStepResult[] {
  engine.ram.set(imageOf(given, RAM_BYTES));
  engine.reset();
  storeRegisters(engine.state, given.registers);
  engine.refresh();
  engine.ports = given.io;
  return given.steps.map((instructions) => {
    engine.accesses = [];
    engine.state.setUint8(LAYOUT.halted, 0);
    const stop = runStep(engine, instructions);
    const registers = withNullSegments(loadRegisters(engine.state, engine.eflags));
    const memory = observedRuns(engine.ram, given.observed);
    return { outcome: { stop }, state: { registers, memory, io: engine.accesses }, events: [] };
  });
}

/** v86 stops at its own leisure, some 100,000 instructions apart: a case runs at least as far as its limit says. */
function runStep(engine: Engine, instructions: number): ProcessorStop {
  const begun = engine.state.getUint32(LAYOUT.instructionCounter, true);
  for (;;) {
    engine.run();
    const { state } = engine;
    if (state.getUint8(LAYOUT.halted) !== 0) return 'hlt';
    const ran = (state.getUint32(LAYOUT.instructionCounter, true) - begun) >>> 0;
    if (ran >= instructions) return 'limit';
  }
}
