// SPDX-License-Identifier: GPL-2.0-or-later

import { MODELS, type ModelName } from '../../../reference/processor/cpuid.js';

/** Whether this is one of the processors of SYS-27. */
export function isModelName(name: string): name is ModelName {
  return Object.hasOwn(MODELS, name);
}
