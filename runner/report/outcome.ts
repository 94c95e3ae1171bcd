// SPDX-License-Identifier: GPL-2.0-or-later

import { isBad } from '../verdict.js';
import { groupBy, type ResultRecord } from './record.js';

/** The name of what is wrong beside the cases. */
export const WHOLE_RUN = 'the run as a whole';

/** What formats made for tests in general know: fewer kinds than there are verdicts, and each with one text. */
export type Outcome =
  | { kind: 'pass' }
  | { kind: 'skipped'; reason: string }
  /** It fails, as somebody has written down. */
  | { kind: 'known'; reason: string }
  | { kind: 'fail'; message: string }
  /** It broke before it could be compared: a crash, no answer, an answer that is none. */
  | { kind: 'error'; message: string };

export function outcomeOf(result: ResultRecord): Outcome {
  const { verdict, known, details } = result;
  const said = details.join('; ');
  if (known?.kind === 'unexpected-pass') {
    return { kind: 'fail', message: `passes, but ${known.file}:${known.line} says: ${known.reason}` };
  }
  if (known !== undefined && isBad(verdict))
    return { kind: 'known', reason: `${known.status}: ${known.reason}` };
  switch (verdict) {
    case 'pass':
      return { kind: 'pass' };
    case 'unsupported':
    case 'withdrawn':
      return { kind: 'skipped', reason: `${verdict}: ${said}` };
    case 'fail':
      return { kind: 'fail', message: said };
    case 'crashed':
    case 'timeout':
    case 'bad-reply':
      return { kind: 'error', message: `${verdict}: ${said}` };
  }
}

/** A failure for people who have only this text. */
export function explanation(result: ResultRecord, rerun: string): string {
  const outcome = outcomeOf(result);
  return [
    ...('message' in outcome && outcome.message !== result.details.join('; ')
      ? [outcome.message]
      : result.details),
    result.title,
    `${result.file}:${result.line}`,
    `clauses: ${result.clauses.join(' ')}`,
    `again: lguest-conformance run ${result.id}${rerun}`,
  ].join('\n');
}

/** Failures in groups that one cause may explain, in the order in which they first appear. */
export function kindsOf(failures: readonly ResultRecord[]): ResultRecord[][] {
  return [...groupBy(failures, kindOf).values()];
}

/** What two failures have in common that one cause may explain: behaviour, verdict, and what differs. */
function kindOf({ behaviour, verdict, differences, details }: ResultRecord): string {
  const what = differences?.map(({ path }) => path) ?? details;
  return JSON.stringify([
    behaviour,
    verdict,
    what.map((text) => text.replaceAll(/\b(0x)?[0-9a-f]*\d[0-9a-f]*\b/g, '#')),
  ]);
}
