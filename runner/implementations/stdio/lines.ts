// SPDX-License-Identifier: GPL-2.0-or-later

/** Bytes of one message, at most; a program that writes more without ending the line is out of control. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024;

const NEWLINE = 0x0a;

/**
 * Splits a stream of bytes into lines at byte 0Ah only: U+2028, U+0085 and a carriage return belong to the line.
 */
export class LineSplitter {
  #parts: Buffer[] = [];
  #size = 0;

  constructor(private readonly limit = MAX_LINE_BYTES) {}

  /** The lines that `chunk` completes. Throws `LineTooLong` when one exceeds the limit. */
  *push(chunk: Buffer): Generator<string> {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#keep(chunk.subarray(start, end));
      yield this.#take();
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  /** What follows the last newline, or `undefined` when nothing does. */
  rest(): string | undefined {
    return this.#size === 0 ? undefined : this.#take();
  }

  #keep(part: Buffer): void {
    this.#size += part.length;
    if (this.#size > this.limit) throw new LineTooLong(this.limit);
    this.#parts.push(part);
  }

  #take(): string {
    const line = Buffer.concat(this.#parts, this.#size).toString('utf8');
    this.#parts = [];
    this.#size = 0;
    return line;
  }
}

export class LineTooLong extends Error {
  constructor(limit: number) {
    super(`a line is longer than ${limit} bytes`);
    this.name = 'LineTooLong';
  }
}

/** The last `limit` bytes of a stream, for standard error. */
export class Tail {
  #parts: Buffer[] = [];
  #size = 0;

  constructor(private readonly limit = 64 * 1024) {}

  push(chunk: Buffer): void {
    this.#parts.push(chunk);
    this.#size += chunk.length;
    if (this.#size > 2 * this.limit) this.#trim();
  }

  toString(): string {
    this.#trim();
    return Buffer.concat(this.#parts).toString('utf8');
  }

  #trim(): void {
    const kept = Buffer.from(Buffer.concat(this.#parts).subarray(-this.limit));
    this.#parts = [kept];
    this.#size = kept.length;
  }
}
