// SPDX-License-Identifier: GPL-2.0-or-later

/** What the HTML report shows of one case. */

import { element, prose, verdictText } from './elements.mjs';

/** @import { Case, Details, Difference, Index, Outcome } from './elements.mjs' */

/**
 * @param {Index} index
 * @param {Case} entry
 * @param {Details} details
 * @param {(target: string) => string} addressOf of a clause
 * @returns {HTMLElement[]}
 */
export function caseContent(index, entry, details, addressOf) {
  const about = element('p', {}, entry.title);
  const place = element('p', { class: 'faint' }, `class ${entry.class}, ${entry.file}:${entry.line}`);
  if (details.source !== undefined) place.append(`; source: ${details.source}`);
  const runs = index.runs.flatMap(({ label, rerun }, run) =>
    runContent(entry, details.results[run] ?? null, run, label, `lguest-conformance run ${entry.id}${rerun}`),
  );
  return [
    about,
    place,
    ...runs,
    element('h3', {}, 'Clauses'),
    clauseList(index, entry.clauses, addressOf),
    ...block('Case', details.yaml),
    ...(details.problem === undefined ? [] : [element('p', {}, details.problem)]),
    ...block('Expected, over the state before each step', details.expected),
    ...block('Request (numbers from ten on in hex)', details.request),
  ];
}

/** @param {Case} entry @param {Outcome | null} outcome @param {number} run @param {string} label @param {string} again */
function runContent(entry, outcome, run, label, again) {
  const verdict = entry.verdicts[run] ?? 'not-run';
  /** @type {HTMLElement[]} */
  const content = [element('h3', {}, `${label}: `, verdictText(verdict, entry.known[run]))];
  if (outcome === null) return content;
  const { details, differences, known, stderr } = outcome;
  if (known !== undefined)
    content.push(element('p', {}, `${known.status}: ${known.reason}`, ...linkTo(known.link)));
  if (differences !== undefined) content.push(differenceTable(differences, label));
  else if (details.length > 0)
    content.push(element('ul', {}, ...details.map((text) => element('li', {}, text))));
  content.push(...block('The end of its standard error', stderr));
  return [...content, command(again)];
}

/** @param {string | undefined} link */
function linkTo(link) {
  if (link === undefined) return [];
  return [' ', /^https?:/.test(link) ? element('a', { href: link, rel: 'noreferrer' }, link) : link];
}

/** @param {Difference[]} differences @param {string} label */
function differenceTable(differences, label) {
  const head = ['Step', 'What', 'Got', 'Wanted'].map((text) => element('th', { scope: 'col' }, text));
  const rows = differences.map(({ step, label: what, actual, expected }) =>
    element('tr', {}, ...[step, what, actual, expected].map((value) => element('td', {}, String(value)))),
  );
  return element(
    'table',
    { class: 'value' },
    element('caption', { class: 'unseen' }, `Differences of ${label}`),
    element('thead', {}, element('tr', {}, ...head)),
    element('tbody', {}, ...rows),
  );
}

/** @param {string} text */
function command(text) {
  const copy = element('button', { type: 'button' }, 'Copy');
  copy.addEventListener('click', async () => {
    await navigator.clipboard.writeText(text);
    copy.textContent = 'Copied';
  });
  const pre = element('pre', { tabindex: 0, 'aria-label': 'command that runs this case again' }, text);
  return element('div', { class: 'command' }, pre, copy);
}

/** @param {Index} index @param {string[]} names @param {(target: string) => string} addressOf */
function clauseList(index, names, addressOf) {
  const items = names.flatMap((name) => {
    const clause = index.clauses.find(({ id }) => id === name);
    const where = clause === undefined ? '' : ` ${clause.file}:${clause.line}`;
    const term = element(
      'dt',
      {},
      element('a', { href: addressOf(name) }, name),
      element('small', {}, where),
    );
    return [term, element('dd', {}, ...prose(clause?.text ?? 'not in this spec'))];
  });
  return element('dl', {}, ...items);
}

/** @param {string} title @param {string | undefined} text */
function block(title, text) {
  if (text === undefined) return [];
  const pre = element('pre', { tabindex: 0, 'aria-label': title }, element('code', {}, text));
  return [element('details', { open: true }, element('summary', {}, title), pre)];
}
