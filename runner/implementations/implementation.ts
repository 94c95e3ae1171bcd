// SPDX-License-Identifier: GPL-2.0-or-later

import type { CaseRequest, CaseResult, Declaration } from '../protocol.js';

/** What became of one request. A closed set: the runner has one switch over it. */
export type Answer =
  | { kind: 'result'; result: CaseResult }
  /** It said that it does not do this (error -32601 or 1001). */
  | { kind: 'unsupported'; reason: string }
  /** It said that the case is malformed (error 1002), or gave another error. */
  | { kind: 'error'; code: number; message: string; stderr: string }
  /** It died with this request unanswered. */
  | { kind: 'crashed'; how: string; stderr: string }
  /** It did not answer in time. */
  | { kind: 'timeout'; seconds: number; stderr: string }
  /** It wrote something that is not an answer to a request. */
  | { kind: 'bad-reply'; problem: string; stderr: string };

/** Thrown by `start` when an implementation cannot be had on this machine; `cure` says what to install or mend. */
export class CannotStart extends Error {
  constructor(
    message: string,
    readonly cure: string,
  ) {
    super(message);
    this.name = 'CannotStart';
  }
}

/** Something that the runner can check. `run` never rejects for what the implementation does wrong: it answers. */
export interface Implementation {
  /** For reports: `reference`, `qemu`, or the command line. */
  readonly label: string;
  /** How many requests the runner may have unanswered at one time. */
  readonly window: number;
  start(): Promise<Declaration>;
  run(request: CaseRequest): Answer | Promise<Answer>;
  stop(): Promise<void>;
}
