// SPDX-License-Identifier: GPL-2.0-or-later

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { MachineCase } from './bare-machine.js';
import { decodeMachineReply, encodeMachineCase, type MachineReply } from './machine-wire.js';

const STDERR_KEPT = 4000;

interface Waiting {
  resolve: (reply: MachineReply) => void;
  reject: (error: Error) => void;
}

/** The machine did not answer in time; it is ended. */
export class TookTooLong extends Error {
  constructor(readonly seconds: number) {
    super(`no answer within ${seconds} s`);
  }
}

/** A running C program that speaks the language of machine-wire.h; one case at a time. */
export class MachineProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  #waiting: Waiting | undefined;
  #received = Buffer.alloc(0);
  #ended: string | undefined;
  #stderr = '';
  readonly #exit: Promise<void>;

  constructor(
    program: string,
    private readonly secondsForACase: number,
  ) {
    this.#child = spawn(program, [], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdin.on('error', () => {}); // its end is what counts
    this.#child.stderr.setEncoding('utf8');
    this.#child.stderr.on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT);
    });
    this.#child.stdout.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#readReply();
    });
    this.#exit = new Promise((resolve) => {
      const end = (how: string): void => {
        this.#ended ??= how;
        this.#waiting?.reject(new Error(`the program ${this.#ended}`));
        this.#waiting = undefined;
        resolve();
      };
      this.#child.once('error', (error) => end(`cannot be started: ${error.message}`));
      this.#child.once('close', (code, signal) => end(`ended with ${signal ?? `status ${code}`}`));
    });
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Runs the first step of a case; rejects when the program ends or takes too long. */
  run(given: MachineCase, instructions: number): Promise<MachineReply> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(new Error(`the program ${this.#ended}`));
        return;
      }
      const seconds = this.secondsForACase;
      const timer = setTimeout(() => {
        reject(new TookTooLong(seconds));
        this.#child.kill('SIGKILL');
      }, seconds * 1000);
      this.#waiting = {
        resolve: (reply) => {
          clearTimeout(timer);
          resolve(reply);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      this.#child.stdin.write(encodeMachineCase(given, instructions));
    });
  }

  async stop(): Promise<void> {
    this.#child.stdin.end();
    await this.#exit;
  }

  #readReply(): void {
    const decoded = decodeMachineReply(this.#received);
    if (decoded === undefined) return;
    this.#received = this.#received.subarray(decoded.length);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(decoded.reply);
  }
}
