// SPDX-License-Identifier: GPL-2.0-or-later

import type { Readable, Writable } from 'node:stream';

/** A message of the QEMU machine protocol, as far as it matters here. */
interface Message {
  return?: unknown;
  error?: { class: string; desc: string };
  event?: string;
  QMP?: unknown;
}

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (reason: Error) => void;
}

/**
 * A client of QEMU's monitor: one JSON object a line, commands answered in order, events in between. Everything that
 * waits is rejected when the other side goes away.
 */
export class Qmp {
  /** Rejects when the connection ends before QEMU has greeted. */
  readonly greeting: Promise<unknown>;
  readonly #out: Writable;
  readonly #onEvent: (name: string) => void;
  #waiting: Waiting[] = [];
  #text = '';
  #ended: Error | undefined;

  constructor(input: Readable, output: Writable, onEvent: (name: string) => void) {
    this.#out = output;
    this.#onEvent = onEvent;
    this.greeting = new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    input.setEncoding('utf8');
    input.on('data', (text: string) => this.#read(text));
    // A broken pipe means that QEMU has gone; how it went is known when it has been waited for, and `end` is called.
    output.on('error', () => undefined);
  }

  execute(command: string, args: Record<string, unknown> = {}): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const answer = new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.#out.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    return answer;
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
      this.#receive(JSON.parse(line) as Message);
    }
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
