// SPDX-License-Identifier: GPL-2.0-or-later

import type { Readable, Writable } from 'node:stream';

/** A message of the QEMU machine protocol, as far as it matters here. */
interface Message {
  return?: unknown;
  error?: { class: string; desc: string };
  event?: string;
  QMP?: unknown;
}

/** QEMU made no progress where it must; `seconds` is how long it was given. */
export class Stuck extends Error {
  constructor(
    what: string,
    readonly seconds: number,
  ) {
    super(`QEMU did not ${what} within ${seconds} s`);
    this.name = 'Stuck';
  }
}

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (reason: Error) => void;
}

/**
 * A client of QEMU's monitor: one JSON object a line, commands answered in order, events in between.
 */
export class Qmp {
  readonly #out: Writable;
  readonly #patienceSeconds: number;
  readonly #onEvent: (name: string) => void;
  #waiting: Waiting[] = [];
  #text = '';
  #ended: Error | undefined;

  /** Every answer must come within `patienceSeconds`, else the wait is rejected with `Stuck`. */
  constructor(input: Readable, output: Writable, patienceSeconds: number, onEvent: (name: string) => void) {
    this.#out = output;
    this.#patienceSeconds = patienceSeconds;
    this.#onEvent = onEvent;
    input.setEncoding('utf8');
    input.on('data', (text: string) => this.#read(text));
    // A broken pipe means that QEMU has gone; how it went is known when it has been waited for, and `end` is called.
    output.on('error', () => undefined);
  }

  /** To be called at once and once: QEMU speaks first. */
  greeting(): Promise<unknown> {
    return this.#next('greet');
  }

  execute(command: string, args: Record<string, unknown> = {}): Promise<unknown> {
    this.#out.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    return this.#next(`answer ${command}`);
  }

  #next(what: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      const seconds = this.#patienceSeconds;
      const timer = setTimeout(() => reject(new Stuck(what, seconds)), seconds * 1000);
      this.#waiting.push({
        resolve: (value) => {
          clearTimeout(timer);
          resolve(value);
        },
        reject: (reason) => {
          clearTimeout(timer);
          reject(reason);
        },
      });
    });
  }

  /** Nothing more will come: rejects whatever waits. */
  end(reason: Error): void {
    this.#ended ??= reason;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#ended);
  }

  #read(text: string): void {
    this.#text += text;
    for (let end = this.#text.indexOf('\n'); end >= 0; end = this.#text.indexOf('\n')) {
      const line = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 1);
      this.#receiveLine(line);
    }
  }

  #receiveLine(line: string): void {
    let message: Message;
    try {
      message = JSON.parse(line);
    } catch {
      this.end(new Error(`QEMU's monitor said ${JSON.stringify(line)}, which is not JSON`));
      return;
    }
    this.#receive(message);
  }

  #receive(message: Message): void {
    if (message.event !== undefined) {
      this.#onEvent(message.event);
      return;
    }
    const waiting = this.#waiting.shift();
    if (message.error !== undefined) waiting?.reject(new Error(message.error.desc));
    else waiting?.resolve(message.return);
  }
}
