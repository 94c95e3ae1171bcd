// SPDX-License-Identifier: GPL-2.0-or-later

import type { Profile } from '../protocol.js';
import type { Implementation } from './implementation.js';
import { canBeInProcess, createInProcess } from './in-process.js';
import { MODULE_PREFIX } from './module.js';

/** The implementations that come along, by name. `module:` begins the name of a module; all else is a command line. */
export const BUILT_IN = ['reference', 'qemu', 'native', 'bochs', 'v86', 'unicorn', 'kvm'] as const;
type BuiltIn = (typeof BUILT_IN)[number];

export interface ImplementationOptions {
  profile: Profile | undefined;
  /** Multiplies every time limit. */
  timeoutFactor: number;
  /** Where an implementation listens that somebody has started; then the name is not used. */
  connect?: string;
  /** No time limit for a case, where somebody sits at the other end of a connection. */
  unhurried?: boolean;
  /** Requests that a program may leave unanswered. */
  window?: number;
  /** Address space of a program, in KiB. */
  memoryKib?: number;
  /** In a process of its own, also what could be had in this one. */
  isolated?: boolean;
  /** The answers are compared and not shown: what is as it was before may be told by the object that was given. */
  onlyJudged?: boolean;
}

export function isBuiltIn(name: string): name is BuiltIn {
  return (BUILT_IN as readonly string[]).includes(name);
}

/** Loads only what is asked for. */
export async function createImplementation(
  name: string,
  options: ImplementationOptions,
): Promise<Implementation> {
  if (options.connect !== undefined) {
    const { createConnected } = await import('./stdio/index.js');
    return createConnected(options.connect, options);
  }
  // A module may hang or fall, which only a process of its own survives.
  if (name.startsWith(MODULE_PREFIX) || (canBeInProcess(name) && options.isolated === true)) {
    const { createServed } = await import('./stdio/served.js');
    return createServed(name, options);
  }
  if (!isBuiltIn(name)) {
    const { createStdio } = await import('./stdio/index.js');
    return createStdio(name, options);
  }
  switch (name) {
    case 'reference':
      return createInProcess(
        name,
        options.profile ?? 'linux-2.6.29',
        options.onlyJudged === true ? 'shared' : 'whole',
      );
    case 'qemu': {
      const { createQemu } = await import('./qemu/index.js');
      return createQemu({ timeoutFactor: options.timeoutFactor });
    }
    case 'native': {
      const { createNative } = await import('./native/index.js');
      return createNative();
    }
    case 'bochs': {
      const { createBochs } = await import('./bochs/index.js');
      return createBochs({ timeoutFactor: options.timeoutFactor });
    }
    case 'kvm': {
      const { createKvm } = await import('./kvm/index.js');
      return createKvm({ timeoutFactor: options.timeoutFactor });
    }
    case 'v86': {
      const { createV86 } = await import('./v86/index.js');
      return createV86({ timeoutFactor: options.timeoutFactor });
    }
    case 'unicorn': {
      const { createUnicorn } = await import('./unicorn/index.js');
      return createUnicorn({ timeoutFactor: options.timeoutFactor });
    }
  }
}
