// SPDX-License-Identifier: GPL-2.0-or-later

import type { Profile } from '../protocol.js';
import type { Implementation } from './implementation.js';
import { HostImplementation, loadHost, MODULE_PREFIX } from './module.js';
import type { Telling } from './reference/telling.js';

/** Whether an implementation is made of JavaScript and can be had in this process. */
export function canBeInProcess(name: string): boolean {
  return name === 'reference' || name.startsWith(MODULE_PREFIX);
}

/**
 * The reference, or the host of a module, in this process. The host has a profile of its own.
 * @param telling how the reference tells states
 */
export async function createInProcess(
  name: string,
  profile: Profile,
  telling: Telling = 'whole',
): Promise<Implementation> {
  if (name.startsWith(MODULE_PREFIX)) return new HostImplementation(await loadHost(name), { label: name });
  const { ReferenceImplementation } = await import('./reference/index.js');
  return new ReferenceImplementation(profile, telling);
}
