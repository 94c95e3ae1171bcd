// SPDX-License-Identifier: GPL-2.0-or-later
// Wrong: answers like an honest implementation but does not end when it is told to, nor when its input ends.

import { answerAlone } from './tamper.mjs';

process.exit = () => {};
setInterval(() => {}, 1000);
answerAlone(['processor', 'host', 'system'], () => ({
  error: { code: 1001, message: 'unsupported', data: { reason: 'not written yet' } },
}));
