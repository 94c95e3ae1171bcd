// SPDX-License-Identifier: GPL-2.0-or-later
// Wrong: every EIP that it reports is one too high.

import { tamper } from './tamper.mjs';

tamper((answer, request) => {
  if (request.method !== 'run_case' || answer.result === undefined) return answer;
  for (const { state } of answer.result.steps) {
    for (const registers of [state.registers, state.regs]) {
      if (registers !== undefined) registers.eip = (registers.eip + 1) >>> 0;
    }
  }
  return answer;
});
