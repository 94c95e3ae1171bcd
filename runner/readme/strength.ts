// SPDX-License-Identifier: GPL-2.0-or-later

import { type Figures, percent, score, strengthOf } from '../strength/figures.js';
import type { MutantName } from '../strength/mutant.js';
import { filesOf, PART_NAMES } from '../strength/parts.js';
import { table } from './block.js';

/** What share of the mutants the cases kill, and when that was measured. */
export function strengthTable(figures: Figures, isEquivalent: (name: MutantName) => boolean): string {
  const rows = PART_NAMES.map((part) => {
    const name = `\`reference/${part}\``;
    const own = figures[part];
    if (own === undefined) return [name, '', '', '', '', '', 'not yet'];
    const strength = strengthOf(own, isEquivalent);
    const { mutants, killed, equivalent, survivors } = strength;
    const counts = [mutants, killed, equivalent, survivors.length].map(String);
    const measured = Object.keys(own.files).length;
    const files = filesOf(part).length;
    const date = measured < files ? `${own.date}, ${measured} of ${files} files` : own.date;
    return [name, ...counts, `**${percent(score(strength))}**`, date];
  });
  return table(['part', 'mutants', 'killed', 'equivalent', 'survived', 'strength', 'measured'], rows);
}
