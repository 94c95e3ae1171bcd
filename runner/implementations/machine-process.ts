// SPDX-License-Identifier: GPL-2.0-or-later

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { type Command, endingWithUs } from './command.js';

const STDERR_KEPT = 4000;

/** What goes over the pipes of a program that runs cases. */
export interface Dialogue<Question, Reply> {
  encode(question: Question): Buffer;
  /** The reply at the beginning of `bytes` and its length, or undefined while it is incomplete. */
  decode(bytes: Buffer): { reply: Reply; length: number } | undefined;
}

interface Waiting<Reply> {
  resolve: (reply: Reply) => void;
  reject: (error: Error) => void;
}

/** The program did not answer in time; it is ended. */
export class TookTooLong extends Error {
  constructor(readonly seconds: number) {
    super(`no answer within ${seconds} s`);
  }
}

/** A running program that is asked one thing at a time. */
export class MachineProcess<Question, Reply> {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  #waiting: Waiting<Reply> | undefined;
  #received = Buffer.alloc(0);
  #ended: string | undefined;
  #stderr = '';
  readonly #exit: Promise<void>;

  constructor(
    command: Command,
    private readonly dialogue: Dialogue<Question, Reply>,
    private readonly secondsForACase: number,
  ) {
    const { file, args } = endingWithUs(command);
    this.#child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
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

  /** Asks for one thing; rejects when the program ends or takes too long. */
  ask(question: Question): Promise<Reply> {
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
      this.#child.stdin.write(this.dialogue.encode(question));
    });
  }

  async stop(): Promise<void> {
    this.#child.stdin.end();
    await this.#exit;
  }

  #readReply(): void {
    const decoded = this.dialogue.decode(this.#received);
    if (decoded === undefined) return;
    this.#received = this.#received.subarray(decoded.length);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(decoded.reply);
  }
}
