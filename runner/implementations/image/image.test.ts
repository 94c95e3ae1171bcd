// SPDX-License-Identifier: GPL-2.0-or-later

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Case } from '../../cases/case.js';
import { loadSuite } from '../../cases/suite.js';
import { expandCase } from '../../expand/request.js';
import { judgingFor } from '../../judging.js';
import { runCases } from '../../run.js';
import { LoggedMachine, readLog } from './log.js';
import { diskOf, monitorImage } from './monitor.js';
import { recordOfCase } from './record.js';

const has = (program: string, argument: string): boolean =>
  spawnSync(program, [argument], { stdio: 'ignore' }).status === 0;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lguest-conformance-image-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Cases on which QEMU does not deviate. */
const CASES = ['execution/multiply', 'gates/gate-dpl', 'paging/walk'];

async function someCases(): Promise<Case[]> {
  const { cases } = await loadSuite(['execution', 'gates', 'paging']);
  return cases.filter(
    ({ id, class: name }) => name === 'processor' && CASES.some((prefix) => id.startsWith(prefix)),
  );
}

const hex = (word: number): string => word.toString(16).padStart(8, '0');

async function judgedLog(text: string, cases: readonly Case[]) {
  const machine = new LoggedMachine('log', readLog(text), {}, () => undefined);
  const declaration = await machine.start();
  return await runCases(machine, cases, { declaration, judging: judgingFor(declaration) });
}

describe.skipIf(!has('nasm', '-v'))('the monitor of an image', () => {
  it('is what monitor.asm assembles to', () => {
    const binary = join(folder, 'monitor.bin');
    const source = fileURLToPath(new URL('monitor.asm', import.meta.url));
    execFileSync('nasm', ['-f', 'bin', source, '-o', binary]);
    expect(monitorImage()).toEqual(readFileSync(binary));
  });
});

describe.skipIf(!has('qemu-system-i386', '--version'))('an image', () => {
  it('boots, runs its cases and tells of them', { timeout: 60_000 }, async () => {
    const cases = await someCases();
    expect(cases.length).toBeGreaterThan(3);
    const disk = join(folder, 'disk');
    const log = join(folder, 'log');
    const records = cases.map((entry) =>
      recordOfCase(expandCase(entry, { profile: 'linux-2.6.29', choices: {} })),
    );
    writeFileSync(disk, diskOf(records));
    const drive = `file=${disk},format=raw`;
    const qemu = spawn('qemu-system-i386', [
      ...['-cpu', 'pentium3,-pae', '-display', 'none', '-drive', drive, '-serial', `file:${log}`],
    ]);
    while (qemu.exitCode === null && !(existsSync(log) && readFileSync(log, 'latin1').endsWith('done\r\n'))) {
      await setTimeout(100);
    }
    qemu.kill('SIGKILL');
    const results = await judgedLog(readFileSync(log, 'latin1'), cases);
    // QEMU leaves RF clear in what faults push.
    const others = results.filter(
      ({ differences = [] }) => !differences.every(({ path }) => path.endsWith('.RF')),
    );
    expect(others.map(({ case: { id } }) => id)).toEqual([]);
    expect(results.filter(({ verdict }) => verdict !== 'pass' && verdict !== 'fail')).toEqual([]);
  });
});

describe('the log of an image', () => {
  it('tells what ended in a reset and what ended nowhere', async () => {
    const [first, second, third] = await someCases();
    if (first === undefined || second === undefined || third === undefined) throw new Error('too few cases');
    const text = `SeaBIOS\r\ncase ${first.id}\r\nreset\r\ncase ${second.id}\r\n`;
    const results = await judgedLog(text, [first, second, third]);
    expect(results.map(({ verdict }) => verdict)).toEqual(['crashed', 'crashed', 'unsupported']);
  });

  it('does not judge a case whose loader the timer interrupted', async () => {
    const [entry] = await someCases();
    if (entry === undefined) throw new Error('too few cases');
    const ended = async (eip: number, esp: number, interrupted: number) => {
      const words = Array.from({ length: 29 }, () => 0);
      words[8] = eip;
      words[4] = esp;
      const text = `case ${entry.id}\r\nregisters ${words.map(hex).join(' ')}\r\nmemory ${hex(0x4fe0)} ${hex(interrupted)}\r\nend\r\n`;
      const [result] = await judgedLog(text, [entry]);
      return result?.verdict;
    };
    const handlerOfNmi = 0x3009;
    expect(await ended(handlerOfNmi, 0x4fe0, 0x1f816)).toBe('unsupported');
    expect(await ended(handlerOfNmi, 0x200ff4, 0)).toBe('unsupported');
    expect(await ended(handlerOfNmi, 0x4fe0, 0x8000)).toBe('fail');
    expect(await ended(0x3035, 0x4fe0, 0x1f816)).toBe('fail');
  });
});
