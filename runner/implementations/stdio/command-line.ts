// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * Splits a command into words as a shell does: blanks separate, single quotes keep everything, double quotes keep
 * everything but `\"` and `\\`, a backslash outside of quotes keeps the next character. Nothing is expanded and
 * no shell is started. Throws on a quote that is not closed.
 */
export function splitWords(command: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let i = 0; i < command.length; i++) {
    const character = command.charAt(i);
    if (quote !== '') {
      if (character === quote) {
        quote = '';
      } else if (quote === '"' && character === '\\' && '"\\'.includes(command.charAt(i + 1))) {
        word += command.charAt(++i);
      } else {
        word += character;
      }
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= '';
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + (character === '\\' ? command.charAt(++i) : character);
    }
  }
  if (quote !== '') throw new Error(`the quote ${quote} is not closed in: ${command}`);
  if (word !== undefined) words.push(word);
  return words;
}
