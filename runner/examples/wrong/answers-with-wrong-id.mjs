// SPDX-License-Identifier: GPL-2.0-or-later
// Wrong: counts its answers itself instead of copying the request's id.

import { tamper } from './tamper.mjs';

tamper((answer, request) => (request.method === 'run_case' ? { ...answer, id: answer.id + 1000 } : answer));
