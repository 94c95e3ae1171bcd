// SPDX-License-Identifier: GPL-2.0-or-later
// Right, though it looks odd: answers carry ids, so their order is free. This one must pass.

import { say, tamper } from './tamper.mjs';

let kept = [];
let timer;

tamper((answer, request) => {
  if (request.method !== 'run_case') return answer;
  kept.unshift(answer);
  clearTimeout(timer);
  timer = setTimeout(release, 5);
  return undefined;
});

function release() {
  for (const answer of kept) say(answer);
  kept = [];
}
