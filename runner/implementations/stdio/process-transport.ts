// SPDX-License-Identifier: GPL-2.0-or-later

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { exitOnSignals } from '../../interrupts.js';
import { messageOf } from '../../message-of.js';
import { CannotStart } from '../implementation.js';
import { splitWords } from './command-line.js';
import { LineSplitter, Tail } from './lines.js';
import { Strays } from './strays.js';
import type { Connect, Transport, TransportEvents } from './transport.js';

/**
 * How long the standard output of a program that has ended may stay open without a byte arriving, in milliseconds.
 * It stays open when the program left a child of its own behind; what it wrote itself is on its way already.
 */
const OUTPUT_GRACE = 500;

/** The programs that must not outlive the runner. */
const running = new Set<ProcessTransport>();
process.on('exit', () => {
  for (const transport of running) transport.kill();
});

export interface ProcessLimits {
  /** Address space that the process may have, in KiB; absent: as much as it likes. */
  memoryKib?: number;
}

/** A `Connect` that starts `command` (words, or a line of them as in a shell) and talks over its standard streams. */
export function processTransport(command: string | readonly string[], limits: ProcessLimits = {}): Connect {
  return async (events) => {
    exitOnSignals();
    const [program, ...parameters] = typeof command === 'string' ? splitWords(command) : command;
    if (program === undefined) throw new CannotStart('the command is empty', 'name a program');
    const words = [program, ...parameters];
    const [file = program, ...rest] =
      limits.memoryKib === undefined ? words : limited(words, limits.memoryKib);
    const strays = new Strays();
    const child = spawn(file, rest, {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env: strays.environment(),
    });
    await started(child, program);
    if (child.pid !== undefined) strays.watch(child.pid);
    return new ProcessTransport(child, strays, events);
  };
}

/** The same words, started by a shell that limits itself first; the words are its parameters and are not expanded. */
function limited(words: readonly string[], memoryKib: number): string[] {
  return ['/bin/sh', '-c', `ulimit -v ${memoryKib} && exec "$@"`, 'sh', ...words];
}

function started(child: ChildProcessWithoutNullStreams, program: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(cannotSpawn(error, program)));
  });
}

function cannotSpawn(error: Error, program: string): CannotStart {
  const code = 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') {
    return new CannotStart(
      `there is no program "${program}"`,
      'check the spelling, give a path, or put its folder on PATH; no shell is used, so aliases and "cd" do not work',
    );
  }
  if (code === 'EACCES') {
    return new CannotStart(
      `"${program}" may not be executed`,
      `chmod +x ${program}, or name its interpreter first, as in "python3 ${program}"`,
    );
  }
  return new CannotStart(`"${program}" cannot be started: ${error.message}`, 'try it in a terminal');
}

class ProcessTransport implements Transport {
  readonly ended: Promise<string>;
  readonly #stderr = new Tail();
  readonly #splitter = new LineSplitter();
  /** Lines that wait to be sent together, at the end of this turn or when the program has read what was sent before. */
  readonly #queue: string[] = [];
  #blocked = false;
  #broken = false;
  #reportEnd: (how: string) => void = () => {};

  constructor(
    private readonly child: ChildProcessWithoutNullStreams,
    private readonly strays: Strays,
    private readonly events: TransportEvents,
  ) {
    running.add(this);
    this.ended = new Promise((resolve) => {
      this.#reportEnd = resolve;
    });
    child.stdout.on('data', (chunk: Buffer) => this.#receive(chunk));
    child.stderr.on('data', (chunk: Buffer) => this.#stderr.push(chunk));
    child.stdin.on('drain', () => this.#flush());
    // A write to a program that has ended fails; its end is reported by 'exit' and is what counts.
    child.stdin.on('error', () => {});
    child.once('exit', (code, signal) => this.#exited(describeEnd(code, signal)));
  }

  send(line: string): void {
    this.#queue.push(line);
    if (this.#queue.length === 1 && !this.#blocked) setImmediate(() => this.#flush());
  }

  end(): void {
    this.strays.look();
    this.#flush();
    this.child.stdin.end();
  }

  kill(): void {
    const { pid } = this.child;
    if (pid === undefined || !running.has(this)) return;
    this.strays.kill();
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      this.child.kill('SIGKILL');
    }
  }

  stderr(): string {
    return this.#stderr.toString();
  }

  #flush(): void {
    this.#blocked = false;
    if (this.#queue.length === 0) return;
    const text = `${this.#queue.join('\n')}\n`;
    this.#queue.length = 0;
    // Lines are ASCII.
    this.#blocked = !this.child.stdin.write(text, 'latin1');
  }

  #receive(chunk: Buffer): void {
    if (this.#broken) return;
    try {
      for (const line of this.#splitter.push(chunk)) this.events.line(line);
    } catch (error) {
      this.#broken = true;
      this.events.broken(messageOf(error));
    }
  }

  #exited(how: string): void {
    const { stdout, stderr } = this.child;
    const finish = () => {
      if (!running.has(this)) return;
      clearTimeout(timer);
      this.kill(); // what the program left behind
      running.delete(this);
      stdout.destroy();
      stderr.destroy();
      const rest = this.#splitter.rest();
      if (rest !== undefined && !this.#broken) this.events.line(rest);
      this.events.closed(how);
      this.#reportEnd(how);
    };
    const timer = setTimeout(finish, OUTPUT_GRACE);
    stdout.on('data', () => timer.refresh());
    this.child.once('close', finish);
  }
}

function describeEnd(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `exited with code ${code}` : `was ended by signal ${signal}`;
}
