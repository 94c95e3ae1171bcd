// SPDX-License-Identifier: GPL-2.0-or-later

import { isDeepStrictEqual } from 'node:util';
import { loadSuite } from '../cases/suite.js';
import { type ReporterFlags, reportRequests } from '../report/flags.js';
import { readRecord } from '../report/read.js';
import { countVerdicts, isRed, type RunRecord } from '../report/record.js';
import { writeReports } from '../report/reporters.js';
import { parseShard } from '../shard.js';
import { ExitCode, UsageError } from '../usage.js';

export interface MergeOptions {
  reporter?: ReporterFlags;
  output?: ReporterFlags;
  failures: number;
  color?: boolean;
}

/** Puts the results of all parts of a run together and reports them as one; the exit code is that of the whole run. */
export async function merge(files: readonly string[], options: MergeOptions): Promise<number> {
  const requests = reportRequests(options);
  const { cases } = await loadSuite();
  const whole = mergeRecords(
    files.map((file) => ({ file, record: readRecord(file) })),
    cases.map(({ id }) => id),
  );
  await writeReports([whole], { requests, color: options.color, failures: options.failures });
  if (whole.interrupted) return ExitCode.interrupted;
  return whole.conforms ? ExitCode.conforms : ExitCode.doesNotConform;
}

/** One part of a run, and the file that it comes from. */
export interface Part {
  file: string;
  record: RunRecord;
}

/** All parts of one run as one record, its results in the order of `ids`. Refuses parts that do not belong together. */
export function mergeRecords(parts: readonly Part[], ids: readonly string[]): RunRecord {
  const [first, ...others] = parts;
  if (first === undefined) throw new UsageError('there is nothing to merge');
  for (const other of others) refuseStrangers(first, other);
  refuseMissing(parts);
  const places = new Map(ids.map((id, place) => [id, place]));
  const placeOf = (id: string): number => places.get(id) ?? ids.length;
  const results = parts.flatMap(({ record }) => record.results).sort((a, b) => placeOf(a.id) - placeOf(b.id));
  const problems = [...new Set(parts.flatMap(({ record }) => record.problems))];
  const seconds = parts.map(({ record }) => record.seconds ?? Number.NaN);
  const { seconds: _, ...head } = first.record;
  return {
    ...head,
    shard: null,
    conforms: problems.length === 0 && !results.some(isRed),
    interrupted: parts.some(({ record }) => record.interrupted),
    problems,
    counts: countVerdicts(results),
    results,
    // The parts run at the same time.
    ...(seconds.some(Number.isNaN) ? {} : { seconds: Math.max(...seconds) }),
  };
}

const SAME = [
  ['suite', 'another version of the suite'],
  ['implementation', 'another implementation'],
  ['profile', 'another profile'],
  ['not_run', 'another selection of cases'],
] as const;

function refuseStrangers(first: Part, other: Part): void {
  for (const [key, what] of SAME) {
    if (!isDeepStrictEqual(first.record[key], other.record[key])) {
      throw new UsageError(`${other.file} is of ${what} than ${first.file}: they are not parts of one run`);
    }
  }
}

/** Every part must be there once: what a missing one would have said is not known. */
function refuseMissing(parts: readonly Part[]): void {
  const files = new Map<number, string>();
  const counts = new Set<number>();
  for (const { file, record } of parts) {
    if (record.shard === null) throw new UsageError(`${file} is a whole run, not a part (run --shard)`);
    const { index, count } = parseShard(record.shard);
    const other = files.get(index);
    if (other !== undefined) throw new UsageError(`${other} and ${file} are both part ${record.shard}`);
    files.set(index, file);
    counts.add(count);
  }
  const [count = 0, ...others] = counts;
  if (others.length > 0)
    throw new UsageError(`the parts are of runs with ${[...counts].join(' and ')} parts`);
  const missing = Array.from({ length: count }, (_, i) => i + 1).filter((index) => !files.has(index));
  if (missing.length > 0) throw new UsageError(`part ${missing.join(', ')} of ${count} is missing`);
}
