// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from 'vitest';
import { choicesIn, clausesIn, readChoices, withDefaults } from './spec.js';

test('a clause is a paragraph that begins with its id and classes', () => {
  const text = `# A chapter

**IO-4** (host, system) An \`IN\` of a byte
MUST do this.

> *Rationale.* **IO-9** (host) is not a clause here.

**IO-5** (withdrawn) It said nothing.
`;
  expect(clausesIn('spec/14.md', text)).toEqual([
    {
      id: 'IO-4',
      classes: ['host', 'system'],
      withdrawn: false,
      text: 'An `IN` of a byte MUST do this.',
      file: 'spec/14.md',
      line: 3,
    },
    { id: 'IO-5', classes: [], withdrawn: true, text: 'It said nothing.', file: 'spec/14.md', line: 8 },
  ]);
});

test('choices are the rows of a table, the first value is the default', () => {
  const choices = choicesIn(
    '| choice | value |\n|---|---|\n| `a` | `x` | one |\n| | `y` | two |\n| `b` | `1` | |\n',
  );
  expect([...choices]).toEqual([
    ['a', ['x', 'y']],
    ['b', ['1']],
  ]);
  expect(withDefaults(choices, { a: 'y' })).toEqual({ a: 'y', b: '1' });
  expect(readChoices().size).toBeGreaterThan(0);
});
