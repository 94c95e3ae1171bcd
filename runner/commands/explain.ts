// SPDX-License-Identifier: GPL-2.0-or-later

import { differenceText } from '../compare/difference.js';
import { callText } from '../compare/hypercalls.js';
import { judge } from '../compare/judge.js';
import { type ExpandedCase, expandCase } from '../expand/request.js';
import { narrate } from '../implementations/reference/narrate.js';
import type { CaseResult, HostEvent, Profile } from '../protocol.js';
import { print, printProse } from '../report/output.js';
import { readClauses } from '../spec.js';
import { ExitCode } from '../usage.js';
import { profileOf } from './options.js';
import { findCase } from './show.js';

export interface ExplainOptions {
  profile?: string;
}

/** Tells step by step what the reference does with one case; the exit code says whether it ends as expected. */
export async function explain(id: string, options: ExplainOptions): Promise<number> {
  const profile = profileOf(options.profile);
  const entry = await findCase(id);
  const expanded = expandCase(entry, { profile, choices: {} });
  print(`${entry.id}  (class ${entry.class}, profile ${profile}, ${entry.file}:${entry.line})`);
  print(entry.title);
  const clauses = new Map(readClauses().map((clause) => [clause.id, clause.text]));
  for (const name of entry.clauses) printProse(name, clauses.get(name) ?? 'not in the spec');

  const { lines, result } = narrate(expanded.request, profile);
  print(`\n${expanded.request.steps.map((step) => step.op).join(', ')}`);
  for (const line of lines) print(`  ${line}`);
  printEnd(expanded, result, profile);
  const wrong = judge(expanded, result, { profile, choices: {} }).flat();
  print(wrong.length === 0 ? '\nas expected' : '\nnot as expected:');
  for (const difference of wrong) print(`  ${differenceText(difference)}`);
  return wrong.length === 0 ? ExitCode.conforms : ExitCode.doesNotConform;
}

/** What each step changed, and the events on the way. */
function printEnd(expanded: ExpandedCase, result: CaseResult, profile: Profile): void {
  const unchanged = { ...expanded, expected: expanded.expected.map(() => ({ state: {} })) };
  const changes = judge(unchanged, result, { profile, choices: {} });
  for (const [index, step] of result.steps.entries()) {
    const { stop, ...rest } = step.outcome;
    const returned = Object.entries(rest).map(([key, value]) => `, ${key} ${JSON.stringify(value)}`);
    print(`\nstep ${index + 1} ended: ${stop}${returned.join('')}`);
    for (const event of step.events) print(`  event ${eventText(event)}`);
    if (step.state.ended !== undefined) {
      printLife(step.state);
      continue;
    }
    for (const change of changes[index] ?? []) {
      if (change.path === 'outcome') continue;
      print(`  ${change.label.replace(/:$/, '')}: ${change.expected} -> ${change.actual}`);
    }
  }
}

/** What became of a whole guest, whose memory is not told word by word. */
function printLife({ console: printed, ended, reason, hypercalls }: Record<string, unknown>): void {
  for (const call of Array.isArray(hypercalls) ? hypercalls : []) print(`  hypercall ${callText(call)}`);
  for (const line of String(printed).trimEnd().split('\n')) print(`  console | ${line}`);
  print(`  ended ${String(ended)}${typeof reason === 'string' ? `: ${reason}` : ''}`);
}

/** The event with its fields; what an entry finds in the registers is among the changes already. */
function eventText({ e, ...fields }: HostEvent): string {
  const parts = Object.entries(fields)
    .filter(([, value]) => typeof value !== 'object')
    .map(
      ([key, value]) => `${key} ${typeof value === 'number' ? value.toString(16) : JSON.stringify(value)}`,
    );
  return [e, ...parts].join(', ');
}
