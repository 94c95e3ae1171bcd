// SPDX-License-Identifier: GPL-2.0-or-later

import { encodeRequest } from '../implementations/stdio/messages.js';
import type { Connect, Transport, TransportEvents } from '../implementations/stdio/transport.js';

/** What the adapter did next. */
export type Heard =
  | { kind: 'line'; text: string; number: number }
  | { kind: 'silence'; seconds: number }
  | { kind: 'broken'; problem: string }
  | { kind: 'closed'; how: string };

/** A slow conversation: say one thing, wait for what comes back. */
export class Conversation {
  #lines = 0;
  #nextId = 0;
  readonly #heard: Heard[] = [];
  #wake: (() => void) | undefined;
  #transport: Transport | undefined;

  /** Throws `CannotStart`. */
  static async open(connect: Connect): Promise<Conversation> {
    const conversation = new Conversation();
    conversation.#transport = await connect(conversation.#receiver());
    return conversation;
  }

  /** Sends a request and returns its id. */
  ask(method: string, params?: object): number {
    const id = this.#nextId++;
    this.#transport?.send(encodeRequest(id, method, params));
    return id;
  }

  async hear(seconds: number): Promise<Heard> {
    if (this.#heard.length === 0) await this.#somethingWithin(seconds);
    return this.#heard.shift() ?? { kind: 'silence', seconds };
  }

  endInput(): void {
    this.#transport?.end();
  }

  stderr(): string {
    return this.#transport?.stderr() ?? '';
  }

  /** How the adapter ended, or `undefined` when it is still there after so many seconds; it is then killed. */
  async ended(seconds: number): Promise<string | undefined> {
    const transport = this.#transport;
    if (transport === undefined) return undefined;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), seconds * 1000);
    });
    const how = await Promise.race([transport.ended, late]);
    clearTimeout(timer);
    if (how === undefined) {
      transport.kill();
      await transport.ended;
    }
    return how;
  }

  #receiver(): TransportEvents {
    return {
      line: (text) => this.#receive({ kind: 'line', text, number: ++this.#lines }),
      broken: (problem) => this.#receive({ kind: 'broken', problem }),
      closed: (how) => this.#receive({ kind: 'closed', how }),
    };
  }

  #receive(heard: Heard): void {
    this.#heard.push(heard);
    this.#wake?.();
  }

  #somethingWithin(seconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, seconds * 1000);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
