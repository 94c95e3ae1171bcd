// SPDX-License-Identifier: GPL-2.0-or-later
// Wrong: valid JSON-RPC around something that is not a case's result.

import { answerAlone } from './tamper.mjs';

answerAlone(['processor', 'host', 'system'], () => ({ result: { steps: 'all fine' } }));
