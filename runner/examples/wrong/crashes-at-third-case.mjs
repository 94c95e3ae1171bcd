// SPDX-License-Identifier: GPL-2.0-or-later
// Wrong: every process dies when it is to answer its third case.

import { tamper } from './tamper.mjs';

let cases = 0;
tamper((answer, request) => {
  if (request.method === 'run_case' && ++cases === 3) {
    process.stderr.write('segmentation fault, or so it seems\n');
    process.kill(process.pid, 'SIGSEGV');
    return undefined;
  }
  return answer;
});
