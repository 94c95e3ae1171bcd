// SPDX-License-Identifier: GPL-2.0-or-later

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { SMALL_OS } from '../boot/build-images.js';
import { packageRoot } from '../package.js';

const image = join(packageRoot, SMALL_OS);
const cli = join(packageRoot, 'runner', 'cli.ts');

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lguest-boot-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A file in the test's folder. */
function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Boots in 4 MiB without a terminal. */
function boot(
  kernel: string,
  ...options: string[]
): { status: number | null; stdout: string; stderr: string } {
  const args = ['--import', 'tsx', cli, 'boot', kernel, '--memory', '4M', ...options];
  return spawnSync(process.execPath, args, { encoding: 'utf8', input: '', timeout: 50_000 });
}

test('a guest with a disk switches itself off, and is replayed', () => {
  const content = Buffer.alloc(2048);
  content.write('disk');
  const disk = file('disk', content);
  const recording = join(folder, 'recording');
  const typed = file('typed', 'a line\n');
  const first = boot(image, '--disk', disk, '--input', typed, '--record', recording, '--append', 'counts');
  expect(first.status).toBe(0);
  expect(first.stderr).toContain('CRASH: Power down\n');
  expect(first.stdout).toContain('sector 0: 6b736964\n');
  expect(first.stdout).toContain('typed: a line\n');
  expect(readFileSync(disk).readUInt32LE(512 + 127 * 4)).toBe(0x7f7f7f7f);

  const changed = boot(image, '--disk', disk, '--replay', recording, '--append', 'counts');
  expect(changed).toMatchObject({ status: 2, stdout: '' });
  expect(changed.stderr).toContain('the recording was made with disks ');

  writeFileSync(disk, content);
  const again = boot(image, '--disk', disk, '--replay', recording, '--append', 'counts');
  expect(again.stdout).toBe(first.stdout);
  expect(again).toMatchObject({ status: 0, stderr: 'CRASH: Power down\nthe same as recorded\n' });

  const lines = readFileSync(recording, 'utf8').replace(/"instructions":\d+/, '"instructions":1');
  writeFileSync(disk, content);
  const wrong = boot(image, '--disk', disk, '--replay', file('wrong', lines), '--append', 'counts');
  expect(wrong.status).toBe(1);
  expect(wrong.stderr).toContain('not as recorded: ');
});

test('a guest that asks for a restart is booted again', () => {
  const disk = file('restarts', Buffer.alloc(2048));
  const { status, stdout } = boot(image, '--disk', disk, '--append', 'reboot noinput');
  expect(status).toBe(0);
  expect(stdout.match(/^small-os: /gm)).toHaveLength(2);
  expect(readFileSync(disk).readUInt32LE(1024)).toBe(2);
});

describe('how it ended', () => {
  it.each([
    ['panic', [], 1, 'CRASH: Panic: as the command line wishes\n'],
    ['ring', [], 1, 'Bad NOTIFY 0x7ffff000\n'],
    ['loop', ['--max-instructions', '100000'], 4, /^the guest has not ended after 1\d{5} instructions\n$/],
  ] as const)('%s', (word, options, status, message) => {
    const result = boot(image, '--append', word, ...options);
    expect(result.status).toBe(status);
    expect(result.stderr).toMatch(message);
    expect(result.stdout).toContain('hello from the console\n');
  });

  it('statistics stand behind what the guest printed', () => {
    const { stderr } = boot(image, '--append', 'panic', '--stats');
    expect(stderr).toMatch(
      /^exits by trap: \d+\n[\s\S]*SHUTDOWN\n[\s\S]* a second, in [\s\S]*\nCRASH: Panic/,
    );
  });

  it('an instruction that is not modelled is named', () => {
    const addps = file('addps.bin', Buffer.from('0f58c0', 'hex'));
    const { status, stderr } = boot(addps, '--format', 'flat');
    expect(status).toBe(3);
    expect(stderr).toContain('not modelled: SSE (0f 58 c0 at 0061:00100000)');
  });
});

describe('what is refused before anything runs', () => {
  it.each([
    ['a file that is not there', 'nowhere', [], 'no such file'],
    ['no kernel', join(packageRoot, 'README.md'), [], "doesn't look like a bzImage"],
    ['a RAM disk larger than memory', image, ['--initrd', image, '--memory', '1M'], 'does not fit'],
    ['a missing disk', image, ['--disk', 'nowhere'], 'no such file'],
    ['too much memory', image, ['--memory', '4G'], 'from 1 to 960 MiB'],
    ['a memory size that is none', image, ['--memory', 'much'], '--memory is a size'],
    ['an unknown format', image, ['--format', 'coff'], '--format is one of'],
    ['an unknown processor', image, ['--cpu-model', 'z80'], '--cpu-model is one of'],
    ['no recording', image, ['--replay', join(packageRoot, 'README.md')], 'is not a recording'],
  ] as const)('%s', (_, kernel, options, message) => {
    const result = boot(kernel, ...options);
    expect(result).toMatchObject({ status: 2, stdout: '' });
    expect(result.stderr).toContain(message);
  });
});
