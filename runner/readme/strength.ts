// SPDX-License-Identifier: GPL-2.0-or-later

import { type Figures, percent, score } from '../strength/figures.js';
import { PART_NAMES } from '../strength/parts.js';
import { table } from './block.js';

/** What share of the mutants the cases kill, and when that was measured. */
export function strengthTable(figures: Figures): string {
  const rows = PART_NAMES.map((part) => {
    const name = `\`reference/${part}\``;
    const own = figures[part];
    if (own === undefined) return [name, '', '', '', '', '', 'not yet'];
    const { mutants, killed, equivalent, survivors, date } = own;
    const counts = [mutants, killed, equivalent, survivors.length].map(String);
    return [name, ...counts, `**${percent(score(own))}**`, date];
  });
  return table(['part', 'mutants', 'killed', 'equivalent', 'survived', 'strength', 'measured'], rows);
}
