// SPDX-License-Identifier: GPL-2.0-or-later

import type { Case } from '../cases/case.js';
import type { Declaration } from '../protocol.js';

/** A case of class processor, of which a test needs little more than the name; its one step does nothing. */
export function caseNamed(id: string, more: Partial<Case> = {}): Case {
  return {
    id,
    behaviour: id.split('/')[0] ?? '',
    class: 'processor',
    clauses: [],
    title: id,
    file: 'f.yaml',
    line: 1,
    recorded: false,
    body: () => ({ given: {}, steps: [{ op: 'run', parameters: {}, expected: { state: {} } }] }),
    ...more,
  };
}

/** An implementation of class processor says this of itself. */
export const processorDeclaration: Declaration = {
  protocol_version: 1,
  implementation: { name: 'test', version: '1' },
  classes: ['processor'],
  profile: 'linux-2.6.29',
};
