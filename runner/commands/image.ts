// SPDX-License-Identifier: GPL-2.0-or-later

import { readFileSync, writeFileSync } from 'node:fs';
import type { Case } from '../cases/case.js';
import { loadSuite } from '../cases/suite.js';
import { type ExpandedCase, expandCase } from '../expand/request.js';
import { Unsupported } from '../implementations/bare-machine.js';
import { LoggedMachine, readLog } from '../implementations/image/log.js';
import { diskOf } from '../implementations/image/monitor.js';
import { recordOfCase } from '../implementations/image/record.js';
import { judgingFor } from '../judging.js';
import { compareKnown, readKnownFailures } from '../known-failures.js';
import { messageOf } from '../message-of.js';
import { type ReporterFlags, reportRequests } from '../report/flags.js';
import { print } from '../report/output.js';
import { headOf, recordOf } from '../report/record.js';
import { writeReports } from '../report/reporters.js';
import { runCases } from '../run.js';
import { select } from '../select.js';
import { ExitCode, UsageError } from '../usage.js';
import { refuseProblems } from './options.js';

export interface ImageOptions {
  read?: boolean;
  /** Patterns of cases that are not wanted, such as one that ends the emulator. */
  without: string[];
  /** `name=value`, as in spec/choices.md. */
  choice: string[];
  /** Known failures, as for `run`. */
  expectations?: string;
  reporter?: ReporterFlags;
  output?: ReporterFlags;
  failures: number;
  color?: boolean;
}

/** How cases are read when an image is made: only where they end matters, which no choice changes. */
const USUAL = { profile: 'linux-2.6.29', choices: {} } as const;

/** Makes a disk image that runs cases on a PC, or judges what one has written to the serial port. */
export async function image(
  file: string,
  patterns: readonly string[],
  options: ImageOptions,
): Promise<number> {
  const suite = await loadSuite();
  refuseProblems(suite.problems);
  const chosen = casesOf(suite.cases, patterns);
  const unwanted = new Set(options.without.length === 0 ? [] : casesOf(chosen, options.without));
  const cases = chosen.filter((entry) => !unwanted.has(entry));
  return options.read === true ? await readImageLog(file, cases, options) : writeImage(file, cases);
}

function casesOf(cases: readonly Case[], patterns: readonly string[]): Case[] {
  const selection = { patterns, classes: ['processor'], behaviours: [], clauses: [] };
  return select(cases, selection, USUAL.profile).cases;
}

function writeImage(file: string, cases: readonly Case[]): number {
  const records: Buffer[] = [];
  const reasons = new Map<string, number>();
  for (const entry of cases) {
    const record = recordOrReason(expandCase(entry, USUAL));
    if (typeof record === 'string') reasons.set(record, (reasons.get(record) ?? 0) + 1);
    else records.push(record);
  }
  for (const [reason, count] of [...reasons].sort((a, b) => b[1] - a[1]))
    print(`${count} not in it: ${reason}`);
  if (records.length === 0) throw new UsageError('none of these cases can be run by an image');
  try {
    writeFileSync(file, diskOf(records));
  } catch (error) {
    throw new UsageError(`cannot write ${file}: ${messageOf(error)}`);
  }
  print(`${file}: ${records.length} cases`);
  return ExitCode.conforms;
}

function recordOrReason(expanded: ExpandedCase): Buffer | string {
  try {
    return recordOfCase(expanded);
  } catch (error) {
    if (error instanceof Unsupported) return error.message;
    throw error;
  }
}

async function readImageLog(file: string, cases: readonly Case[], options: ImageOptions): Promise<number> {
  const requests = reportRequests(options);
  const byId = new Map(cases.map((entry) => [entry.id, entry]));
  const entries = readLog(readText(file));
  if (entries.size === 0)
    throw new UsageError(`${file} is not the log of an image: no line begins with "case"`);
  const reasonFor = (id: string): string | undefined => {
    const entry = byId.get(id);
    const record = entry === undefined ? undefined : recordOrReason(expandCase(entry, USUAL));
    return typeof record === 'string' ? record : undefined;
  };
  const machine = new LoggedMachine(`image --read ${file}`, entries, choicesOf(options.choice), reasonFor);
  const declaration = await machine.start();
  const results = await runCases(machine, cases, { declaration, judging: judgingFor(declaration) });
  const known = options.expectations === undefined ? [] : await readKnownFailures(options.expectations);
  const ran = results.some(({ verdict }) => verdict !== 'unsupported');
  const record = recordOf({
    head: headOf({ label: machine.label, declaration, rerun: '' }),
    results,
    // The log need not have every case that the list is about.
    comparison: { ...compareKnown(results, known, cases, false), stale: [] },
    unspecified: [],
    notClaimed: new Map(),
    otherProfile: 0,
    problems: ran ? [] : ['the log has none of these cases: that is not conformance'],
    interrupted: false,
  });
  await writeReports([record], { requests, color: options.color, failures: options.failures });
  return record.conforms ? ExitCode.conforms : ExitCode.doesNotConform;
}

function choicesOf(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const [name = '', value] = text.split('=');
      if (value === undefined) throw new UsageError(`--choice ${text} is not name=value`);
      return [name, value];
    }),
  );
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${messageOf(error)}`);
  }
}
