// SPDX-License-Identifier: GPL-2.0-or-later

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMap } from '../../cases/case.js';
import { isObject } from '../../protocol.js';
import { UsageError } from '../../usage.js';
import type { HostClass, HostFuzzCase } from './case.js';
import type { ClauseCoverage } from './clause-coverage.js';
import type { Keeper } from './kind.js';

/** Nothing is kept: every input is made from a case of the suite. */
export class SuiteOnly implements Keeper {
  constructor(readonly origins: readonly HostFuzzCase[]) {}

  learn(): void {}
}

/** A kept input as it is in its file. */
interface Kept extends HostFuzzCase {
  /** The clauses that it was the first to reach. */
  reached: string[];
}

/** An input that reaches a clause which none has reached before is kept in a folder, and changed further. */
export class Corpus implements Keeper {
  readonly #suite: readonly HostFuzzCase[];
  readonly #kept: HostFuzzCase[] = [];
  readonly #reached = new Set<string>();
  #origins: readonly HostFuzzCase[];

  /** @param run lets the reference do an input in this process */
  constructor(
    private readonly folder: string,
    conformanceClass: HostClass,
    suite: readonly HostFuzzCase[],
    private readonly coverage: Pick<ClauseCoverage, 'take'>,
    private readonly run: (entry: HostFuzzCase) => void,
  ) {
    this.#suite = suite;
    mkdirSync(folder, { recursive: true });
    for (const name of readdirSync(folder).sort()) {
      if (!name.endsWith('.json')) continue;
      const { reached, ...entry } = readKept(join(folder, name));
      if (entry.class !== conformanceClass) continue;
      this.#kept.push(entry);
      for (const clause of reached) this.#reached.add(clause);
    }
    this.#origins = this.#mixed();
    // What loading the reference has come to is nobody's merit.
    this.coverage.take();
  }

  get origins(): readonly HostFuzzCase[] {
    return this.#origins;
  }

  get kept(): number {
    return this.#kept.length;
  }

  /** Clauses that inputs have reached. */
  get reached(): ReadonlySet<string> {
    return this.#reached;
  }

  learn(entries: readonly HostFuzzCase[]): void {
    const missing = this.#new(this.coverage.take());
    if (missing.size === 0) return;
    const before = this.#kept.length;
    for (const entry of entries) {
      this.run(entry);
      const fresh = this.#new(this.coverage.take());
      if (fresh.size > 0) this.#keep(entry, [...fresh].sort());
    }
    if (this.#kept.length > before) this.#origins = this.#mixed();
  }

  #new(clauses: ReadonlySet<string>): Set<string> {
    return new Set([...clauses].filter((clause) => !this.#reached.has(clause)));
  }

  #keep(entry: HostFuzzCase, reached: string[]): void {
    for (const clause of reached) this.#reached.add(clause);
    this.#kept.push(entry);
    const kept: Kept = { ...entry, reached };
    writeFileSync(join(this.folder, `${entry.id}.json`), `${JSON.stringify(kept)}\n`);
  }

  /** What has been kept is as likely as the whole suite. */
  #mixed(): HostFuzzCase[] {
    if (this.#kept.length === 0) return [...this.#suite];
    const times = Math.ceil(this.#suite.length / this.#kept.length);
    return [...this.#suite, ...Array.from({ length: times }, () => this.#kept).flat()];
  }
}

function readKept(file: string): Kept {
  const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (!isKept(value)) throw new UsageError(`${file} is not an input that was kept`);
  return value;
}

function isKept(value: unknown): value is Kept {
  return (
    isObject(value) &&
    typeof value.id === 'string' &&
    typeof value.origin === 'string' &&
    (value.class === 'host' || value.class === 'system') &&
    isMap(value.given) &&
    Array.isArray(value.clauses) &&
    Array.isArray(value.steps) &&
    Array.isArray(value.reached)
  );
}
