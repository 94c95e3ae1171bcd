// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from 'vitest';
import { compileFile } from './compile.js';
import { Fixtures } from './fixtures.js';
import { formatProblem, type Problem } from './problem.js';
import { caseChecks } from './schema.js';

const checks = caseChecks();

const FIXTURES = [
  {
    file: 'cases/fixtures/small.yaml',
    text: 'about: a machine\nclass: processor\ngiven: { registers: { eax: 1, ebx: 2 }, memory: [{ at: 0, hex: 90 }] }\n',
  },
  {
    file: 'cases/fixtures/larger.yaml',
    text: 'about: more of it\nclass: processor\nextends: small\ngiven: { registers: { ebx: 3 } }\n',
  },
];

function compile(text: string, file = 'cases/execution/processor.yaml') {
  const problems: Problem[] = [];
  const fixtures = new Fixtures(FIXTURES, checks.fixture, problems);
  const compiled = compileFile({ file, text }, fixtures, checks, problems);
  return { compiled, problems: problems.map(formatProblem) };
}

const HEAD = 'behaviour: execution\nclass: processor\nabout: a test\ngiven: { fixture: larger }\ncases:\n';

test('fixture, file and case are merged in this order', () => {
  const { compiled, problems } = compile(
    `${HEAD}  - { id: a, clauses: [EX-1], title: t, given: { code: { at: 0x8000, hex: f4 } }, then: {} }\n`,
  );
  expect(problems).toEqual([]);
  expect(compiled?.bases).toEqual([{ registers: { eax: 1, ebx: 3 }, memory: [{ at: 0, hex: '90' }] }]);
  expect(compiled?.cases[0]).toMatchObject({
    id: 'execution/a',
    line: 6,
    given: { code: { at: 0x8000, hex: 'f4' } },
    steps: [{ op: 'run', expected: { state: {} } }],
  });
});

test('each row of a table is a case with the line of the row', () => {
  const { compiled, problems } = compile(
    `${HEAD}  - id: t
    clauses: [EX-9]
    title: "{asm}"
    examples:
      - { id: one, asm: nop, hex: 90 }
      - { id: two, asm: hlt, hex: f4 }
    given: { code: { at: 0x8000, asm: "{asm}", hex: "{hex}" } }
    then: {}
`,
  );
  expect(problems).toEqual([]);
  expect(compiled?.cases.map(({ id, line, title }) => [id, line, title])).toEqual([
    ['execution/t/one', 10, 'nop'],
    ['execution/t/two', 11, 'hlt'],
  ]);
  expect(compiled?.listings).toEqual([
    { asm: 'nop', hex: '90', bits: 32, origin: 0x8000 },
    { asm: 'hlt', hex: 'f4', bits: 32, origin: 0x8000 },
  ]);
});

test.each([
  [
    'an unknown key',
    `${HEAD}  - { id: a, clauses: [EX-1], title: t, givn: {}, then: {} }\n`,
    'processor.yaml:6:41: unknown key "givn"; did you mean "given"?',
  ],
  [
    'an unknown register',
    `${HEAD}  - { id: a, clauses: [EX-1], title: t, then: { registers: { eaxx: 1 } } }\n`,
    'processor.yaml:6:62: unknown key "eaxx"; did you mean "eax"',
  ],
  [
    'a number out of range',
    `${HEAD}  - { id: a, clauses: [EX-1], title: t, then: { registers: { eax: 0x100000000 } } }\n`,
    'processor.yaml:6:62: 4294967296 must be <= 4294967295',
  ],
  [
    'a missing key',
    `${HEAD}  - { id: a, title: t, then: {} }\n`,
    'processor.yaml:6:5: the key "clauses" is missing',
  ],
  [
    'the same id twice',
    `${HEAD}  - { id: a, clauses: [EX-1], title: t, then: {} }\n  - { id: a, clauses: [EX-1], title: t, then: {} }\n`,
    'processor.yaml:7:7: two cases have the id "a"',
  ],
  [
    'the same key twice',
    `${HEAD}  - { id: a, id: b, clauses: [EX-1], title: t, then: {} }\n`,
    'processor.yaml:6:14: Map keys must be unique',
  ],
  [
    'a fixture that does not exist',
    `${HEAD}  - { id: a, clauses: [EX-1], title: t, given: { fixture: largr }, then: {} }\n`,
    'processor.yaml:6:50: there is no fixture "largr"; did you mean "larger"',
  ],
  [
    'a column of the wrong type',
    `${HEAD}  - { id: a, clauses: [EX-1], title: t, examples: [{ id: r, v: x }], then: { registers: { eax: "{v}" } } }\n`,
    'processor.yaml:6:52: then.registers.eax: "x" is not a column of a table (row r)',
  ],
  [
    'no expectation',
    `${HEAD}  - { id: a, clauses: [EX-1], title: t }\n`,
    'processor.yaml:6:5: the case has no "then"',
  ],
  ['syntax', 'behaviour: [', 'processor.yaml:1:13: '],
])('%s is an error with file, line and column', (_, text, message) => {
  const { problems } = compile(text);
  expect(problems.join('\n')).toContain(`cases/execution/${message}`);
});

test('the behaviour must be the name of the folder', () => {
  const text = `${HEAD}  - { id: a, clauses: [EX-1], title: t, then: {} }\n`;
  expect(compile(text, 'cases/paging/processor.yaml').problems).toEqual([
    'cases/paging/processor.yaml:1:1: behaviour "execution" in folder "paging"',
  ]);
});
