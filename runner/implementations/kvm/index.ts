// SPDX-License-Identifier: GPL-2.0-or-later

import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { messageOf } from '../../message-of.js';
import { PROTOCOL_VERSION } from '../../protocol.js';
import { createCMachine } from '../c-machine.js';
import { CannotStart, type Implementation } from '../implementation.js';
import { probe } from './probe.js';

const SECONDS_FOR_A_CASE = 10;
const DEVICE = '/dev/kvm';

/** The processor under this machine, all privilege levels of it, through Linux' KVM. */
export function createKvm(options: { timeoutFactor?: number } = {}): Implementation {
  return createCMachine({
    label: 'kvm',
    program: {
      source: 'kvm/kvm.c',
      headers: ['machine-wire.h'],
      flags: ['-O1'],
      cure: 'install a C compiler and the headers of the kernel: "apt-get install gcc linux-libc-dev"',
    },
    declaration: {
      protocol_version: PROTOCOL_VERSION,
      implementation: { name: 'kvm', version: 'API 12', language: 'C', homepage: 'https://linux-kvm.org' },
      classes: ['processor'],
      profile: 'linux-2.6.29',
    },
    secondsForACase: SECONDS_FOR_A_CASE * (options.timeoutFactor ?? 1),
    limit: 'time',
    requirements: requireDevice,
    probe,
  });
}

async function requireDevice(): Promise<void> {
  try {
    await access(DEVICE, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw new CannotStart(
      `there is no ${DEVICE} for this user: ${messageOf(error)}`,
      'it needs Linux on a processor with virtualization, the module kvm_intel or kvm_amd, and membership in the group kvm',
    );
  }
}
