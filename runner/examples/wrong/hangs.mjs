// SPDX-License-Identifier: GPL-2.0-or-later
// Wrong: never answers a case.

import { answerAlone } from './tamper.mjs';

answerAlone(['processor', 'host', 'system'], () => undefined);
