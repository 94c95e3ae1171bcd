// SPDX-License-Identifier: GPL-2.0-or-later

import { afterEach, describe, expect, it } from 'vitest';
import { loadSuite } from '../cases/suite.js';
import { expandCase } from '../expand/request.js';
import { type CaseRequest, PROTOCOL_VERSION } from '../protocol.js';
import { type MachineCase, machineCase } from './bare-machine.js';
import { CannotStart } from './implementation.js';
import { MachineImplementation } from './machine-implementation.js';
import type { Dialogue } from './machine-process.js';

const { cases } = await loadSuite(['execution']);

/** A request whose only step may do `instructions`; the program below takes that number for an order. */
function order(instructions: number): CaseRequest {
  const [first] = cases.filter((entry) => entry.class === 'processor');
  if (first === undefined) throw new Error('there are no cases');
  const { request } = expandCase(first, { profile: 'linux-2.6.29', choices: {} });
  return { ...request, steps: [{ op: 'run', until: 'hlt', max_instructions: instructions }] };
}

const ANSWER = 1;
const HANG = 2;
const DIE = 3;

const PROGRAM = `
  process.stdin.on('data', (line) => {
    const order = Number(line);
    if (order === ${HANG}) for (;;);
    if (order === ${DIE}) { console.error('it hurts'); process.exitCode = 7; process.stdin.destroy(); return; }
    console.log(process.pid);
  });`;

const LINES: Dialogue<MachineCase, number> = {
  encode: ({ steps }) => Buffer.from(`${steps[0]}\n`),
  decode: (bytes) => {
    const length = bytes.indexOf('\n') + 1;
    return length === 0 ? undefined : { reply: Number(bytes.toString('utf8', 0, length)), length };
  },
};

/** The processes that have answered. */
let pids: number[] = [];
let machine: MachineImplementation<number>;

function start(probe?: (ask: (given: MachineCase) => Promise<number>) => Promise<void>) {
  pids = [];
  machine = new MachineImplementation({
    label: 'orders',
    memoryBytes: 0x10_0000,
    secondsForACase: 1,
    limit: 'counted',
    dialogue: LINES,
    find: async () => ({
      command: { file: process.execPath, args: ['-e', PROGRAM] },
      declaration: {
        protocol_version: PROTOCOL_VERSION,
        implementation: { name: 'orders', version: '1' },
        classes: ['processor'],
        profile: 'linux-2.6.29',
      },
    }),
    ...(probe === undefined ? {} : { probe }),
    answer: (pid) => {
      pids.push(pid);
      return { kind: 'unsupported', reason: 'it only takes orders' };
    },
  });
  return machine.start();
}

afterEach(() => machine.stop());

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('a machine in a process of its own', () => {
  it('is one process for all cases', async () => {
    await start();
    for (let i = 0; i < 3; i++) await machine.run(order(ANSWER));
    expect(new Set(pids).size).toBe(1);
  });

  it('that hangs is ended, the case is blamed, and the next one gets another process', async () => {
    await start();
    await machine.run(order(ANSWER));
    expect(await machine.run(order(HANG))).toMatchObject({ kind: 'timeout', seconds: 1 });
    await machine.run(order(ANSWER));
    expect(new Set(pids).size).toBe(2);
  });

  it('that dies is told with its last words', async () => {
    await start();
    expect(await machine.run(order(DIE))).toEqual({
      kind: 'crashed',
      how: 'the program ended with status 7',
      stderr: 'it hurts\n',
    });
    expect(await machine.run(order(ANSWER))).toMatchObject({ kind: 'unsupported' });
  });

  it('that its probe declines is not left behind', async () => {
    let pid = 0;
    const started = start(async (ask) => {
      pid = await ask(machineCase(order(ANSWER), 0x10_0000, 'counted'));
      throw new CannotStart('it is no good', 'use another one');
    });
    await expect(started).rejects.toThrow('it is no good');
    expect(pid).toBeGreaterThan(0);
    expect(isAlive(pid)).toBe(false);
  });

  it('that does not count its instructions declines a case that does', () => {
    expect(() => machineCase(order(3), 0x10_0000, 'time')).toThrow(/not counted/);
    expect(machineCase(order(3), 0x10_0000, 'counted').steps).toEqual([3]);
    expect(machineCase(order(1000), 0x10_0000, 'time').steps).toEqual([1000]);
  });
});
