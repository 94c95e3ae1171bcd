// SPDX-License-Identifier: GPL-2.0-or-later

import { PROTOCOL_VERSION } from '../../protocol.js';
import { createCMachine } from '../c-machine.js';
import type { Implementation } from '../implementation.js';
import { composeDelivery } from './compose.js';

const SECONDS_FOR_A_CASE = 10;

/** As measured; every choice that is not here has its first value. */
const CHOICES = {
  accessed_on_fault: 'directory',
  cmps_order: 'destination_first',
  enter_fault: 'stored',
  popa_fault: 'popped',
};

/** The Unicorn engine, a library made of QEMU's code translator, driven by a C program that is built here. */
export function createUnicorn(options: { timeoutFactor?: number } = {}): Implementation {
  return createCMachine({
    label: 'unicorn',
    program: {
      source: 'unicorn/unicorn.c',
      headers: ['machine-wire.h'],
      flags: ['-O1'],
      libraries: ['-lunicorn'],
      cure:
        'install a C compiler and the Unicorn engine, version 2.0: "apt-get install gcc libunicorn-dev" on Debian and ' +
        'Ubuntu, "dnf install gcc unicorn-devel" on Fedora',
    },
    declaration: {
      protocol_version: PROTOCOL_VERSION,
      implementation: {
        name: 'unicorn',
        version: '2.0',
        language: 'C',
        homepage: 'https://www.unicorn-engine.org',
      },
      classes: ['processor'],
      profile: 'linux-2.6.29',
      features: [
        'exceptions are reported by the engine; their delivery through the IDT is composed from the case',
      ],
      choices: CHOICES,
    },
    secondsForACase: SECONDS_FOR_A_CASE * (options.timeoutFactor ?? 1),
    limit: 'counted',
    composed: composeDelivery,
  });
}
