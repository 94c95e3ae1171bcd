// SPDX-License-Identifier: GPL-2.0-or-later

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkAdapter } from '../commands/check-adapter.js';

let folder: string;
let programs = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lguest-conformance-check-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/**
 * An adapter of class host without a mistake: it halves EIP, says that it observes the registers only, and knows one
 * operation. `changes` is code that spoils it.
 */
async function check(changes: string): Promise<{ exitCode: number; report: string }> {
  const file = join(folder, `adapter-${programs++}.mjs`);
  writeFileSync(
    file,
    `
    import { createInterface } from 'node:readline';
    const about = {
      protocol_version: 1,
      implementation: { name: 'test', version: '1' },
      classes: ['host'],
      profile: 'linux-2.6.29',
      observes: ['regs'],
    };
    let text = (message) => JSON.stringify(message);
    let write = (line) => process.stdout.write(line + '\\n');
    let state = (given) => ({ regs: { ...given.regs, eip: given.regs.eip >>> 1 } });
    let knows = (op) => op !== 'no_such_operation';
    let unsupported = (id) => ({ jsonrpc: '2.0', id, error: { code: 1001, message: 'unsupported', data: { reason: 'not yet' } } });
    let runCase = (id, { given, steps }) => {
      if (given.guests !== undefined || !steps.every(({ op }) => knows(op))) return unsupported(id);
      const result = { steps: steps.map(() => ({ outcome: { stop: 'ok' }, state: state(given), events: [] })) };
      return { jsonrpc: '2.0', id, result };
    };
    let unknown = (id) => ({ jsonrpc: '2.0', id, error: { code: -32601, message: 'no such method' } });
    let initialize = (id) => ({ jsonrpc: '2.0', id, result: about });
    let end = () => process.exit(0);
    ${changes}
    createInterface({ input: process.stdin })
      .on('line', (line) => {
        const { id, method, params } = JSON.parse(line);
        if (method === 'initialize') write(text(initialize(id)));
        else if (method === 'run_case') write(text(runCase(id, params)));
        else if (method === 'shutdown') { write(text({ jsonrpc: '2.0', id, result: null })); end(); }
        else write(text(unknown(id)));
      })
      .on('close', () => end());
    `,
  );
  let report = '';
  const exitCode = await checkAdapter(`"${process.execPath}" "${file}"`, {
    timeout: 5,
    write: (part) => {
      report += part;
    },
  });
  return { exitCode, report };
}

test('an adapter without a mistake', async () => {
  const { exitCode, report } = await check('');
  expect(report).not.toContain('WRONG');
  expect(report).toContain('No mistakes.');
  expect(exitCode).toBe(0);
});

describe('each mistake is named, with its cure', () => {
  test.each([
    ['no flush', 'write = () => {};', 'no answer', 'Flush standard output', 3],
    [
      'silent in a case',
      'runCase = () => undefined; text = (m) => m === undefined ? "" : JSON.stringify(m); const w = write; write = (l) => l && w(l);',
      'no answer',
      'Flush standard output',
      1,
    ],
    ['a banner', "write('hello');", 'text on standard output', 'standard error', 1],
    [
      'pretty-printing',
      'text = (m) => JSON.stringify(m, null, 1);',
      'spread over several lines',
      'one line',
      3,
    ],
    [
      'an id as a string',
      'text = (m) => JSON.stringify({ ...m, id: String(m.id) });',
      'another id',
      'Copy "id"',
      3,
    ],
    ['another id', 'text = (m) => JSON.stringify({ ...m, id: 99 });', 'another id', 'Copy "id"', 3],
    [
      'no version',
      'delete about.protocol_version;',
      'protocol_version is missing',
      '"protocol_version": 1',
      1,
    ],
    ['an unknown class', "about.classes = ['hosts'];", 'initialize has the wrong shape', 'classes', 1],
    [
      'an unknown key of initialize',
      "about.profile = 'linux';",
      'initialize has the wrong shape',
      'profile',
      1,
    ],
    [
      'a decimal string',
      'state = () => ({ regs: { eip: "123" } });',
      'a number written as a string',
      '3221225472',
      1,
    ],
    [
      'a hex string',
      'state = () => ({ regs: { eip: "0x123" } });',
      'a number written as a string',
      '3221225472',
      1,
    ],
    [
      'a number that is too small',
      'state = () => ({ regs: { eip: -3000000000 } });',
      'a negative number',
      'modulo 2^32',
      1,
    ],
    [
      'a number that is too large',
      'state = () => ({ regs: { eip: 2 ** 33 } });',
      'beyond 32 bits',
      'modulo 2^32',
      1,
    ],
    ['no registers', 'state = () => ({});', 'a key is missing', 'whole state', 1],
    [
      'no events',
      'const r = runCase; runCase = (id, p) => { const a = r(id, p); if (a.result) delete a.result.steps[0].events; return a; };',
      'a key is missing',
      'whole state',
      1,
    ],
    [
      'an error of its own',
      "knows = () => false; unsupported = (id) => ({ jsonrpc: '2.0', id, error: { code: 7, message: 'oops' } });",
      'neither "unsupported" nor "malformed"',
      'error 1001',
      1,
    ],
    [
      'one answer only',
      'const r = runCase; runCase = (id, p) => { setTimeout(() => process.exit(0), 5); return r(id, p); };',
      'ended instead of answering',
      'loop',
      1,
    ],
    [
      'unknown methods are answered',
      "unknown = (id) => ({ jsonrpc: '2.0', id, result: {} });",
      'a method that does not exist is not refused',
      '-32601',
      1,
    ],
    [
      'unknown operations are answered',
      'knows = () => true;',
      'an operation that does not exist is not refused',
      '1001',
      1,
    ],
    ['nothing is done', 'knows = () => false;', 'nothing of it is done', 'Leave the class out', 1],
    [
      'the given state comes back',
      'state = (given) => given;',
      'handed back as it came',
      'after the operation',
      1,
    ],
    [
      'it does not end',
      'end = () => {}; setInterval(() => {}, 1000);',
      'shutdown is not obeyed',
      'exit code 0',
      1,
    ],
    ['it ends with another code', 'end = () => process.exit(5);', 'shutdown is not obeyed', 'exit code 0', 1],
  ])('%s', async (_, changes, mistake, cure, code) => {
    const { exitCode, report } = await check(changes);
    const wrong = report.split('\n').filter((line) => line.includes('WRONG'));
    expect(wrong.join('\n')).toContain(mistake);
    expect(report.replaceAll(/\s+/g, ' ')).toContain(cure);
    expect(exitCode).toBe(code);
  });

  test('the program that outlives its input', async () => {
    const { report } = await check(
      'process.stdin.on("end", () => { end = () => {}; setInterval(() => {}, 1000); });',
    );
    expect(report).toContain('the program outlives its input');
  });

  test('the program that does not exist', async () => {
    let report = '';
    const exitCode = await checkAdapter('/nonexistent/adapter', {
      write: (part) => {
        report += part;
      },
    });
    expect(report).toContain('there is no program "/nonexistent/adapter"');
    expect(exitCode).toBe(3);
  });
});
