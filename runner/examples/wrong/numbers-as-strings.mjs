// SPDX-License-Identifier: GPL-2.0-or-later
// Wrong: writes EIP as a string of hex digits.

import { tamper } from './tamper.mjs';

tamper((answer, request) => {
  if (request.method !== 'run_case' || answer.result === undefined) return answer;
  for (const { state } of answer.result.steps) {
    for (const registers of [state.registers, state.regs]) {
      if (registers !== undefined) registers.eip = `0x${registers.eip.toString(16)}`;
    }
  }
  return answer;
});
