// SPDX-License-Identifier: GPL-2.0-or-later

/** Operation `boot`: the whole launcher of chapters 29 and 30, with an image, a command line and devices. */

import { IsolationGuard } from '../../../reference/host/isolation.js';
import type { HostObserver, Profile } from '../../../reference/host/kernel.js';
import type { Disk } from '../../../reference/launcher/block-device.js';
import { IMAGE_FORMATS, readKernelImage } from '../../../reference/launcher/kernel-image.js';
import { type Ending, Launcher } from '../../../reference/launcher/launcher.js';
import { LauncherError } from '../../../reference/launcher/launcher-error.js';
import { ModelTime, USUAL_CLOCK } from '../../../reference/launcher/model-time.js';
import type { ProcessorObserver } from '../../../reference/processor/interface.js';
import { PhysicalMemory } from '../../../reference/processor/memory.js';
import type { CaseRequest, CaseResult, RequestStep } from '../../protocol.js';
import { stopOf } from './ending.js';
import { bytesAt, flagAt, MalformedCase, type Tree, treeAt, treesAt, wordAt } from './fields.js';
import { givenOf } from './host.js';

export const BOOT = 'boot';

const DEFAULT_MAX_INSTRUCTIONS = 1_000_000;
const DEFAULT_RAM = 0x200000;

/** What became of the guest, as the case compares it. */
interface Life {
  console: string;
  warnings: string[];
  ended: Ending['ended'] | 'asleep';
  reason: string | null;
  /** How often a disk was told to make sure of its data. */
  flushes: number;
}

/** A disk in memory. */
class MemoryDisk implements Disk {
  readonly size: number;

  constructor(
    private readonly content: Uint8Array,
    readonly flush: () => void,
  ) {
    this.size = content.length;
  }

  read(offset: number, length: number): Uint8Array {
    return this.content.subarray(offset, offset + length);
  }

  write(offset: number, bytes: Uint8Array): void {
    this.content.set(bytes, offset);
  }
}

let reusable: PhysicalMemory | undefined;

/** One machine runs after the other, so that the next can have the memory of the last. */
function memoryOf(size: number): PhysicalMemory {
  if (reusable?.size === size) reusable.clear();
  else reusable = new PhysicalMemory(size);
  return reusable;
}

/** Runs the one step of such a case. */
export function runBootStep(
  request: CaseRequest,
  profile: Profile,
  step: RequestStep,
  observers: { host?: HostObserver; processor?: ProcessorObserver },
): CaseResult {
  const life: Life = { console: '', warnings: [], ended: 'failed', reason: null, flushes: 0 };
  let stop = 'ok';
  try {
    const ending = live(treeAt(givenOf(request), 'launcher'), profile, step, observers, life);
    life.ended = ending.ended;
    if ('reason' in ending) life.reason = ending.reason;
  } catch (error) {
    if (error instanceof LauncherError) life.reason = error.message;
    else stop = stopOf(error);
  }
  return { steps: [{ outcome: { stop }, state: { ...life }, events: [] }] };
}

function live(
  given: Tree,
  profile: Profile,
  step: RequestStep,
  observers: { host?: HostObserver; processor?: ProcessorObserver },
  life: Life,
): Ending | { ended: 'asleep' } {
  const time = new ModelTime(
    USUAL_CLOCK,
    wordAt(given, 'seed', 1),
    0,
    wordAt(step, 'max_instructions', DEFAULT_MAX_INSTRUCTIONS),
  );
  let guard: IsolationGuard | undefined;
  const disks = treesAt(given, 'disks').map(
    (disk) => new MemoryDisk(contentOf(disk, 'content', wordAt(disk, 'size')), () => life.flushes++),
  );
  const launcher = new Launcher(
    {
      profile,
      memory: wordAt(given, 'ram', DEFAULT_RAM),
      image: readKernelImage(contentOf(given, 'image', 0), formatOf(given)),
      commandLine: textAt(given, 'append'),
      initrd: given.initrd === undefined ? undefined : contentOf(given, 'initrd', 0),
      disks,
      random: flagAt(given, 'rng'),
      seed: wordAt(given, 'seed', 1),
      memoryOf,
      print: (bytes) => {
        life.console += Buffer.from(bytes).toString('latin1');
      },
      warn: (message) => life.warnings.push(message),
      observer: {
        ...observers.processor,
        boundary: (cpl, linear, eflags, cr3) => guard?.boundary(cpl, linear, eflags, cr3),
      },
    },
    time,
  );
  guard = new IsolationGuard(launcher.host);
  launcher.host.guard = guard;
  launcher.host.kernel.observer = observers.host;
  for (const { at, text } of typedAt(given)) {
    time.plan(at, () => launcher.input(Buffer.from(text, 'latin1')));
  }
  for (;;) {
    const turn = launcher.turn();
    if (turn === 'asleep') return { ended: 'asleep' };
    if (typeof turn === 'object') return turn;
  }
}

/** A file that is given in runs of bytes: as long as the last one, or longer. */
function contentOf(tree: Tree, key: string, leastSize: number): Uint8Array {
  const runs = treesAt(tree, key).map((run) => ({ at: wordAt(run, 'at'), bytes: bytesAt(run, 'hex') }));
  const content = new Uint8Array(Math.max(leastSize, ...runs.map(({ at, bytes }) => at + bytes.length)));
  for (const { at, bytes } of runs) content.set(bytes, at);
  return content;
}

function formatOf(given: Tree): (typeof IMAGE_FORMATS)[number] {
  const name = given.format ?? 'auto';
  const format = IMAGE_FORMATS.find((known) => known === name);
  if (format === undefined) throw new MalformedCase(`there is no image format ${JSON.stringify(name)}`);
  return format;
}

function textAt(tree: Tree, key: string): string {
  const text = tree[key] ?? '';
  if (typeof text !== 'string') throw new MalformedCase(`${key} is a text`);
  return text;
}

/** What is typed, and when: a text alone is there from the beginning. */
function typedAt(tree: Tree): { at: number; text: string }[] {
  const list = tree.typed ?? [];
  if (!Array.isArray(list)) throw new MalformedCase('typed is a list');
  return list.map((typed) => {
    if (typeof typed === 'string') return { at: 0, text: typed };
    const event = treeAt({ typed }, 'typed');
    return { at: wordAt(event, 'at'), text: textAt(event, 'text') };
  });
}
