/** @param {Case} entry @param {Details} details */
function caseContent(entry, details) {
  const close = element('button', { type: 'button' }, 'Close');
  close.addEventListener('click', () => dialog.close());
  const bar = element(
    'div',
    { class: 'bar' },
    element('h2', { id: 'case-id', tabindex: -1 }, entry.id),
    stepButton('← Previous', entry, -1),
    stepButton('Next →', entry, 1),
    close,
  );
  const about = element('p', {}, entry.title);
  const place = element('p', { class: 'faint' }, `class ${entry.class}, ${entry.file}:${entry.line}`);
  if (details.source !== undefined) place.append(`; source: ${details.source}`);
  const runs = index.runs.flatMap((_, run) => runContent(entry, details.results[run] ?? null, run));
  return [
    bar,
    about,
    place,
    ...runs,
    element('h3', {}, 'Clauses'),
    clauseList(entry.clauses),
    ...block('Case', details.yaml, true),
    ...(details.problem === undefined ? [] : [element('p', {}, details.problem)]),
    ...block('Expected, over the state before each step', details.expected, true),
    ...block('Request (numbers from ten on in hex)', details.request, true),
  ];
}

/** @param {Case} entry @param {Outcome | null} outcome @param {number} run */
function runContent(entry, outcome, run) {
  const { label = '', rerun = '' } = index.runs[run] ?? {};
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
  content.push(...block('The end of its standard error', stderr, true));
  return [...content, command(`lguest-conformance run ${entry.id}${rerun}`)];
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

/** @param {string[]} names */
function clauseList(names) {
  const items = names.flatMap((name) => {
    const clause = clauses.get(name);
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

/** @param {string} title @param {string | undefined} text @param {boolean} isOpen */
function block(title, text, isOpen) {
  if (text === undefined) return [];
  const pre = element('pre', { tabindex: 0, 'aria-label': title }, element('code', {}, text));
  return [element('details', { open: isOpen }, element('summary', {}, title), pre)];
}

