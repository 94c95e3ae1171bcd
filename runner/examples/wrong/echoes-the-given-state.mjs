// SPDX-License-Identifier: GPL-2.0-or-later
// Wrong: does nothing at all and hands the given state back as the result.

import { answerAlone } from './tamper.mjs';

answerAlone(['processor', 'host', 'system'], ({ given, steps, class: className }) => ({
  result: {
    steps: steps.map(() => ({
      outcome: { stop: className === 'processor' ? 'hlt' : 'ok' },
      state: className === 'processor' ? { ...given, io: [] } : given,
      events: [],
    })),
  },
}));
