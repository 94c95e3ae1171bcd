// SPDX-License-Identifier: GPL-2.0-or-later

import * as cProgram from '../c-program.js';

/** The path of the compiled native.c. Throws `CannotStart`. */
export function builtProgram(): Promise<string> {
  return cProgram.builtProgram({
    source: 'native/native.c',
    flags: [
      '-m32',
      '-O1',
      '-static',
      '-fno-pie',
      '-no-pie',
      '-fno-stack-protector',
      '-fcf-protection=none',
      '-Wl,-Ttext-segment=0x70000000',
    ],
    cure:
      'install a C compiler with 32-bit libraries: "apt-get install gcc gcc-multilib" on Debian and Ubuntu, ' +
      '"dnf install gcc glibc-devel.i686 glibc-static.i686" on Fedora',
  });
}
