// SPDX-License-Identifier: GPL-2.0-or-later

/** Which clauses the comments of a source text name, and which of them a measured run of that text has come to. */

const ID = /\b[A-Z][A-Z0-9]*-\d+\b/g;
const TRAILING = /^(.*\S)\s*\/\/(.*)$/;
const ALONE = /^\s*(?:\/\*\*|\*|\/\/)(.*)$/;

/** A part of a text and how often it has been executed; offsets count characters. */
export interface MeasuredRange {
  startOffset: number;
  endOffset: number;
  count: number;
}

/** A clause and the offset of the last character of the code that its comment is about. */
export interface ClausePosition {
  clause: string;
  offset: number;
}

/** A comment behind code is about that code, one on lines of its own about the first code after it. */
export function clausePositions(text: string, known: ReadonlySet<string>): ClausePosition[] {
  const positions: ClausePosition[] = [];
  let waiting: string[] = [];
  let start = 0;
  for (const line of text.split('\n')) {
    const alone = ALONE.exec(line);
    const [, code, comment = ''] = alone === null ? (TRAILING.exec(line) ?? []) : [];
    if (alone !== null) {
      waiting.push(...idsIn(alone[1] ?? '', known));
    } else if (line.trim() !== '') {
      const offset = start + (code ?? line.trimEnd()).length - 1;
      positions.push(...[...waiting, ...idsIn(comment, known)].map((clause) => ({ clause, offset })));
      waiting = [];
    }
    start += line.length + 1;
  }
  return positions;
}

const idsIn = (comment: string, known: ReadonlySet<string>): string[] =>
  (comment.match(ID) ?? []).filter((id) => known.has(id));

/** The clauses whose code was executed: the smallest part around it counts. */
export function reachedClauses(
  positions: readonly ClausePosition[],
  ranges: readonly MeasuredRange[],
): string[] {
  return positions.filter(({ offset }) => countAt(offset, ranges) > 0).map(({ clause }) => clause);
}

function countAt(offset: number, ranges: readonly MeasuredRange[]): number {
  let count = 0;
  let smallest = Number.POSITIVE_INFINITY;
  for (const range of ranges) {
    const size = range.endOffset - range.startOffset;
    if (offset < range.startOffset || offset >= range.endOffset || size >= smallest) continue;
    smallest = size;
    count = range.count;
  }
  return count;
}
