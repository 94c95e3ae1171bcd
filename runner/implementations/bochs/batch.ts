// SPDX-License-Identifier: GPL-2.0-or-later

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diskImage, romImage, type TimedCase } from './monitor.js';

/** How this Bochs can be run without a screen and without a question. */
export interface Manner {
  display: string;
  /** It was built with the debugger, which must be told to go on. */
  hasDebugger: boolean;
}

/** The manners in the order in which they are tried; Debian's Bochs is the first. */
export const MANNERS: readonly Manner[] = [
  { display: 'rfb, options="timeout=0"', hasDebugger: true },
  { display: 'rfb, options="timeout=0"', hasDebugger: false },
  { display: 'nogui', hasDebugger: true },
  { display: 'nogui', hasDebugger: false },
];

/** One case's part of what Bochs wrote. */
export interface Answered {
  number: number;
  lines: string[];
}

export interface BatchEnd {
  /** The monitor said that it is through. */
  complete: boolean;
  /** How Bochs ended, or that it had to be ended. */
  how: string;
  timedOut: boolean;
  /** The last lines that were not the monitor's. */
  log: string;
  version: string | undefined;
}

const LOG_LINES = 20;
const VERSION = /Bochs x86 Emulator (\S+)/;

/** The program, how it can be run, and how much it is to do in a second of its own time. */
export interface Setting {
  binary: string;
  manner: Manner;
  instructionsPerSecond: number;
}

/** Runs Bochs once, with all the cases; `onAnswer` is called for each as it ends. */
export async function runBatch(
  setting: Setting,
  cases: readonly TimedCase[],
  secondsOfSilence: number,
  onAnswer: (answered: Answered) => void,
): Promise<BatchEnd> {
  const folder = mkdtempSync(
    join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'lguest-conformance-bochs-'),
  );
  try {
    const child = start(setting, folder, cases);
    return await follow(child, secondsOfSilence, onAnswer);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function start(setting: Setting, folder: string, cases: readonly TimedCase[]): ChildProcess {
  const { binary, manner, instructionsPerSecond } = setting;
  const file = (name: string, content: string | Uint8Array): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const rom = file('rom', romImage());
  const disk = file('disk', diskImage(cases));
  const configuration = file(
    'bochsrc',
    [
      'config_interface: textconfig',
      `display_library: ${manner.display}`,
      `romimage: file=${rom}, address=0xffff0000`,
      'ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14',
      `ata0-master: type=disk, path=${disk}, mode=flat`,
      'megs: 64',
      `cpu: model=p3_katmai, ips=${instructionsPerSecond}, reset_on_triple_fault=1, ignore_bad_msrs=0`,
      'clock: sync=none',
      'port_e9_hack: enabled=1',
      'panic: action=report',
      'error: action=report',
      'info: action=ignore',
      'debug: action=ignore',
      'speaker: enabled=0',
      'sound: waveoutdrv=dummy',
      '',
    ].join('\n'),
  );
  // The debugger stops at each reset, which a triple fault makes.
  const commands = file('commands', 'c\n'.repeat(cases.length + 1));
  const args = ['-q', '-f', configuration, ...(manner.hasDebugger ? ['-rc', commands] : [])];
  // Without a terminal Bochs would write in large blocks, and what it said before it hung would be lost.
  const command = existsSync(STDBUF) ? [STDBUF, '-oL', binary, ...args] : [binary, ...args];
  // Its log, on standard error, must come in the right place among the answers.
  return spawn('/bin/sh', ['-c', 'exec "$@" 2>&1', 'sh', ...command], {
    stdio: ['ignore', 'pipe', 'ignore'],
    cwd: folder,
  });
}

const STDBUF = '/usr/bin/stdbuf';

function follow(
  child: ChildProcess,
  secondsOfSilence: number,
  onAnswer: (answered: Answered) => void,
): Promise<BatchEnd> {
  const log: string[] = [];
  const end: BatchEnd = { complete: false, how: '', timedOut: false, log: '', version: undefined };
  let current: Answered | undefined;
  /** Whether the line completes an answer. */
  const readLine = (line: string): boolean => {
    if (/^=[0-9a-f]{8}$/.test(line)) {
      current = { number: Number.parseInt(line.slice(1), 16), lines: [] };
    } else if (current !== undefined && /^[STXM][0-9a-f]*$/.test(line)) {
      current.lines.push(line);
    } else if (current !== undefined && line === '.') {
      onAnswer(current);
      current = undefined;
      return true;
    } else if (line === '!') {
      end.complete = true;
      child.kill('SIGKILL');
    } else {
      end.version ??= VERSION.exec(line)?.[1];
      if (line.trim() !== '') log.push(line);
      if (log.length > LOG_LINES) log.shift();
    }
    return false;
  };
  return new Promise((resolve) => {
    const silence = (): NodeJS.Timeout =>
      setTimeout(() => {
        end.timedOut = true;
        child.kill('SIGKILL');
      }, secondsOfSilence * 1000);
    let timer = silence();
    let text = '';
    const read = (chunk: string): void => {
      const lines = (text + chunk).split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) {
        if (!readLine(line)) continue;
        clearTimeout(timer);
        timer = silence();
      }
    };
    const killAtExit = (): void => {
      child.kill('SIGKILL');
    };
    const finish = (how: string): void => {
      clearTimeout(timer);
      process.removeListener('exit', killAtExit);
      resolve({ ...end, how, log: log.join('\n') });
    };
    child.stdout?.setEncoding('utf8').on('data', read);
    process.once('exit', killAtExit);
    child.once('error', (error) => finish(error.message));
    child.once('close', (code, signal) =>
      finish(signal === null ? `Bochs exited with status ${code}` : `Bochs was ended by ${signal}`),
    );
  });
}
