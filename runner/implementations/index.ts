// SPDX-License-Identifier: GPL-2.0-or-later

import type { Profile } from '../protocol.js';
import type { Implementation } from './implementation.js';
import { HostImplementation, loadHost, MODULE_PREFIX } from './module.js';

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
  if (name.startsWith(MODULE_PREFIX)) {
    return new HostImplementation(await loadHost(name), {
      label: name,
      timeoutFactor: options.timeoutFactor,
    });
  }
  if (!isBuiltIn(name)) {
    const { createStdio } = await import('./stdio/index.js');
    return createStdio(name, options);
  }
  switch (name) {
    case 'reference': {
      const { ReferenceImplementation } = await import('./reference/index.js');
      return new ReferenceImplementation(options.profile ?? 'linux-2.6.29');
    }
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
      return createV86();
    }
    case 'unicorn': {
      const { createUnicorn } = await import('./unicorn/index.js');
      return createUnicorn({ timeoutFactor: options.timeoutFactor });
    }
  }
}
