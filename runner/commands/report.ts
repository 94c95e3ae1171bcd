// SPDX-License-Identifier: GPL-2.0-or-later

import { type ReporterFlags, reportRequests } from '../report/flags.js';
import { readRecord } from '../report/read.js';
import { writeReports } from '../report/reporters.js';
import { ExitCode } from '../usage.js';

export interface ReportCommandOptions {
  reporter?: ReporterFlags;
  output?: ReporterFlags;
  failures: number;
  color?: boolean;
}

/**
 * Writes reports of runs that have ended, from what `run --reporter json` wrote. The exit code is that of the runs: it is
 * a success when all of them were.
 */
export async function report(files: readonly string[], options: ReportCommandOptions): Promise<number> {
  const requests = reportRequests(options);
  const records = files.map(readRecord);
  await writeReports(records, { requests, color: options.color, failures: options.failures });
  return records.every(({ conforms }) => conforms) ? ExitCode.conforms : ExitCode.doesNotConform;
}
