// SPDX-License-Identifier: GPL-2.0-or-later

/** Numbers as ranges: `0-31 48-63 128`. */
export function rangesOf(numbers: Iterable<number>): string {
  const ranges: { from: number; to: number }[] = [];
  for (const number of [...new Set(numbers)].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last?.to === number - 1) last.to = number;
    else ranges.push({ from: number, to: number });
  }
  return ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(' ');
}
