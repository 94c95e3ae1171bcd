// SPDX-License-Identifier: GPL-2.0-or-later

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, test } from 'vitest';
import { type KernelImage, readKernelImage } from '../../reference/launcher/kernel-image.js';
import { packageRoot } from '../package.js';
import { SMALL_OS } from './build-images.js';
import { recordedEnd } from './session.js';
import { Statistics } from './statistics.js';
import type { InputSource } from './terminal.js';
import { bootInMemory } from './testing/boot-in-memory.js';

const KERNEL = 0x100000;
const elf = readKernelImage(readFileSync(join(packageRoot, SMALL_OS)));
const POWER_OFF = { ended: 'dead', reason: 'CRASH: Power down' };

/** The bytes from 1 MiB on, as a file. */
function flatFile({ parts }: KernelImage): Buffer {
  const end = Math.max(...parts.map(({ address, bytes }) => address + bytes.length));
  const file = Buffer.alloc(end - KERNEL);
  for (const { address, bytes } of parts) file.set(bytes, address - KERNEL);
  return file;
}

/** A bzImage with the setup sectors that the smallest one has. */
function bzImageFile(image: KernelImage): Buffer {
  const setup = Buffer.alloc(5 * 512);
  setup.writeUInt8(4, 0x1f1);
  setup.write('HdrS', 0x202);
  setup.writeUInt32LE(image.start, 0x214);
  return Buffer.concat([setup, flatFile(image)]);
}

test('the small system comes up the same from an ELF file, a flat image and a bzImage, in both profiles', async () => {
  const images = [elf, readKernelImage(flatFile(elf), 'flat'), readKernelImage(bzImageFile(elf))];
  const expected = await bootInMemory({ image: elf });
  expect(expected.text).toContain('pi to nine digits\n');
  expect(expected.text).toContain('typed: typed text\n');
  expect(expected.end.ending).toEqual(POWER_OFF);
  for (const profile of ['linux-2.6.29', 'hardened'] as const) {
    for (const image of images) {
      expect(await bootInMemory({ image, profile })).toEqual(expected);
    }
  }
});

/** Types each key when the guest has been asked for input so often. */
class ScriptedInput implements InputSource {
  readonly interactive = false;
  readonly escaped = false;
  private asked = 0;

  constructor(private readonly script: ReadonlyMap<number, string>) {}

  get ended(): boolean {
    return this.asked > Math.max(...this.script.keys());
  }

  take(): Buffer[] {
    const text = this.script.get(this.asked++);
    return text === undefined ? [] : [Buffer.from(text)];
  }

  async wait(): Promise<void> {}

  close(): void {}
}

test('a run whose input came at any time is replayed to the last instruction', async () => {
  const source = new ScriptedInput(
    new Map([
      [3, 'first'],
      [5, ' and second\n'],
    ]),
  );
  const live = await bootInMemory({ image: elf, commandLine: 'counts', source, planned: [] });
  expect(live.text).toContain('typed: first');
  expect(live.end.input.map(({ at }) => at > 0)).toEqual([true, true]);
  const replayed = await bootInMemory({ image: elf, commandLine: 'counts', planned: live.end.input });
  expect(replayed).toEqual(live);
});

test('another time of the input is another run', async () => {
  const at = (time: number) => [{ at: time, input: Buffer.from('x\n') }];
  const early = await bootInMemory({ image: elf, commandLine: 'counts', planned: at(0) });
  const late = await bootInMemory({ image: elf, commandLine: 'counts', planned: at(50_000_000) });
  expect(recordedEnd(late.end)).not.toEqual(recordedEnd(early.end));
});

it('waits in vain for input that will not come', async () => {
  const { end, text } = await bootInMemory({ image: elf, planned: [], maxInstructions: 400_000 });
  expect(text).toContain('the child died of trap 0\n');
  expect(end.ending).toEqual({ ended: 'limit' });
});

test('statistics tell what the guest made its host do', async () => {
  const statistics = new Statistics();
  await bootInMemory({ image: elf, statistics });
  const lines = statistics.lines(1).join('\n');
  for (const [count, what] of [
    [1, 'LGUEST_INIT'],
    [16, 'LOAD_IDT_ENTRY'],
    [1, '13 #GP'],
    [1, 'SHUTDOWN'],
  ]) {
    expect(lines).toMatch(new RegExp(`^ +${count}  ${what}$`, 'm'));
  }
  expect(lines).toMatch(/^ +[1-9]\d*\s+level 3/m);
  expect(lines).toMatch(/^ +[1-9]\d*\s+filled in: user read, not present$/m);
  expect(lines).toMatch(/^ +[1-9]\d*\s+virtual interrupt$/m);
});
