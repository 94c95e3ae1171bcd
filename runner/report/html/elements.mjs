// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * What the parts of the report's script share: types of the packed data, and making elements.
 *
 * @typedef {{ id: string, text: string, file: string, line: number }} Clause
 * @typedef {'pass' | 'fail' | 'crashed' | 'timeout' | 'bad-reply' | 'unsupported' | 'withdrawn' | 'not-run'} Verdict
 * @typedef {{ id: string, title: string, behaviour: string, class: string, clauses: string[], file: string, line: number,
 *   verdicts: Verdict[], known: (string | null)[] }} Case
 * @typedef {{ packSize: number, runs: { label: string, profile: string, rerun: string }[], clauses: Clause[],
 *   cases: Case[] }} Index
 * @typedef {{ step: number, path: string, label: string, actual: string, expected: string }} Difference
 * @typedef {{ details: string[], differences?: Difference[], stderr?: string,
 *   known?: { kind: string, status: string, reason: string, link?: string } }} Outcome
 * @typedef {{ yaml?: string, source?: string, request?: string, expected?: string, problem?: string,
 *   results: (Outcome | null)[] }} Details
 */

export const BAD = new Set(['fail', 'crashed', 'timeout', 'bad-reply']);

/**
 * @param {string} name of the element that holds packed JSON
 * @returns {Promise<unknown>}
 */
export async function unpack(name) {
  const text = document.getElementById(name)?.textContent ?? '';
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).json();
}

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string | number | boolean>} attributes
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) made.setAttribute(name, String(value));
  }
  made.append(...children);
  return made;
}

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
}

/** @param {string} verdict */
export function styleOf(verdict) {
  if (BAD.has(verdict)) return 'bad';
  return verdict === 'pass' ? 'good' : 'faint';
}

/** @param {Verdict} verdict @param {string | null | undefined} known */
export function verdictText(verdict, known) {
  const mark = BAD.has(verdict) ? '✗ ' : verdict === 'pass' ? '✓ ' : '– ';
  const note = known === null || known === undefined ? '' : ` (${known === 'expected' ? 'known' : known})`;
  return element('span', { class: styleOf(verdict) }, `${mark}${verdict}${note}`);
}

/** Markdown of one paragraph, as far as clauses use it. @param {string} text */
export function prose(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*|\*[^*\s][^*]*\*|\[[^\]]+\]\([^)]+\))/).map((part) => {
    if (part.startsWith('`')) return element('code', {}, part.slice(1, -1));
    if (part.startsWith('**')) return element('strong', {}, part.slice(2, -2));
    if (part.startsWith('*') && part.length > 2) return element('em', {}, part.slice(1, -1));
    return /^\[([^\]]+)\]\(/.exec(part)?.[1] ?? part;
  });
}
