// SPDX-License-Identifier: GPL-2.0-or-later

/** What a transport tells its owner. After `closed` nothing more is called. */
export interface TransportEvents {
  line(text: string): void;
  /** The peer's output broke the transport's own rules; the connection is of no use any more. */
  broken(problem: string): void;
  /** The peer is gone; `how` says in words how it ended. */
  closed(how: string): void;
}

/** A way to exchange lines with an implementation: a process that we started, or a socket. */
export interface Transport {
  /** Sends one line. Lines wait in a queue while the peer does not read. */
  send(line: string): void;
  /** No more lines will be sent. */
  end(): void;
  /** Ends the connection at once. `closed` is still called. */
  kill(): void;
  /** The end of what the peer wrote to its standard error, when that can be seen. */
  stderr(): string;
  /** Resolves with the way the peer ended, once it has. */
  readonly ended: Promise<string>;
}

export type Connect = (events: TransportEvents) => Promise<Transport>;
