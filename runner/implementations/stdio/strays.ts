// SPDX-License-Identifier: GPL-2.0-or-later

import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** The environment variable that all descendants of an implementation inherit. */
const MARK = 'LGUEST_CONFORMANCE_SESSION';

/** How often the descendants are looked up while the process runs, in milliseconds. */
const LOOK_EVERY = 1000;
/** A process that forks without end is not run after for ever. */
const MOST_ROUNDS = 20;

/** A process of this machine, as /proc has it. */
interface Process {
  pid: number;
  parent: number;
  group: number;
  session: number;
  /** When it was started; a number that is given to another process later does not have the same. */
  started: string;
}

/**
 * The descendants of one process, wherever they have gone. One is known by its ancestors as long as these live; by the session
 * or the process group; by a mark in the environment; by the streams to the runner that it holds open; and by having been
 * seen as one before. Only a process escapes that has cleared its environment, closed the streams, made a session of its own and
 * been orphaned, all of it between two looks. Without /proc (not Linux) nothing is found.
 */
export class Strays {
  readonly #entry = `${MARK}=${randomUUID()}`;
  readonly #seen = new Map<number, string>();
  #root = 0;
  #streams: ReadonlySet<string> = new Set();
  #timer: NodeJS.Timeout | undefined;

  /** The environment to start the process with. */
  environment(): NodeJS.ProcessEnv {
    return { ...process.env, [MARK]: this.#entry.slice(MARK.length + 1) };
  }

  /** From now on the descendants of this process are looked for. */
  watch(root: number): void {
    this.#root = root;
    this.#streams = new Set([0, 1, 2].flatMap((descriptor) => linkOf(root, String(descriptor)) ?? []));
    this.#timer = setInterval(() => this.look(), LOOK_EVERY).unref();
  }

  /** Remembers the descendants of now: once their parents have ended, they could not be told any more. */
  look(): void {
    this.#find((one) => this.#isRelated(one));
  }

  /** Ends all of them, and the process itself. */
  kill(): void {
    clearInterval(this.#timer);
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const found = this.#find((one) => this.#isRelated(one) || this.#isMarked(one));
      if (found.length === 0) return;
      for (const { pid } of found) end(pid);
    }
  }

  /** Those that run now: what is one by the test, and what descends from it. */
  #find(test: (one: Process) => boolean): Process[] {
    const all = processes();
    const found = new Map(all.filter(test).map((one) => [one.pid, one]));
    for (let before = -1; before !== found.size; ) {
      before = found.size;
      for (const one of all) if (found.has(one.parent)) found.set(one.pid, one);
    }
    found.delete(process.pid);
    for (const { pid, started } of found.values()) this.#seen.set(pid, started);
    return [...found.values()];
  }

  #isRelated({ pid, group, session, started }: Process): boolean {
    return [pid, group, session].includes(this.#root) || this.#seen.get(pid) === started;
  }

  /** To see this takes more reading than can be done all the time. */
  #isMarked({ pid }: Process): boolean {
    return environmentOf(pid).split('\0').includes(this.#entry) || this.#holdsStream(pid);
  }

  #holdsStream(pid: number): boolean {
    return namesIn(`/proc/${pid}/fd`).some((name) => this.#streams.has(linkOf(pid, name) ?? ''));
  }
}

/** All processes but those that have ended and are only waited for. */
function processes(): Process[] {
  return namesIn('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const text = read(`/proc/${name}/stat`);
      // The name in brackets may hold anything.
      const [state, parent, group, session, ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ');
      if (state === undefined || state === '' || state === 'Z' || state === 'X') return [];
      const numbers = { parent: Number(parent), group: Number(group), session: Number(session) };
      return [{ pid: Number(name), ...numbers, started: rest[START_TIME] ?? '' }];
    });
}

/** Behind the session, the place of the start time in /proc/PID/stat. */
const START_TIME = 15;

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended in the meantime.
  }
}

/** Empty for a process that has ended, or that belongs to somebody else. */
function environmentOf(pid: number): string {
  return read(`/proc/${pid}/environ`);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function linkOf(pid: number, descriptor: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/fd/${descriptor}`);
  } catch {
    return undefined;
  }
}
