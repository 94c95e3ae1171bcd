// SPDX-License-Identifier: GPL-2.0-or-later

import { readFileSync, writeSync } from 'node:fs';
import { GuestRunsOn, TripleFault } from '../../reference/host/host-code.js';
import { HostBug, HostHang } from '../../reference/host/kernel.js';
import type { Disk } from '../../reference/launcher/block-device.js';
import { IMAGE_FORMATS, type ImageFormat, readKernelImage } from '../../reference/launcher/kernel-image.js';
import { LauncherError } from '../../reference/launcher/launcher-error.js';
import { USUAL_CLOCK } from '../../reference/launcher/model-time.js';
import { MODELS, type ModelName } from '../../reference/processor/cpuid.js';
import { NotModelled } from '../../reference/processor/interface.js';
import { DiskFile } from '../boot/disk-file.js';
import {
  type Recording,
  type RunIdentity,
  readRecording,
  requireSame,
  sha256,
  writeRecording,
} from '../boot/recording.js';
import { recordedEnd, Session, type SessionEnd } from '../boot/session.js';
import { Statistics } from '../boot/statistics.js';
import { type InputSource, NO_INPUT, StreamInput } from '../boot/terminal.js';
import { isModelName } from '../implementations/reference/model.js';
import { messageOf } from '../message-of.js';
import type { Profile } from '../protocol.js';
import { UsageError } from '../usage.js';
import { profileOf } from './options.js';

export interface BootOptions {
  initrd?: string;
  disk: string[];
  append: string;
  memory: string;
  format: string;
  profile?: string;
  cpuModel: string;
  maxInstructions?: number;
  instructionTime: number;
  seed: number;
  input?: string;
  rng?: boolean;
  realtime?: boolean;
  stats?: boolean;
  record?: string;
  replay?: string;
}

/** What the exit code of `boot` tells. */
export const BootExitCode = {
  powerOff: 0,
  crash: 1,
  endOfModel: 3,
  limit: 4,
  interrupted: 130,
} as const;

/** An instruction that is not modelled; a guest that has harmed its host, which the profile linux-2.6.29 allows. */
const ENDS_OF_THE_MODEL = [NotModelled, HostBug, HostHang, TripleFault, GuestRunsOn];

const STDOUT = 1;
/** How a Linux guest that is switched off ends. */
const POWER_DOWN = 'CRASH: Power down';
const UNITS: ReadonlyMap<string, number> = new Map([
  ['', 2 ** 20],
  ['K', 2 ** 10],
  ['M', 2 ** 20],
  ['G', 2 ** 30],
]);

/** Boots a kernel image on the reference; the console is that of the terminal. */
export async function boot(imagePath: string, options: BootOptions): Promise<number> {
  const setup = readSetup(imagePath, options);
  const replayed = options.replay === undefined ? undefined : readRecording(options.replay);
  if (replayed !== undefined) requireSame(replayed.identity, setup.identity);
  const statistics = options.stats === true ? new Statistics() : undefined;
  const source = replayed === undefined ? inputSource(options) : NO_INPUT;
  const session = new Session({
    ...setup.launcher,
    clock: { ...USUAL_CLOCK, nanosecondsPerInstruction: options.instructionTime },
    maxInstructions: options.maxInstructions ?? Number.POSITIVE_INFINITY,
    realtime:
      replayed === undefined && (options.realtime === true || (source.interactive && !options.record)),
    source,
    planned: replayed?.input ?? fileInput(options.input),
    statistics,
    print: printBytes,
    warn: tell,
  });
  const begun = performance.now();
  try {
    const end = await runSession(session);
    if (statistics !== undefined)
      for (const line of statistics.lines((performance.now() - begun) / 1000)) tell(line);
    if (options.record !== undefined) {
      writeRecording(options.record, { identity: setup.identity, input: end.input, end: recordedEnd(end) });
    }
    return replayed === undefined ? conclude(end) : concludeReplay(end, replayed);
  } catch (error) {
    if (error instanceof LauncherError) throw new UsageError(error.message);
    if (!(error instanceof Error) || !ENDS_OF_THE_MODEL.some((kind) => error instanceof kind)) throw error;
    tell(`the reference cannot go on: ${error.message}`);
    return BootExitCode.endOfModel;
  } finally {
    source.close();
    for (const disk of setup.disks) disk.close();
  }
}

/** Ctrl-C ends it cleanly. */
async function runSession(session: Session): Promise<SessionEnd> {
  const interrupt = () => session.interrupt();
  process.on('SIGINT', interrupt);
  try {
    return await session.run();
  } finally {
    process.off('SIGINT', interrupt);
  }
}

// -------------------------------------------------------------------------------------------------- the input

function inputSource({ input }: BootOptions): InputSource {
  if (input === '-' || (input === undefined && process.stdin.isTTY)) return new StreamInput(process.stdin);
  return NO_INPUT;
}

/** A file is there from the beginning. */
function fileInput(path: string | undefined): { at: number; input: Buffer }[] {
  return path === undefined || path === '-' ? [] : [{ at: 0, input: readFile(path) }];
}

// ------------------------------------------------------------------------------------------------------ files

interface Setup {
  launcher: {
    profile: Profile;
    model: ModelName;
    memory: number;
    image: ReturnType<typeof readKernelImage>;
    commandLine: string;
    initrd: Uint8Array | undefined;
    disks: readonly Disk[];
    random: boolean;
    seed: number;
  };
  disks: readonly DiskFile[];
  identity: RunIdentity;
}

/** Reads all files: what is wrong with them is said before anything runs. */
function readSetup(imagePath: string, options: BootOptions): Setup {
  const file = readFile(imagePath);
  const initrd = options.initrd === undefined ? undefined : readFile(options.initrd);
  const profile = profileOf(options.profile);
  const model = modelOf(options.cpuModel);
  const memory = memorySize(options.memory);
  const identity: RunIdentity = {
    image: sha256(file),
    initrd: initrd === undefined ? 'none' : sha256(initrd),
    disks: options.disk.map((path) => sha256(readFile(path))).join(' '),
    append: options.append,
    memory,
    profile,
    model,
    rng: options.rng === true,
    seed: options.seed,
    instruction_time: options.instructionTime,
  };
  const disks = options.disk.map(openDisk);
  try {
    const image = readKernelImage(file, formatOf(options.format));
    const { append: commandLine, seed } = options;
    const random = options.rng === true;
    return {
      launcher: { profile, model, memory, image, commandLine, initrd, disks, random, seed },
      disks,
      identity,
    };
  } catch (error) {
    throw new UsageError(`${imagePath}: ${messageOf(error)}`);
  }
}

function readFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

function openDisk(path: string): DiskFile {
  try {
    return new DiskFile(path);
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

function formatOf(name: string): ImageFormat {
  const format = IMAGE_FORMATS.find((known) => known === name);
  if (format === undefined) throw new UsageError(`--format is one of ${IMAGE_FORMATS.join(', ')}`);
  return format;
}

function modelOf(name: string): ModelName {
  if (!isModelName(name)) throw new UsageError(`--cpu-model is one of ${Object.keys(MODELS).join(', ')}`);
  return name;
}

/** A number with K, M or G; M when there is no letter. */
function memorySize(text: string): number {
  const [, digits = '', unit = ''] = /^(\d+)([KMG]?)$/.exec(text.toUpperCase()) ?? [];
  const size = Number(digits) * (UNITS.get(unit) ?? 0);
  if (size === 0) throw new UsageError(`--memory is a size such as 64M, not ${text}`);
  return size;
}

// -------------------------------------------------------------------------------------------------- the end

function conclude({ ending, instructions }: SessionEnd): number {
  switch (ending.ended) {
    case 'dead':
      tell(ending.reason);
      return ending.reason === POWER_DOWN ? BootExitCode.powerOff : BootExitCode.crash;
    case 'failed':
      tell(ending.reason);
      return BootExitCode.crash;
    case 'limit':
      tell(`the guest has not ended after ${instructions} instructions`);
      return BootExitCode.limit;
    case 'asleep':
      tell('the guest sleeps, and nothing will wake it');
      return BootExitCode.limit;
    default:
      tell('stopped');
      return BootExitCode.interrupted;
  }
}

/** A replay says whether it was the same run, before it says how that ended. */
function concludeReplay(end: SessionEnd, { end: recorded }: Recording): number {
  const now = recordedEnd(end);
  const code = conclude(end);
  if (recorded === null) return code;
  const same =
    recorded.ended === now.ended &&
    recorded.instructions === now.instructions &&
    recorded.console === now.console;
  tell(
    same
      ? 'the same as recorded'
      : `not as recorded: ${JSON.stringify(recorded)}, now ${JSON.stringify(now)}`,
  );
  return same ? code : BootExitCode.crash;
}

function printBytes(bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(STDOUT, bytes, done);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
    }
  }
}

/** A terminal in raw mode does not return the carriage by itself. */
function tell(line: string): void {
  process.stderr.write(process.stdin.isRaw ? `${line}\r\n` : `${line}\n`);
}
