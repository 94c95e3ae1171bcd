// SPDX-License-Identifier: GPL-2.0-or-later

import { CONTROL_REGISTERS, GENERAL_REGISTERS, SEGMENT_REGISTERS, SYSENTER_REGISTERS } from '../protocol.js';

/** State paths of class processor without the attributes of segment registers, for those that cannot report them. */
export const WITHOUT_ATTRIBUTES: readonly string[] = [
  ...[...GENERAL_REGISTERS, ...CONTROL_REGISTERS, ...SYSENTER_REGISTERS, 'eip', 'eflags', 'gdtr', 'idtr'].map(
    (name) => `registers.${name}`,
  ),
  ...SEGMENT_REGISTERS.flatMap((name) =>
    ['selector', 'base', 'limit'].map((part) => `registers.${name}.${part}`),
  ),
  'memory',
  'io',
];
