// SPDX-License-Identifier: GPL-2.0-or-later

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { contentHash, lazily, readCache, writeCache } from '../cases/cache.js';
import type { Case, CaseBody, DataMap } from '../cases/case.js';
import type { CompiledFile, RecordedEntry } from '../cases/compile.js';
import type { Problem } from '../cases/problem.js';
import { packageRoot } from '../package.js';
import { type HostVector, hostBody } from './host.js';
import { type ProcessorVector, processorBody } from './processor.js';

/** What is kept of each line, so that `list` need not unpack the file. */
interface LineHead {
  op: string;
  /** The recorder's note or title. */
  note: string;
  /** How the original harmed its host, when it did: the key of `errata`. */
  harm?: string;
}

/** The cases that one entry of a `recorded` list stands for: one for each line of its file. */
export function recordedCases(
  entry: RecordedEntry,
  from: Pick<CompiledFile, 'file' | 'behaviour' | 'class'>,
  problems: Problem[],
): Case[] {
  const path = join(packageRoot, entry.file);
  const place = { file: from.file, line: entry.line, column: 1 };
  if (!existsSync(path)) {
    problems.push({ ...place, message: `there is no file ${entry.file}` });
    return [];
  }
  const packed = readFileSync(path);
  const lines = lazily(() => gunzipSync(packed).toString('utf8').trimEnd().split('\n'));
  const cases: Case[] = [];
  lineHeads(entry.file, packed, lines).forEach((head, index) => {
    if (entry.only !== undefined && !entry.only.includes(head.op)) return;
    const line = index + 1;
    const unspecifiedBy = head.harm === undefined ? undefined : entry.errata[head.harm];
    if (head.harm !== undefined && unspecifiedBy === undefined) {
      const message = `line ${line} of ${entry.file} ends in ${head.harm}: "errata" must say which erratum that is`;
      problems.push({ ...place, message });
    }
    cases.push({
      id: `${from.behaviour}/${entry.id}/${line}`,
      behaviour: from.behaviour,
      class: from.class,
      clauses: entry.clauses,
      // The original is the linux-2.6.29 profile; a processor is the same in both.
      profile: from.class === 'processor' ? undefined : 'linux-2.6.29',
      title: head.note === '' ? entry.title : `${entry.title}: ${head.note}`,
      source: entry.source,
      withdrawn: entry.withdrawn,
      unspecifiedBy,
      file: entry.file,
      line,
      recorded: true,
      body: () => bodyOf(lines()[index] ?? '', from.class),
    });
  });
  return cases;
}

function bodyOf(line: string, conformanceClass: string): CaseBody {
  const vector: unknown = JSON.parse(line);
  return conformanceClass === 'processor'
    ? processorBody(vector as ProcessorVector)
    : hostBody(vector as HostVector);
}

function lineHeads(file: string, packed: Buffer, lines: () => string[]): LineHead[] {
  const name = `recorded.${file.replace(/^.*recorded\//, '').replaceAll('/', '.')}`;
  const hash = contentHash([packed]);
  const known = readCache<LineHead[]>(name, hash);
  if (known !== undefined) return known.head;
  const heads = lines().map((line) => headOf(JSON.parse(line) as DataMap));
  writeCache(name, hash, heads);
  return heads;
}

function headOf(vector: DataMap): LineHead {
  const head: LineHead = {
    op: typeof vector.op === 'string' ? vector.op : 'run',
    note: String(vector.note ?? vector.title ?? ''),
  };
  if (vector.title !== undefined) head.note = String(vector.title);
  const harm = harmIn(vector.then as DataMap);
  if (harm !== undefined) head.harm = harm;
  return head;
}

/** `host_bug`, `host_hang` or `host_overflow` when the original harmed its own host. */
function harmIn(then: DataMap | undefined): string | undefined {
  if (then === undefined) return undefined;
  const parts = [then, ...[then.steps ?? [], then.runs ?? [], then.calls ?? []].flat()] as DataMap[];
  for (const part of parts) {
    if (typeof part.outcome === 'string' && part.outcome !== 'ok') return part.outcome;
    const events = Array.isArray(part.events) ? (part.events as DataMap[]) : [];
    if (events.some((event) => event.e === 'host_overflow')) return 'host_overflow';
  }
  return undefined;
}
