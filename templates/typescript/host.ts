// SPDX-License-Identifier: GPL-2.0-or-later
// A host to begin with: it knows one operation, and says of everything else that it does not do it.

import type { CaseRequest, CaseResult, Declaration, RequestStep, StepResult } from 'lguest-conformance';

type State = CaseRequest['given'] & { regs?: Record<string, number> };
type Operation = (state: State, step: RequestStep) => string;

/** The registers with which a new virtual CPU starts: clause REGS-1. */
function setupRegs(state: State, step: RequestStep): string {
  const { start } = step.args as { start: number };
  Object.assign(state.regs ?? {}, { cs: 0x61, ds: 0x69, es: 0x69, ss: 0x69, eflags: 0x202, eip: start });
  return 'ok';
}

/** Your implementation goes on here: an operation changes the state and returns how it ended. */
const OPERATIONS: Record<string, Operation> = { lguest_arch_setup_regs: setupRegs };

export default {
  initialize(): Declaration {
    return {
      protocol_version: 1,
      implementation: { name: 'my-host', version: '0.1', language: 'TypeScript' },
      classes: ['host'],
      profile: 'linux-2.6.29',
      operations: Object.keys(OPERATIONS),
      // The parts of the state that are right; without this line, all.
      observes: ['regs'],
    };
  },

  /** One answer for each step: how it ended, the state after it, and what the host did to its machine. */
  runCase({ given, steps }: CaseRequest): CaseResult {
    return {
      steps: steps.map((step): StepResult => {
        const operation = OPERATIONS[step.op];
        // The code says that this is no failure but something that the host does not do.
        if (operation === undefined) throw Object.assign(new Error(`operation ${step.op}`), { code: 1001 });
        return {
          outcome: { stop: operation(given, step) },
          state: { ...structuredClone(given) },
          events: [],
        };
      }),
    };
  },
};
