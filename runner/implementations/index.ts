// SPDX-License-Identifier: GPL-2.0-or-later

import type { Profile } from '../protocol.js';
import type { Implementation } from './implementation.js';

/** The implementations that come along, by name. Any other name is the command line of a program. */
export const BUILT_IN = ['reference', 'qemu', 'native', 'bochs', 'v86', 'unicorn', 'kvm'] as const;
type BuiltIn = (typeof BUILT_IN)[number];

export interface ImplementationOptions {
  profile: Profile | undefined;
  /** Multiplies every time limit. */
  timeoutFactor: number;
}

export function isBuiltIn(name: string): name is BuiltIn {
  return (BUILT_IN as readonly string[]).includes(name);
}

/** Loads only what is asked for. */
export async function createImplementation(
  name: string,
  options: ImplementationOptions,
): Promise<Implementation> {
  if (!isBuiltIn(name)) {
    const { createStdio } = await import('./stdio/index.js');
    return createStdio(name, { timeoutFactor: options.timeoutFactor });
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
