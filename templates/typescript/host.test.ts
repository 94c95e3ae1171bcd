// SPDX-License-Identifier: GPL-2.0-or-later

import { conformance } from 'lguest-conformance/vitest';
import host from './host.ts';

await conformance({ host, cases: ['initial-registers'] });
