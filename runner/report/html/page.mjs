// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * The script of the HTML report. It draws the table from the packed index: behaviours, their clauses, their cases; only
 * rows that are open exist. What is open, what is filtered and which case is shown stand in the address.
 */

import { caseContent } from './case.mjs';
import { BAD, byId, element, prose, styleOf, unpack, verdictText } from './elements.mjs';

/** @import { Case, Details, Index, Verdict } from './elements.mjs' */

const ROWS_AT_A_TIME = 200;
/** Fewer cases than this are worth showing without a click. */
const FEW = 40;

const index = /** @type {Index} */ (await unpack('index'));
const form = document.querySelector('form');
const body = document.querySelector('tbody');
const query = byId('query', HTMLInputElement);
const show = byId('show', HTMLSelectElement);
const wantedClass = byId('class', HTMLSelectElement);
const theme = byId('theme', HTMLSelectElement);
const count = byId('count', HTMLOutputElement);
const dialog = byId('case', HTMLDialogElement);

const clauses = new Map(index.clauses.map((clause) => [clause.id, clause]));
const places = new Map(index.cases.map((entry, place) => [entry.id, place]));
const searched = index.cases.map(({ id, title, clauses: names }) =>
  `${id} ${title} ${names.join(' ')}`.toLowerCase(),
);
/** Keys of the open behaviours and clauses. */
const open = new Set();
/** How many cases of an open clause are shown, where it is not the usual number. */
const limits = new Map();
/** @type {Case[]} in the order of the table, for the way from one case to the next */
let visible = [];

/** @param {Case} entry @param {number} place */
function matches(entry, place) {
  if (wantedClass.value !== '' && entry.class !== wantedClass.value) return false;
  if (!shows(entry)) return false;
  const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
  return words.every((word) => searched[place]?.includes(word));
}

/** @param {Case} entry */
function shows({ verdicts, known }) {
  switch (show.value) {
    case 'bad':
      return verdicts.some((verdict) => BAD.has(verdict));
    case 'red':
      return verdicts.some((verdict, run) => isRed(verdict, known[run]));
    case 'unsupported':
      return verdicts.includes('unsupported');
    case 'differ':
      return new Set(verdicts).size > 1;
    default:
      return true;
  }
}

/** @param {Verdict} verdict @param {string | null | undefined} known */
function isRed(verdict, known) {
  return known ? known === 'unexpected-pass' : BAD.has(verdict);
}

/**
 * @template T
 * @param {readonly T[]} items
 * @param {(item: T) => readonly string[]} keysOf
 * @returns {Map<string, T[]>}
 */
function groups(items, keysOf) {
  const made = new Map();
  for (const item of items) {
    for (const key of keysOf(item)) {
      const group = made.get(key);
      if (group === undefined) made.set(key, [item]);
      else group.push(item);
    }
  }
  return made;
}

/** Draws the table again; the focus stays where it was. */
function draw() {
  const focused =
    document.activeElement instanceof HTMLElement ? document.activeElement.dataset.key : undefined;
  visible = index.cases.filter(matches);
  const byBehaviour = groups(visible, (entry) => [entry.behaviour]);
  const few = isFiltered() && visible.length <= FEW;
  const rows = [...byBehaviour]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([behaviour, cases]) => behaviourRows(behaviour, cases, few));
  body?.replaceChildren(...rows);
  count.value = `${visible.length} of ${index.cases.length} cases`;
  if (focused !== undefined) focusOn(focused);
}

function isFiltered() {
  return query.value !== '' || show.value !== 'all' || wantedClass.value !== '';
}

/** @param {string} behaviour @param {Case[]} cases @param {boolean} few */
function behaviourRows(behaviour, cases, few) {
  const isOpen = few || open.has(behaviour);
  const rows = [groupRow(1, behaviour, [behaviour], cases, isOpen)];
  if (!isOpen) return rows;
  const byClause = groups(cases, (entry) => entry.clauses);
  for (const { id, text } of index.clauses) {
    const list = byClause.get(id);
    if (list === undefined) continue;
    const key = `${behaviour} ${id}`;
    // Few cases are shown under the first of their clauses only: each is there, and none many times.
    const clauseOpen = open.has(key) || (few && list.some((entry) => entry.clauses[0] === id));
    const label = [element('span', { class: 'id' }, id), element('span', { class: 'text' }, ...prose(text))];
    rows.push(groupRow(2, key, label, list, clauseOpen));
    if (clauseOpen) rows.push(...caseRows(key, list));
  }
  return rows;
}

/** @param {string} key @param {Case[]} cases */
function caseRows(key, cases) {
  const limit = limits.get(key) ?? ROWS_AT_A_TIME;
  const rows = cases.slice(0, limit).map((entry) => {
    const link = element(
      'a',
      { href: addressOf(entry.id), class: 'id', 'data-key': `${key} ${entry.id}` },
      entry.id,
    );
    const head = element('th', { scope: 'row' }, link, element('span', { class: 'text' }, entry.title));
    const cells = entry.verdicts.map((verdict, run) =>
      element('td', {}, verdictText(verdict, entry.known[run])),
    );
    return element('tr', { 'data-level': 3 }, head, ...cells);
  });
  if (cases.length <= limit) return rows;
  const more = element('button', { type: 'button', class: 'more', 'data-key': `${key} more` });
  more.append(`${Math.min(ROWS_AT_A_TIME, cases.length - limit)} more of ${cases.length - limit}`);
  more.addEventListener('click', () => {
    limits.set(key, limit + ROWS_AT_A_TIME);
    draw();
    focusOn(`${key} ${cases[limit]?.id}`);
  });
  const cell = element('th', { scope: 'row', colspan: index.runs.length + 1 }, more);
  return [...rows, element('tr', { 'data-level': 3 }, cell)];
}

/** @param {number} level @param {string} key @param {(Node | string)[]} label @param {Case[]} cases @param {boolean} isOpen */
function groupRow(level, key, label, cases, isOpen) {
  const [name = '', text = ''] = label;
  const button = element(
    'button',
    { type: 'button', 'aria-expanded': String(isOpen), 'data-key': key },
    name,
  );
  button.addEventListener('click', () => toggle(key, !isOpen));
  const cells = index.runs.map((_, run) => element('td', {}, ...countTexts(cases, run)));
  return element('tr', { 'data-level': level }, element('th', { scope: 'row' }, button, text), ...cells);
}

/** @param {string} key @param {boolean} isOpen */
function toggle(key, isOpen) {
  if (isOpen) open.add(key);
  else open.delete(key);
  draw();
}

/** `574 pass, 3 fail`. @param {Case[]} cases @param {number} run */
function countTexts(cases, run) {
  const counts = new Map();
  for (const { verdicts } of cases) {
    const verdict = verdicts[run] ?? 'not-run';
    counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  }
  const order = ['pass', ...BAD, 'unsupported', 'withdrawn', 'not-run'];
  return order
    .filter((verdict) => counts.has(verdict))
    .flatMap((verdict, place) => [
      ...(place > 0 ? [', '] : []),
      element('span', { class: styleOf(verdict) }, `${counts.get(verdict)} ${verdict}`),
    ]);
}

/** @type {Map<number, Promise<Details[]>>} */
const packs = new Map();

/** @param {number} place @returns {Promise<Details | undefined>} */
async function detailsAt(place) {
  const number = Math.floor(place / index.packSize);
  const pack = packs.get(number) ?? /** @type {Promise<Details[]>} */ (unpack(`pack-${number}`));
  packs.set(number, pack);
  return (await pack)[place % index.packSize];
}

/** @param {Case} entry */
async function openCase(entry) {
  const details = await detailsAt(places.get(entry.id) ?? 0);
  if (details === undefined || targetOf() !== entry.id) return;
  dialog.replaceChildren(caseBar(entry), ...caseContent(index, entry, details, addressOf));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  byId('case-id', HTMLHeadingElement).focus();
}

/** @param {Case} entry */
function caseBar(entry) {
  const close = element('button', { type: 'button' }, 'Close');
  close.addEventListener('click', () => dialog.close());
  const title = element('h2', { id: 'case-id', tabindex: -1 }, entry.id);
  const steps = [stepButton('← Previous', entry, -1), stepButton('Next →', entry, 1)];
  return element('div', { class: 'bar' }, title, ...steps, close);
}

/** @param {string} label @param {Case} entry @param {number} by */
function stepButton(label, entry, by) {
  const other = neighbour(entry.id, by);
  const button = element('button', { type: 'button', disabled: other === undefined }, label);
  button.addEventListener('click', () => goTo(other));
  return button;
}

/** @param {string} id @param {number} by */
function neighbour(id, by) {
  const place = visible.findIndex((entry) => entry.id === id);
  return place === -1 ? undefined : visible[place + by];
}

/** @param {Case | undefined} entry */
function goTo(entry) {
  if (entry !== undefined) location.replace(addressOf(entry.id));
}

/** The address of a behaviour, clause or case under the filter of now: `#io-emulation/in-byte?show=bad`. @param {string} target */
function addressOf(target) {
  const filter = new URLSearchParams();
  if (query.value !== '') filter.set('q', query.value);
  if (show.value !== 'all') filter.set('show', show.value);
  if (wantedClass.value !== '') filter.set('class', wantedClass.value);
  const text = filter.toString();
  return `#${encodeURI(target)}${text === '' ? '' : `?${text}`}`;
}

function targetOf() {
  return decodeURI(location.hash.slice(1).split('?')[0] ?? '');
}

/** Shows what the address says. */
function follow() {
  const filter = new URLSearchParams(location.hash.split('?')[1] ?? '');
  query.value = filter.get('q') ?? '';
  show.value = filter.get('show') ?? 'all';
  wantedClass.value = filter.get('class') ?? '';
  const target = targetOf();
  const entry = index.cases[places.get(target) ?? -1];
  if (entry === undefined && dialog.open) dialog.close();
  const behaviour = entry?.behaviour ?? homeOf(target);
  if (behaviour !== undefined) open.add(behaviour);
  if (clauses.has(target)) open.add(`${behaviour} ${target}`);
  draw();
  if (entry !== undefined) void openCase(entry);
  else if (behaviour !== undefined) reveal(clauses.has(target) ? `${behaviour} ${target}` : behaviour);
}

/** The behaviour that shows a clause: of its chapter, else the first with a case of it. @param {string} target */
function homeOf(target) {
  const clause = clauses.get(target);
  if (clause === undefined) return index.cases.find(({ behaviour }) => behaviour === target)?.behaviour;
  const chapter = /\d+-(.*)\.md$/.exec(clause.file)?.[1];
  const homes = index.cases
    .filter((entry) => entry.clauses.includes(target))
    .map(({ behaviour }) => behaviour);
  return homes.find((behaviour) => behaviour === chapter) ?? homes[0];
}

/** @param {string} key */
function focusOn(key) {
  const found = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (found instanceof HTMLElement) found.focus({ preventScroll: true });
}

/** @param {string} key */
function reveal(key) {
  focusOn(key);
  document.activeElement?.scrollIntoView({ block: 'center' });
}

/** What the filter shows from now on stands in the address, without a step of the browser's history for each letter. */
function refilter() {
  history.replaceState(null, '', addressOf(''));
  limits.clear();
  draw();
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const inField = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
  if (dialog.open) onCaseKey(event);
  else if (event.key === '/' && !inField) {
    event.preventDefault();
    query.focus();
  } else if (!inField) onTableKey(event);
}

/** @param {KeyboardEvent} event */
function onCaseKey(event) {
  if (event.target instanceof HTMLPreElement) return;
  if (event.key === 'ArrowLeft') goTo(neighbour(targetOf(), -1));
  if (event.key === 'ArrowRight') goTo(neighbour(targetOf(), 1));
}

/** @param {KeyboardEvent} event */
function onTableKey(event) {
  const stops = [...(body?.querySelectorAll('[data-key]') ?? [])];
  const place = document.activeElement === null ? -1 : stops.indexOf(document.activeElement);
  if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    const next = stops[place + (event.key === 'ArrowDown' ? 1 : -1)];
    if (place === -1 || !(next instanceof HTMLElement)) return;
    event.preventDefault();
    next.focus();
  } else if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') {
    const wanted = event.key === 'ArrowRight' ? 'false' : 'true';
    const stop = stops[place];
    if (!(stop instanceof HTMLElement) || stop.getAttribute('aria-expanded') !== wanted) return;
    event.preventDefault();
    stop.click();
  }
}

/** Remembered where the browser allows it; a file that was opened from a disk may not. @param {string} value */
function useTheme(value) {
  document.documentElement.style.colorScheme = value;
  try {
    localStorage.setItem('lguest-conformance-theme', value);
  } catch {
    theme.title = 'this browser does not remember it for this page';
  }
}

function rememberedTheme() {
  try {
    return localStorage.getItem('lguest-conformance-theme');
  } catch {
    return null;
  }
}

theme.value = rememberedTheme() ?? theme.value;
document.documentElement.style.colorScheme = theme.value;
theme.addEventListener('change', () => useTheme(theme.value));
query.addEventListener('input', refilter);
show.addEventListener('change', refilter);
wantedClass.addEventListener('change', refilter);
form?.addEventListener('submit', (event) => event.preventDefault());
form?.removeAttribute('hidden');
document.addEventListener('keydown', onKey);
addEventListener('hashchange', follow);
dialog.addEventListener('close', () => {
  const target = targetOf();
  if (!places.has(target)) return;
  history.replaceState(null, '', addressOf(''));
  draw();
  const link = document.querySelector(`[data-key$=" ${CSS.escape(target)}"]`);
  if (link instanceof HTMLElement) link.focus();
  else focusOn(target.split('/')[0] ?? '');
});
follow();
