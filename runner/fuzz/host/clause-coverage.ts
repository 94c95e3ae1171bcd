// SPDX-License-Identifier: GPL-2.0-or-later

import { readFileSync } from 'node:fs';
import { type Profiler, Session } from 'node:inspector';
import { findSourceMap, type SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';
import {
  type ClausePosition,
  clausePositions,
  type MeasuredRange,
  reachedClauses,
} from './clause-positions.js';

const MEASURED = /\/reference\/host\/[^/]+\.[jt]s$/;

/** A source file of the host, with its clauses, and the way from what the engine runs to what is in the file. */
interface Source {
  positions: readonly ClausePosition[];
  /** A part of the script that runs as a part of the file. */
  inFile(range: MeasuredRange): MeasuredRange;
}

/** Which clauses the code of the reference's host that runs in this process comes to, by the engine's own counting. */
export class ClauseCoverage {
  readonly #session = new Session();
  readonly #sources = new Map<string, Source>();

  /** Begins to count. What has been loaded before is not counted block by block: start before the reference is loaded. */
  constructor(private readonly known: ReadonlySet<string>) {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** The clauses that have been reached since the last time. */
  take(): Set<string> {
    let scripts: Profiler.ScriptCoverage[] = [];
    this.#session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error === null) scripts = result;
    });
    const measured = scripts.filter(({ url }) => MEASURED.test(url));
    return new Set(measured.flatMap((script) => this.#reachedIn(script)));
  }

  /** All clauses that the measured files name. */
  get named(): Set<string> {
    return new Set(
      [...this.#sources.values()].flatMap(({ positions }) => positions.map(({ clause }) => clause)),
    );
  }

  stop(): void {
    this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }

  #reachedIn({ url, functions }: Profiler.ScriptCoverage): string[] {
    const { positions, inFile } = this.#sourceAt(url);
    const ranges = functions.flatMap(({ ranges: parts }) => parts.map(inFile));
    return reachedClauses(positions, ranges);
  }

  #sourceAt(url: string): Source {
    const known = this.#sources.get(url);
    if (known !== undefined) return known;
    const text = readFileSync(fileURLToPath(url), 'utf8');
    const map = findSourceMap(url);
    const source: Source = {
      positions: clausePositions(text, this.known),
      inFile: map === undefined || url.endsWith('.js') ? (range) => range : mapped(map, text),
    };
    this.#sources.set(url, source);
    return source;
  }
}

/** A file that is translated when it is loaded runs as one line; its map leads back. */
function mapped(map: SourceMap, text: string): (range: MeasuredRange) => MeasuredRange {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  const placeOf = (offset: number): { line: number; at: number } => {
    const entry = map.findEntry(0, offset);
    if (!('originalLine' in entry)) return { line: 0, at: 0 };
    return { line: entry.originalLine, at: (starts[entry.originalLine] ?? 0) + entry.originalColumn };
  };
  return ({ startOffset, endOffset, count }) => {
    const start = placeOf(startOffset).at;
    const last = placeOf(endOffset - 1);
    const next = placeOf(endOffset).at;
    // What comes behind may be of the translator's own making: then the line of the last character ends it.
    const end = next >= last.at ? next : (starts[last.line + 1] ?? text.length);
    return { startOffset: start, endOffset: end, count };
  };
}
