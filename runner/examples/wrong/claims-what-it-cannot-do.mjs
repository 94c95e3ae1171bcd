// SPDX-License-Identifier: GPL-2.0-or-later
// Wrong: claims every class and then answers every case with "unsupported". It must not be called conforming.

import { answerAlone } from './tamper.mjs';

answerAlone(['processor', 'host', 'system'], () => ({
  error: { code: 1001, message: 'unsupported', data: { reason: 'not written yet' } },
}));
