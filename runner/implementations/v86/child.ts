// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * The process that v86 runs in: its arguments are the path of the WebAssembly module and, if the JIT is wanted, `jit`. A line
 * of standard input is a case, of standard output its result or {panic, said}.
 */

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { messageOf } from '../../message-of.js';
import type { ProcessorStepResult, ProcessorStop } from '../../protocol.js';
import { imageOf, type MachineCase, observedRuns, withNullSegments } from '../bare-machine.js';
import { compile, Engine, RAM_BYTES } from './engine.js';
import { LAYOUT } from './layout.js';
import { loadRegisters, storeRegisters } from './registers.js';

const [, , path = '', jit] = process.argv;
const compiled = compile(new Uint8Array(readFileSync(path)));
let engine: Engine | undefined;

for await (const line of createInterface({ input: process.stdin })) {
  const given: MachineCase = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(reply(given))}\n`);
}

function reply(given: MachineCase): object {
  const running = engine ?? new Engine(compiled, jit === 'jit');
  try {
    const steps = runOn(running, given);
    engine = running;
    return { steps };
  } catch (error) {
    // A panic leaves the module in no state to go on.
    engine = undefined;
    return { panic: messageOf(error), said: running.said };
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
