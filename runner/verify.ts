// SPDX-License-Identifier: GPL-2.0-or-later

import type { Case } from './cases/case.js';
import { Random } from './generate/random.js';
import type { Implementation } from './implementations/implementation.js';
import { oneOfEach, wordsOf } from './repeat.js';
import { type RunOptions, runCases } from './run.js';
import type { Result } from './verdict.js';

export interface VerifyOptions extends RunOptions {
  /** How often all cases run in random order, each time in a fresh process. */
  rounds: number;
  /** Of the random orders, and of the choice of cases that run alone. */
  seed: number;
  /** Told what is done next, and how many cases that is. */
  onRound: (what: string, cases: number) => void;
}

/** So many cases have a fresh process each; with more, so many are chosen at random, and all that look odd. */
export const MOST_ALONE = 200;
/** For so many cases it is found out after which others they change. */
const MOST_EXPLAINED = 10;

/**
 * Runs each case many times: in order, in random orders, and alone in a fresh process. What a case comes to must not depend
 * on what ran before it. The result of a case that depends on it is a failure that says after which cases it changes, so
 * far as that can be found; one that varies even alone is said to do so.
 */
export async function verifyCases(
  fresh: () => Promise<Implementation>,
  cases: readonly Case[],
  options: VerifyOptions,
): Promise<Result[]> {
  const verification = new Verification(fresh, cases, options);
  return await verification.run();
}

/** An order of cases, and what they came to. */
interface Round {
  order: readonly Case[];
  results: readonly Result[];
}

class Verification {
  readonly #random: Random;
  #explained = 0;

  constructor(
    private readonly fresh: () => Promise<Implementation>,
    private readonly cases: readonly Case[],
    private readonly options: VerifyOptions,
  ) {
    this.#random = new Random(options.seed);
  }

  async run(): Promise<Result[]> {
    const { cases, options } = this;
    const rounds = [await this.#round('in order', cases)];
    for (let i = 1; i <= options.rounds; i++) {
      rounds.push(await this.#round(`in random order, ${i} of ${options.rounds}`, this.#shuffled(cases)));
    }
    const together = oneOfEach(
      cases,
      rounds.map(({ results }) => results),
    );
    const inOrder = new Set(rounds[0]?.results);
    const odd = together.filter((result) => !inOrder.has(result)).map((result) => result.case);
    const alone = await this.#alone(odd);
    const verified: Result[] = [];
    for (const result of together) {
      const single = alone.get(result.case.id);
      verified.push(single === undefined ? result : await this.#compared(result, single, rounds));
    }
    return verified;
  }

  async #round(what: string, order: readonly Case[]): Promise<Round> {
    this.options.onRound(what, order.length);
    return { order, results: await this.#inFreshProcess(order) };
  }

  async #inFreshProcess(order: readonly Case[]): Promise<Result[]> {
    const { declaration, judging, interruption } = this.options;
    const implementation = await this.fresh();
    try {
      return await runCases(implementation, order, { declaration, judging, interruption });
    } finally {
      await implementation.stop();
    }
  }

  /** Alone in a fresh process: all cases, or those that look odd and some others. */
  async #alone(odd: readonly Case[]): Promise<Map<string, Result>> {
    const chosen = [...new Set([...odd, ...this.#shuffled(this.cases)])].slice(0, MOST_ALONE);
    this.options.onRound('each alone in a fresh process', chosen.length);
    const results = new Map<string, Result>();
    for (const entry of chosen) {
      if (this.options.interruption?.aborted === true) break;
      const [result] = await this.#inFreshProcess([entry]);
      if (result !== undefined) results.set(entry.id, result);
    }
    return results;
  }

  async #compared(together: Result, alone: Result, rounds: readonly Round[]): Promise<Result> {
    const words = wordsOf(alone);
    const differs = ({ results }: Round): boolean =>
      results.some((result) => result.case.id === alone.case.id && wordsOf(result) !== words);
    const round = rounds.find(differs);
    if (round === undefined) return together;
    const [again] = await this.#inFreshProcess([alone.case]);
    if (again !== undefined && wordsOf(again) !== words) {
      return failure(alone, [
        `not deterministic: alone in a fresh process it is ${alone.verdict}, then ${again.verdict}`,
        ...again.details,
      ]);
    }
    const other = round.results.find((result) => result.case.id === alone.case.id) ?? together;
    const after = this.#explained++ < MOST_EXPLAINED ? await this.#culprits(alone, round.order) : undefined;
    return failure(other, [
      `state leaks between cases: alone it is ${alone.verdict}, ${after ?? 'in company'} it is ${other.verdict}`,
      ...(other.details.length > 0 ? other.details : alone.details),
    ]);
  }

  /** The cases after which this one is not what it is alone, halved as long as a half is enough. */
  async #culprits(alone: Result, order: readonly Case[]): Promise<string> {
    let before = order.slice(0, order.indexOf(alone.case));
    const isEnough = async (some: readonly Case[]): Promise<boolean> => {
      const results = await this.#inFreshProcess([...some, alone.case]);
      const last = results.at(-1);
      return last !== undefined && last.case === alone.case && wordsOf(last) !== wordsOf(alone);
    };
    while (before.length > 1) {
      const middle = before.length >> 1;
      const halves = [before.slice(middle), before.slice(0, middle)];
      const [later = [], earlier = []] = halves;
      if (await isEnough(later)) before = later;
      else if (await isEnough(earlier)) before = earlier;
      else break;
    }
    const last = before.at(-1)?.id ?? 'others';
    return before.length <= 1 ? `after ${last}` : `after ${before.length} cases up to ${last}`;
  }

  #shuffled(cases: readonly Case[]): Case[] {
    const keyed = cases.map((entry) => ({ entry, key: this.#random.word() }));
    return keyed.sort((a, b) => a.key - b.key).map(({ entry }) => entry);
  }
}

function failure(result: Result, details: string[]): Result {
  return { ...result, verdict: 'fail', details };
}
