// SPDX-License-Identifier: GPL-2.0-or-later

import { explanation, type Outcome, outcomeOf, WHOLE_RUN } from './outcome.js';
import { groupBy, type ResultRecord, type RunRecord } from './record.js';

/**
 * The record in the XML of JUnit as Jenkins and its kind read it: a suite for each behaviour. Known failures are skipped
 * tests, with their reason: the file is red if and only if the run is.
 */
export function renderJUnit(record: RunRecord): string {
  const suites = [...groupBy(record.results, ({ behaviour }) => behaviour)].map(([behaviour, results]) =>
    suite(behaviour, results, record),
  );
  if (record.problems.length > 0) suites.push(problemSuite(record.problems));
  const label = attributes({ name: record.implementation.label });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${label}>\n${suites.join('')}</testsuites>\n`;
}

function suite(behaviour: string, results: readonly ResultRecord[], record: RunRecord): string {
  const outcomes = results.map(outcomeOf);
  const count = (...kinds: Outcome['kind'][]): number =>
    outcomes.filter(({ kind }) => kinds.includes(kind)).length;
  const head = attributes({
    name: behaviour,
    tests: results.length,
    failures: count('fail'),
    errors: count('error'),
    skipped: count('skipped', 'known'),
    time: timeOf(results),
  });
  const properties = [
    property('implementation', `${record.implementation.name} ${record.implementation.version}`),
    property('profile', record.profile),
    property('suite', `${record.suite.name} ${record.suite.version}`),
  ].join('');
  const cases = results.map((result) => testCase(result, record.rerun)).join('');
  return `  <testsuite${head}>\n    <properties>\n${properties}    </properties>\n${cases}  </testsuite>\n`;
}

function testCase(result: ResultRecord, rerun: string): string {
  const { id, behaviour, class: name, seconds, stderr } = result;
  const head = attributes({
    classname: `${behaviour}.${name}`,
    name: id.slice(behaviour.length + 1),
    time: seconds?.toFixed(SECOND_DIGITS),
  });
  const body = outcomeElement(result, rerun);
  if (body === '') return `    <testcase${head}/>\n`;
  const said = stderr === undefined ? '' : `      <system-err>${escaped(stderr)}</system-err>\n`;
  return `    <testcase${head}>\n${body}${said}    </testcase>\n`;
}

function outcomeElement(result: ResultRecord, rerun: string): string {
  const outcome = outcomeOf(result);
  switch (outcome.kind) {
    case 'pass':
      return '';
    case 'skipped':
    case 'known':
      return `      <skipped${attributes({ message: outcome.reason })}/>\n`;
    case 'fail':
    case 'error': {
      const name = outcome.kind === 'fail' ? 'failure' : 'error';
      const head = attributes({ type: result.verdict, message: outcome.message });
      return `      <${name}${head}>${escaped(explanation(result, rerun))}</${name}>\n`;
    }
  }
}

/** What is wrong with the run as a whole is a suite of its own, so that whoever counts failures sees it. */
function problemSuite(problems: readonly string[]): string {
  const head = attributes({ name: WHOLE_RUN, tests: problems.length, failures: problems.length, errors: 0 });
  const cases = problems.map((problem, index) => {
    const test = attributes({ classname: WHOLE_RUN, name: `problem ${index + 1}` });
    const failure = attributes({ type: 'run', message: problem });
    return `    <testcase${test}>\n      <failure${failure}/>\n    </testcase>\n`;
  });
  return `  <testsuite${head}>\n${cases.join('')}  </testsuite>\n`;
}

const SECOND_DIGITS = 6;

/** The sum of the times of the cases, when they were taken. */
function timeOf(results: readonly ResultRecord[]): string | undefined {
  if (results.some(({ seconds }) => seconds === undefined)) return undefined;
  return results.reduce((sum, { seconds = 0 }) => sum + seconds, 0).toFixed(SECOND_DIGITS);
}

function property(name: string, value: string): string {
  return `      <property${attributes({ name, value })}/>\n`;
}

function attributes(values: Record<string, string | number | undefined>): string {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${escaped(String(value)).replaceAll('\n', '&#10;')}"`)
    .join('');
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text for XML 1.0, which cannot have most control characters, not even escaped: they become U+FFFD. */
function escaped(text: string): string {
  return text
    .replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? character)
    .replaceAll(/[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD');
}
