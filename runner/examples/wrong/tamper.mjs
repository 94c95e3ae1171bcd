// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * What the deliberately wrong implementations share: an honest implementation, started from the command line
 * (`node wrong/crashes-at-third-case.mjs python3 adapter.py`), or the reference when none is named, whose answers
 * pass through here on their way to the runner.
 */

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const REFERENCE = [
  process.execPath,
  fileURLToPath(new URL('../../../dist/runner/cli.js', import.meta.url)),
  'serve',
];

/**
 * Calls `change(answer, request)` for each answer of the honest implementation. What it returns is sent in its place;
 * when it returns `undefined`, nothing is.
 */
export function tamper(change) {
  const named = process.argv.slice(2);
  const [program, ...parameters] = named.length > 0 ? named : REFERENCE;
  const honest = spawn(program, parameters, { stdio: ['pipe', 'pipe', 'inherit'] });
  const requests = new Map();

  createInterface({ input: process.stdin })
    .on('line', (line) => {
      const request = JSON.parse(line);
      requests.set(request.id, request);
      honest.stdin.write(`${line}\n`);
    })
    .on('close', () => honest.stdin.end());

  createInterface({ input: honest.stdout }).on('line', (line) => {
    const answer = JSON.parse(line);
    const changed = change(answer, requests.get(answer.id));
    if (changed !== undefined) say(changed);
  });
  honest.on('exit', (code) => process.exit(code ?? 1));
}

export function say(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

/** Answers each request of the runner with what `respond` returns, without an honest implementation. */
export function answerAlone(classes, respond) {
  const about = {
    protocol_version: 1,
    implementation: { name: 'wrong', version: '1.0', language: 'JavaScript' },
    classes,
    profile: 'linux-2.6.29',
  };
  createInterface({ input: process.stdin }).on('line', (line) => {
    const request = JSON.parse(line);
    const answer = { jsonrpc: '2.0', id: request.id };
    if (request.method === 'run_case') {
      const response = respond(request.params);
      if (response !== undefined) say({ ...answer, ...response });
    } else {
      say({ ...answer, result: request.method === 'initialize' ? about : null });
      if (request.method === 'shutdown') process.exit(0);
    }
  });
}
