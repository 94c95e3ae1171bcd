// SPDX-License-Identifier: GPL-2.0-or-later

import { CannotStart, type Implementation } from '../implementations/implementation.js';
import { canBeInProcess } from '../implementations/in-process.js';
import type { ImplementationOptions } from '../implementations/index.js';
import { createImplementation, isBuiltIn } from '../implementations/index.js';
import { MODULE_PREFIX } from '../implementations/module.js';
import { parseAddress } from '../implementations/stdio/socket-transport.js';
import { messageOf } from '../message-of.js';
import type { Declaration, Profile } from '../protocol.js';
import { ExitCode, UsageError } from '../usage.js';

/** The options of a command that say which implementation is meant, and how it is treated. */
export interface AttachOptions {
  impl: string;
  /** An address at which an implementation listens that somebody has started; then `impl` is not used. */
  connect?: string;
  /** Processes of it at the same time. */
  jobs?: number;
  /** Requests that one process may leave unanswered. */
  window?: number;
  /** Seconds for one case. */
  timeout?: number;
  /** Address space of each process: `512M`. */
  memory?: string;
  /** Each implementation that is made must be a process of its own. */
  verify?: boolean;
}

/** Time for one case when nothing else is asked for; `--timeout` is given in seconds, limits are multiplied. */
const USUAL_SECONDS = 10;

/** What stands for the implementation in reports and in the command that runs a case again. */
export function implementationWords({ impl, connect }: AttachOptions): string {
  if (connect !== undefined) return ` --connect ${connect}`;
  if (impl === 'reference') return '';
  return ` --impl ${isBuiltIn(impl) ? impl : `"${impl}"`}`;
}

/**
 * Makes implementations as the options say; each call makes a fresh one. Refuses options that do not go together.
 * @param onlyJudged whether nobody sees the answers
 */
export function implementationMaker(
  options: AttachOptions,
  profile: Profile | undefined,
  onlyJudged = false,
): () => Promise<Implementation> {
  const jobs = positive('--jobs', options.jobs) ?? 1;
  const isolated = jobs > 1 || options.verify === true;
  const settings = { ...settingsOf(options, profile), isolated, onlyJudged };
  if (options.connect !== undefined) {
    if (jobs > 1) throw new UsageError('--connect has one connection: no --jobs');
    checkAddress(options.connect);
  } else {
    refuseForOthers(options, settings.isolated);
  }
  return async () => {
    const [first, ...others] = await Promise.all(
      Array.from({ length: jobs }, () => createImplementation(options.impl, settings)),
    );
    if (first === undefined) throw new UsageError('--jobs needs a number from 1');
    if (others.length === 0) return first;
    const { Pool } = await import('../implementations/pool.js');
    return new Pool(first, ...others);
  };
}

function settingsOf(options: AttachOptions, profile: Profile | undefined): ImplementationOptions {
  return {
    profile,
    connect: options.connect,
    timeoutFactor: timeoutFactor(options.timeout),
    unhurried: options.timeout === undefined,
    window: positive('--window', options.window),
    memoryKib: options.memory === undefined ? undefined : kibOf(options.memory),
  };
}

function checkAddress(address: string): void {
  try {
    parseAddress(address);
  } catch (error) {
    throw new UsageError(`--connect: ${messageOf(error)}`);
  }
}

/** Refuses what does not concern this kind of implementation: it would be thought to have an effect. */
function refuseForOthers({ impl, window, memory }: AttachOptions, isolated: boolean): void {
  const isOfJavaScript = canBeInProcess(impl);
  const isProgram = !isBuiltIn(impl) && !isOfJavaScript;
  const hasWindow = isProgram || impl.startsWith(MODULE_PREFIX) || (isOfJavaScript && isolated);
  if (window !== undefined && !hasWindow) {
    throw new UsageError(`--window is for programs, not for ${impl}`);
  }
  if (memory !== undefined && !isProgram) throw new UsageError(`--memory is for programs, not for ${impl}`);
}

function timeoutFactor(seconds: number | undefined): number {
  if (seconds === undefined) return 1;
  if (!(seconds > 0)) throw new UsageError('--timeout needs a number of seconds greater than 0');
  return seconds / USUAL_SECONDS;
}

/** A count from the command line: a whole number from 1. */
export function positive(flag: string, value: number | undefined): number | undefined {
  if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) {
    throw new UsageError(`${flag} needs a number from 1`);
  }
  return value;
}

const KIB_OF_UNIT: Record<string, number> = { K: 1, M: 1024, G: 1024 * 1024 };

/** `512M` in KiB. */
function kibOf(size: string): number {
  const [, digits, unit] = /^(\d+)([KMG])$/.exec(size.toUpperCase()) ?? [];
  const kib = Number(digits) * (KIB_OF_UNIT[unit ?? ''] ?? Number.NaN);
  if (!(kib > 0)) throw new UsageError(`--memory needs a size such as 512M, and not "${size}"`);
  return kib;
}

/** An implementation that is ready to be asked. */
export interface Attached {
  implementation: Implementation;
  declaration: Declaration;
}

/** Makes and starts one; the answer is the exit code when it cannot be had, and then the reason has been told. */
export async function attach(
  make: () => Promise<Implementation>,
  { impl, connect }: AttachOptions,
): Promise<Attached | number> {
  try {
    const implementation = await make();
    return { implementation, declaration: await implementation.start() };
  } catch (error) {
    if (!(error instanceof CannotStart)) throw error;
    process.stderr.write(
      `lguest-conformance: ${connect ?? impl} cannot be started: ${error.message}\n${error.cure}\n`,
    );
    return ExitCode.cannotStart;
  }
}
