// SPDX-License-Identifier: GPL-2.0-or-later

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import {
  decodeHello,
  decodeNativeResult,
  encodeNativeRequest,
  HELLO_BYTES,
  type Hello,
  type NativeRequest,
  type NativeResult,
} from './wire.js';

const WIRE_VERSION = 1;

interface Waiting {
  pages: number;
  resolve: (result: NativeResult) => void;
  reject: (error: Error) => void;
}

/** One running native.c. Requests are answered in order. */
export class NativeProcess {
  /** Resolves when the program has greeted. */
  readonly started: Promise<void>;
  #hello: Hello | undefined;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting: Waiting[] = [];
  #received = Buffer.alloc(0);
  #ended: string | undefined;
  readonly #exit: Promise<void>;

  constructor(program: string) {
    // The kernel writes to a registered rseq area whenever it likes; a case's process does not have those pages.
    const env = { GLIBC_TUNABLES: 'glibc.pthread.rseq=0' };
    this.#child = spawn(program, [], { stdio: ['pipe', 'pipe', 'inherit'], env });
    this.#child.stdin.on('error', () => {}); // its end is what counts
    let greeted: () => void = () => {};
    let failed: (error: Error) => void = () => {};
    this.started = new Promise((resolve, reject) => {
      greeted = resolve;
      failed = reject;
    });
    this.#child.stdout.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      if (this.#hello === undefined) this.#readHello(greeted, failed);
      if (this.#hello !== undefined) this.#readResults();
    });
    this.#exit = new Promise((resolve) => {
      const end = (how: string) => {
        this.#ended ??= how;
        const error = new Error(`the program that runs native code ${this.#ended}`);
        failed(error);
        for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
        resolve();
      };
      this.#child.once('error', (error) => end(`cannot be started: ${error.message}`));
      this.#child.once('close', (code, signal) => end(`ended with ${signal ?? `code ${code}`}`));
    });
  }

  get hello(): Hello {
    if (this.#hello === undefined) throw new Error('native.c has not greeted yet');
    return this.#hello;
  }

  get ended(): boolean {
    return this.#ended !== undefined;
  }

  run(request: NativeRequest): Promise<NativeResult> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(new Error(`the program that runs native code ${this.#ended}`));
        return;
      }
      this.#waiting.push({ pages: request.pages.length, resolve, reject });
      this.#child.stdin.write(encodeNativeRequest(request));
    });
  }

  async stop(): Promise<void> {
    this.#child.stdin.end();
    await this.#exit;
  }

  #readHello(greeted: () => void, failed: (error: Error) => void): void {
    if (this.#received.length < HELLO_BYTES) return;
    const hello = decodeHello(this.#received);
    this.#received = this.#received.subarray(HELLO_BYTES);
    if (hello.version !== WIRE_VERSION) {
      failed(new Error(`native.c speaks version ${hello.version}`));
      return;
    }
    this.#hello = hello;
    greeted();
  }

  #readResults(): void {
    for (let [first] = this.#waiting; first !== undefined; [first] = this.#waiting) {
      const decoded = decodeNativeResult(this.#received, first.pages);
      if (decoded === undefined) return;
      this.#received = this.#received.subarray(decoded.length);
      this.#waiting.shift();
      first.resolve(decoded.result);
    }
  }
}
