// SPDX-License-Identifier: GPL-2.0-or-later

import { createConnection, type NetConnectOpts, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../../message-of.js';
import { CannotStart } from '../implementation.js';
import { LineSplitter } from './lines.js';
import type { Connect, Transport, TransportEvents } from './transport.js';

/** How long somebody has to start the implementation, or to start it again, in milliseconds. */
const PATIENCE = 5000;
const RETRY_EVERY = 100;

/** The hosts that `--connect` reaches: the protocol has no authentication, so it stays on this machine. */
const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1']);

/**
 * Where an implementation listens: `7777`, `localhost:7777`, `[::1]:7777`, or the path of a Unix socket, which has a
 * slash in it (`./host.sock`) or follows `unix:`. Throws an Error that says what is wrong with the address.
 */
export function parseAddress(address: string): NetConnectOpts {
  if (address.startsWith('unix:')) return { path: address.slice('unix:'.length) };
  if (address.includes('/')) return { path: address };
  const [, host = 'localhost', digits] = /^(?:tcp:)?(?:\[?([^[\]]+)\]?:)?(\d+)$/.exec(address) ?? [];
  const port = Number(digits);
  if (digits === undefined || port < 1 || port > 65535) {
    throw new Error(`"${address}" is neither a port, nor localhost:port, nor the path of a Unix socket`);
  }
  if (!LOOPBACK.has(host))
    throw new Error(`"${host}" is not this machine: only localhost can be connected to`);
  return { host, port };
}

/** A `Connect` that reaches an implementation which somebody has started, and waits a while for it to listen. */
export function socketTransport(address: string): Connect {
  const options = parseAddress(address);
  return async (events) => new SocketTransport(await connected(address, options), events);
}

async function connected(address: string, options: NetConnectOpts): Promise<Socket> {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    try {
      return await connectedOnce(options);
    } catch (error) {
      if (Date.now() > deadline) {
        throw new CannotStart(
          `nobody listens at ${address}: ${messageOf(error)}`,
          'start the implementation first, listening there; it is given 5 s',
        );
      }
      await pause(RETRY_EVERY);
    }
  }
}

function connectedOnce(options: NetConnectOpts): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(options);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.removeListener('error', reject);
      resolve(socket);
    });
  });
}

class SocketTransport implements Transport {
  readonly ended: Promise<string>;
  readonly #splitter = new LineSplitter();
  #how = 'closed the connection';

  constructor(
    private readonly socket: Socket,
    private readonly events: TransportEvents,
  ) {
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error) => {
      this.#how = `lost the connection: ${error.message}`;
    });
    this.ended = new Promise((resolve) => {
      socket.once('close', () => {
        const rest = this.#splitter.rest();
        if (rest !== undefined) events.line(rest);
        events.closed(this.#how);
        resolve(this.#how);
      });
    });
  }

  send(line: string): void {
    this.socket.write(`${line}\n`);
  }

  end(): void {
    this.socket.end();
  }

  kill(): void {
    this.socket.destroy();
  }

  /** It is on the terminal of whoever started the implementation. */
  stderr(): string {
    return '';
  }

  #receive(chunk: Buffer): void {
    try {
      for (const line of this.#splitter.push(chunk)) this.events.line(line);
    } catch (error) {
      this.socket.removeAllListeners('data');
      this.events.broken(messageOf(error));
    }
  }
}
