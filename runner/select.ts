// SPDX-License-Identifier: GPL-2.0-or-later

import type { Case } from './cases/case.js';
import { didYouMean } from './cases/nearest.js';
import { CONFORMANCE_CLASSES, type Profile } from './protocol.js';
import { UsageError } from './usage.js';

export interface Selection {
  patterns: readonly string[];
  classes: readonly string[];
  behaviours: readonly string[];
  clauses: readonly string[];
}

export interface Selected {
  cases: Case[];
  /** Cases left out because profile linux-2.6.29 leaves their outcome open. */
  unspecified: Case[];
  /** How many of the selected cases are for the other profile only. */
  otherProfile: number;
}

/**
 * The pattern as a regular expression: `*` matches within one component of an id, `**` across components. A pattern
 * without wildcards is an id, or the beginning of one up to a `/`: a behaviour, or a table.
 */
export function patternOf(pattern: string): RegExp {
  const body = pattern
    .split(/(\*\*|\*)/)
    .map((part) => {
      if (part === '**') return '.*';
      if (part === '*') return '[^/]*';
      return part.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
    })
    .join('');
  return pattern.includes('*') ? new RegExp(`^${body}$`) : new RegExp(`^${body}(/.*)?$`);
}

/** The behaviours whose files must be read for these patterns; undefined when a wildcard may mean any. */
export function behavioursOfPatterns(patterns: readonly string[]): string[] | undefined {
  if (patterns.length === 0) return undefined;
  const firsts = patterns.map((pattern) => pattern.split('/')[0] ?? '');
  return firsts.some((first) => first.includes('*')) ? undefined : [...new Set(firsts)];
}

/** Refuses names that do not exist, with the nearest that do. */
export function checkNames(kind: string, names: readonly string[], known: Iterable<string>): void {
  const all = new Set(known);
  for (const name of names) {
    if (!all.has(name)) throw new UsageError(`there is no ${kind} "${name}"${didYouMean(name, all)}`);
  }
}

/** The cases that all given conditions select. A pattern, class, behaviour or clause that selects none is an error. */
export function select(cases: readonly Case[], selection: Selection, profile: Profile): Selected {
  checkNames('class', selection.classes, CONFORMANCE_CLASSES);
  const patterns = selection.patterns.map((pattern) => {
    const expression = patternOf(pattern);
    if (!cases.some((entry) => expression.test(entry.id))) {
      const ids = cases.map((entry) => entry.id);
      throw new UsageError(`no case matches "${pattern}"${didYouMean(pattern, ids)}`);
    }
    return expression;
  });
  const chosen = cases.filter(
    (entry) =>
      (patterns.length === 0 || patterns.some((expression) => expression.test(entry.id))) &&
      accepts(selection.classes, [entry.class]) &&
      accepts(selection.behaviours, [entry.behaviour]) &&
      accepts(selection.clauses, entry.clauses),
  );
  refuseEmptyGroups(chosen, selection);
  const ofProfile = chosen.filter((entry) => entry.profile === undefined || entry.profile === profile);
  const isOpen = (entry: Case): boolean => entry.unspecifiedBy !== undefined && profile === 'linux-2.6.29';
  return {
    cases: ofProfile.filter((entry) => !isOpen(entry)),
    unspecified: ofProfile.filter(isOpen),
    otherProfile: chosen.length - ofProfile.length,
  };
}

function accepts(wanted: readonly string[], has: readonly string[]): boolean {
  return wanted.length === 0 || has.some((name) => wanted.includes(name));
}

function refuseEmptyGroups(chosen: readonly Case[], selection: Selection): void {
  const groups: [string, readonly string[], (entry: Case) => readonly string[]][] = [
    ['class', selection.classes, (entry) => [entry.class]],
    ['behaviour', selection.behaviours, (entry) => [entry.behaviour]],
    ['clause', selection.clauses, (entry) => entry.clauses],
  ];
  for (const [kind, names, namesOf] of groups) {
    for (const name of names) {
      if (!chosen.some((entry) => namesOf(entry).includes(name))) {
        throw new UsageError(`no selected case is of ${kind} ${name}`);
      }
    }
  }
  if (chosen.length === 0) throw new UsageError('no case is selected');
}
