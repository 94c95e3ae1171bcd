// SPDX-License-Identifier: GPL-2.0-or-later

/** What is put between two marks of the README, `<!-- name -->` and `<!-- /name -->`. */

/** The README with another text between the marks. */
export function withBlock(readme: string, name: string, text: string): string {
  const [beginning, ending] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const begin = readme.indexOf(beginning);
  const end = readme.indexOf(ending);
  if (begin < 0 || end < begin) throw new Error(`the README has no ${beginning} ... ${ending}`);
  return `${readme.slice(0, begin + beginning.length)}\n${text}\n${readme.slice(end)}`;
}

/** A table in Markdown: the first column is of names, the others of numbers. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = head.map((_, index) => (index === 0 ? '---' : '--:'));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
