// SPDX-License-Identifier: GPL-2.0-or-later

/** The clauses that the reference names in its comments, which of them is nearest to a line, and the instruction of a line. */

const ID = /\b(?:[A-Z][A-Z0-9]*-\d+[a-z]?)\b/g;
/** The first text of a line of an opcode table. */
const MNEMONIC = /^[^']*'([A-Z][A-Z0-9]+)'/;
const COMMENT = /(?:^\s*(?:\/\*\*|\*|\/\/)|\/\/|\/\*)(.*)$/;

/** For each line of a text, the clauses named in the last comment before it, or on it, that names any. */
export class ClauseMarks {
  private readonly byLine: string[][];
  private readonly lines: string[];

  constructor(text: string, known: ReadonlySet<string>) {
    let nearest: string[] = [];
    this.lines = text.split('\n');
    this.byLine = this.lines.map((line) => {
      const comment = COMMENT.exec(line)?.[1] ?? '';
      const ids = (comment.match(ID) ?? []).filter((id) => known.has(id));
      if (ids.length > 0) nearest = ids;
      return nearest;
    });
  }

  /** Of a line counted from 1. None before the first comment that names one. */
  at(line: number): readonly string[] {
    return this.byLine[line - 1] ?? [];
  }

  /** The mnemonic that a line names, if any. */
  mnemonicAt(line: number): string | undefined {
    return MNEMONIC.exec(this.lines[line - 1] ?? '')?.[1];
  }
}
