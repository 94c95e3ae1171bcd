// SPDX-License-Identifier: GPL-2.0-or-later

import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../package.js';

const CLI = [process.execPath, '--import', 'tsx', join('runner', 'cli.ts')];
const REFERENCE = [...CLI, 'serve'].map((word) => `"${word}"`).join(' ');
/** Eight cases that change registers. */
const CASES = 'io-emulation/in-byte/*';

interface Outcome {
  exitCode: number;
  output: string;
}

function cli(...words: string[]): Promise<Outcome> {
  const [program = '', ...parameters] = [...CLI, ...words];
  return new Promise((resolve) => {
    execFile(program, parameters, { cwd: packageRoot }, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ exitCode, output: stdout + stderr });
    });
  });
}

function run(implementation: string, ...options: string[]): Promise<Outcome> {
  return cli('run', CASES, '--class', 'host', '--impl', implementation, ...options);
}

/** A wrong implementation around the reference. */
function wrong(name: string): string {
  return `"${process.execPath}" runner/examples/wrong/${name}.mjs ${REFERENCE}`;
}

function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('wrong implementations', () => {
  test('answers out of order: that is allowed, all cases pass', async () => {
    const { exitCode, output } = await run(wrong('answers-out-of-order'));
    expect(output).toMatch(/8 cases: 8 pass/);
    expect(exitCode).toBe(0);
  });

  test('echoes the given state: every case fails', async () => {
    const { exitCode, output } = await run(wrong('echoes-the-given-state'));
    expect(output).toMatch(/8 cases: 8 fail/);
    expect(output).toMatch(/FAIL io-emulation\/in-byte\/in-al-dx\n/);
    expect(exitCode).toBe(1);
  });

  test('EIP one too high: every case fails, and the difference is named', async () => {
    const { exitCode, output } = await run(wrong('off-by-one-eip'));
    expect(output).toMatch(/8 cases: 8 fail/);
    expect(output).toMatch(/eip c0010003, expected c0010002/i);
    expect(exitCode).toBe(1);
  });

  test('crashes at the third case of each process: those are blamed and no others', async () => {
    const { exitCode, output } = await run(wrong('crashes-at-third-case'));
    expect(output).toMatch(/8 cases: 6 pass, 2 crashed/);
    expect(output).toContain('CRASHED io-emulation/in-byte/in-al-imm8-high-ones');
    expect(output).toContain('CRASHED io-emulation/in-byte/in-al-dx-zero');
    expect(output).toContain('signal SIGSEGV');
    expect(output).toContain('segmentation fault, or so it seems');
    expect(exitCode).toBe(1);
  });

  test('hangs: every case times out, and buffering is named as the likely cause', async () => {
    const { exitCode, output } = await run(wrong('hangs'), '--timeout', '0.5');
    expect(output).toMatch(/8 cases: 8 timeout/);
    expect(output).toContain('flush');
    expect(exitCode).toBe(1);
  });

  test('prints text: bad replies that quote the text', async () => {
    const { exitCode, output } = await run(wrong('prints-text'));
    expect(output).toMatch(/8 cases: 8 bad-reply/);
    expect(output).toContain('is not JSON: running io-emulation/in-byte/in-al-imm8');
    expect(exitCode).toBe(1);
  });

  test.each([
    ['answers-garbage', 'result.steps must be a list, but is the string "all fine"'],
    ['answers-with-wrong-id', 'which is not that of an unanswered request'],
    ['numbers-as-strings', 'state.regs.eip must be an integer of 32 bits, but is the string "0xc0010002"'],
  ])('%s: bad replies that say what is wrong', async (name, problem) => {
    const { exitCode, output } = await run(wrong(name));
    expect(output).toMatch(/8 cases: 8 bad-reply/);
    expect(output).toContain(problem);
    expect(exitCode).toBe(1);
  });

  test('claims what it cannot do: nothing failed, and still it does not conform', async () => {
    const { exitCode, output } = await run(wrong('claims-what-it-cannot-do'));
    expect(output).toMatch(/8 cases: 8 unsupported/);
    expect(exitCode).toBe(1);
  });

  test('ignores shutdown: it is ended all the same', async () => {
    const { exitCode } = await run(wrong('ignores-shutdown'));
    expect(exitCode).toBe(1);
  });

  test('exits at once: it could not be started', async () => {
    const { exitCode, output } = await run(wrong('exits-at-once'));
    expect(output).toContain('exited with code 7 before it answered initialize');
    expect(output).toContain('this program needs a licence key');
    expect(exitCode).toBe(3);
  });
});

describe('example adapters', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lguest-conformance-examples-'));
  });

  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const python = isInstalled('python3') ? test : test.skip;
  const c = isInstalled('cc') ? test : test.skip;

  async function expectRealLogic(command: string): Promise<void> {
    const short = await run(command);
    expect(short.output).toMatch(/8 cases: 8 pass/);
    expect(short.exitCode).toBe(0);
    const long = await cli('run', '--behaviour', 'io-emulation', '--class', 'host', '--impl', command);
    expect(long.output).toMatch(/\d{3,} pass, \d+ unsupported/);
    expect(long.exitCode).toBe(0);
    const check = await cli('check-adapter', command);
    expect(check.output).toContain('No mistakes.');
    expect(check.exitCode).toBe(0);
  }

  python('the one in Python emulates IN and OUT and is honest about the rest', async () => {
    await expectRealLogic('python3 runner/examples/python/adapter.py');
  });

  c('the one in C does the same', async () => {
    const adapter = join(folder, 'adapter');
    execFileSync('cc', ['-O2', '-o', adapter, join(packageRoot, 'runner', 'examples', 'c', 'adapter.c')]);
    await expectRealLogic(`"${adapter}"`);
  });
});
