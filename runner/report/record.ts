// SPDX-License-Identifier: GPL-2.0-or-later

import type { Case } from '../cases/case.js';
import type { Comparison, Foreseen, KnownFailure } from '../known-failures.js';
import { suiteVersion } from '../package.js';
import type { ConformanceClass, Declaration, Profile } from '../protocol.js';
import { isBad, type Result, type StepDifference, VERDICTS, type Verdict } from '../verdict.js';

/** The first field of every record: tells the file from other JSON, and its layout from later ones. */
export const RECORD_FORMAT = 'lguest-conformance results 1';

/** What is known of a run before its first result. */
export interface RunHead {
  format: typeof RECORD_FORMAT;
  suite: { name: string; version: string };
  implementation: {
    label: string;
    name: string;
    version: string;
    classes: ConformanceClass[];
    /** The freedoms of the spec that it declared to use otherwise than usual. */
    choices: Record<string, string>;
  };
  profile: Profile;
  /** `2/5`: this is the second of five parts of a run; null: it is the whole. */
  shard: string | null;
  /** What stands behind `lguest-conformance run <id>` to run a case on the same implementation. */
  rerun: string;
}

/** What is known of a run after its last result. */
export interface RunEnd {
  conforms: boolean;
  interrupted: boolean;
  /** Why the run as a whole is no success, beside its cases: none ran, an entry of known failures is stale, ... */
  problems: string[];
  /** Cases by verdict; all verdicts are there. */
  counts: Record<Verdict, number>;
  not_run: NotRun;
  /** Duration of the run; only when times were asked for. */
  seconds?: number;
}

/**
 * All that a run has found out: what every reporter writes from and `--reporter json` writes down. Nothing in it depends
 * on the clock, the machine or the order of answers, unless times were asked for.
 */
export interface RunRecord extends RunHead, RunEnd {
  /** In the order of the suite. */
  results: ResultRecord[];
}

/** Selected cases that were not sent, and why. */
export interface NotRun {
  /** Erratum by erratum: how many cases it leaves open. */
  unspecified: Record<string, number>;
  /** Classes that the implementation does not claim, with their number of cases. */
  not_claimed: Record<string, number>;
  other_profile: number;
}

export interface ResultRecord {
  id: string;
  title: string;
  behaviour: string;
  class: ConformanceClass;
  clauses: string[];
  /** Where the case is written, from the package's root. */
  file: string;
  line: number;
  verdict: Verdict;
  /** What is wrong, or missing, in sentences. */
  details: string[];
  differences?: StepDifference[];
  stderr?: string;
  /** What the list of known failures says of this case. */
  known?: KnownRecord;
  seconds?: number;
}

export interface KnownRecord extends Pick<KnownFailure, 'status' | 'reason' | 'link' | 'file' | 'line'> {
  kind: Foreseen['kind'];
}

/** A run that begins, before it is written down. */
export interface Begun {
  label: string;
  declaration: Declaration;
  shard?: string;
  rerun: string;
}

export function headOf({ label, declaration, shard, rerun }: Begun): RunHead {
  return {
    format: RECORD_FORMAT,
    suite: suiteVersion(),
    implementation: {
      label,
      name: declaration.implementation.name,
      version: declaration.implementation.version,
      classes: declaration.classes,
      choices: declaration.choices ?? {},
    },
    profile: declaration.profile,
    shard: shard ?? null,
    rerun,
  };
}

/** A run that has ended, before it is written down. */
export interface Ended {
  head: RunHead;
  results: readonly Result[];
  comparison: Comparison;
  unspecified: readonly Case[];
  notClaimed: ReadonlyMap<string, number>;
  otherProfile: number;
  /** Reasons beside verdicts and stale entries why the run is no success. */
  problems: readonly string[];
  interrupted: boolean;
  /** Absent: the record has no times. */
  seconds?: number;
}

export function recordOf(ended: Ended): RunRecord {
  const { results, comparison, seconds } = ended;
  const known = new Map(
    [
      ...comparison.expected.map((one) => ({ kind: 'expected' as const, ...one })),
      ...comparison.unexpectedPasses.map((one) => ({ kind: 'unexpected-pass' as const, ...one })),
      ...comparison.flaky.map((one) => ({ kind: 'flaky' as const, ...one })),
    ].map(({ result, ...foreseen }) => [result, foreseen]),
  );
  const records = results.map((result) => resultRecord(result, known.get(result), seconds !== undefined));
  const problems = [...comparison.stale.map(staleText), ...ended.problems];
  return {
    ...ended.head,
    conforms: problems.length === 0 && !records.some(isRed),
    interrupted: ended.interrupted,
    problems,
    counts: countVerdicts(results),
    not_run: {
      unspecified: countBy(ended.unspecified, (entry) => entry.unspecifiedBy ?? ''),
      not_claimed: Object.fromEntries(ended.notClaimed),
      other_profile: ended.otherProfile,
    },
    results: records,
    ...(seconds === undefined ? {} : { seconds }),
  };
}

/** A result with what was foreseen of it; its time is only written when times were asked for. */
export function resultRecord(result: Result, foreseen: Foreseen | undefined, timed: boolean): ResultRecord {
  const { id, title, behaviour, class: name, clauses, file, line } = result.case;
  const { verdict, details, differences, stderr = '', seconds } = result;
  return {
    ...{ id, title, behaviour, class: name, clauses, file, line, verdict, details },
    ...(differences === undefined ? {} : { differences }),
    ...(stderr.trim() === '' ? {} : { stderr }),
    ...(foreseen === undefined ? {} : { known: knownRecord(foreseen) }),
    ...(timed && seconds !== undefined ? { seconds } : {}),
  };
}

function knownRecord({ kind, entry: { status, reason, link, file, line } }: Foreseen): KnownRecord {
  return { kind, status, reason, ...(link === undefined ? {} : { link }), file, line };
}

function staleText({ file, line, pattern }: KnownFailure): string {
  return `STALE ${file}:${line}: "${pattern}" matches no case, or foresees no failure`;
}

export function countVerdicts(results: readonly { verdict: Verdict }[]): Record<Verdict, number> {
  const counts: Record<Verdict, number> = {
    pass: 0,
    fail: 0,
    crashed: 0,
    timeout: 0,
    'bad-reply': 0,
    unsupported: 0,
    withdrawn: 0,
  };
  for (const { verdict } of results) counts[verdict]++;
  return counts;
}

function countBy<T>(items: readonly T[], nameOf: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[nameOf(item)] = (counts[nameOf(item)] ?? 0) + 1;
  return counts;
}

/** Whether this result makes the run red: a failure that nobody foresaw, or a pass against what was foreseen. */
export function isRed({ verdict, known }: ResultRecord): boolean {
  return known === undefined ? isBad(verdict) : known.kind === 'unexpected-pass';
}

/** `2903 pass, 3 fail`: the verdicts that there are. */
export function countsText(counts: Record<Verdict, number>): string {
  const parts = VERDICTS.filter((verdict) => counts[verdict] > 0).map(
    (verdict) => `${counts[verdict]} ${verdict}`,
  );
  return parts.length === 0 ? 'none ran' : parts.join(', ');
}

/** Items in groups, in the order in which the groups first appear. */
export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
