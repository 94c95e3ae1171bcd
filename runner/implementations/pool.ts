// SPDX-License-Identifier: GPL-2.0-or-later

import { isDeepStrictEqual } from 'node:util';
import type { CaseRequest, Declaration } from '../protocol.js';
import { type Answer, CannotStart, type Implementation } from './implementation.js';

/** One of several like implementations, and how many requests it has not answered. */
interface Member {
  implementation: Implementation;
  unanswered: number;
}

/** Several processes of one implementation that share the cases: each request goes to the one with the least to do. */
export class Pool implements Implementation {
  readonly label: string;
  readonly window: number;
  readonly #members: Member[];

  /** The members must be of one kind; there is at least one. */
  constructor(first: Implementation, ...others: Implementation[]) {
    const all = [first, ...others];
    this.label = first.label;
    this.window = all.reduce((sum, { window }) => sum + window, 0);
    this.#members = all.map((implementation) => ({ implementation, unanswered: 0 }));
  }

  /** Throws `CannotStart` when the members do not say the same of themselves. */
  async start(): Promise<Declaration> {
    const starts = await Promise.allSettled(
      this.#members.map(({ implementation }) => implementation.start()),
    );
    const failed = starts.find((start) => start.status === 'rejected');
    const [declaration, ...others] = starts.flatMap((start) =>
      start.status === 'fulfilled' ? [start.value] : [],
    );
    if (failed !== undefined || declaration === undefined) {
      await this.stop();
      throw failed?.reason;
    }
    if (others.some((other) => !isDeepStrictEqual(other, declaration))) {
      await this.stop();
      throw new CannotStart(
        'two of its processes answer initialize differently',
        'what an implementation declares must not depend on when it is started',
      );
    }
    return declaration;
  }

  run(request: CaseRequest): Answer | Promise<Answer> {
    const member = this.#members.reduce((least, other) =>
      other.unanswered < least.unanswered ? other : least,
    );
    member.unanswered++;
    return Promise.resolve(member.implementation.run(request)).finally(() => {
      member.unanswered--;
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#members.map(({ implementation }) => implementation.stop()));
  }
}
