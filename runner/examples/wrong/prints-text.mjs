// SPDX-License-Identifier: GPL-2.0-or-later
// Wrong: a forgotten debugging line on standard output before each answer to a case.

import { tamper } from './tamper.mjs';

tamper((answer, request) => {
  if (request.method === 'run_case') process.stdout.write(`running ${request.params.id}\n`);
  return answer;
});
