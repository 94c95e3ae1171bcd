// SPDX-License-Identifier: GPL-2.0-or-later

import { type Probe, type Program, programOf } from '../program.js';
import type { Random } from '../random.js';
import * as probes from './probes.js';

/** Probes in a program, by kind. An error ends its program, so it is alone. */
const KINDS: readonly { make: (random: Random) => Generator<Probe>; perProgram: number }[] = [
  { make: probes.arithmeticProbes, perProgram: 4 },
  { make: probes.stackProbes, perProgram: 4 },
  { make: probes.mmxProbes, perProgram: 4 },
  { make: probes.environmentProbes, perProgram: 8 },
  { make: probes.transcendentalProbes, perProgram: 1 },
  { make: probes.errorProbes, perProgram: 1 },
];

/** Programs of floating point and MMX. Each round has every instruction once or more, with other operands. */
export function* fpuPrograms(random: Random, rounds: number): Generator<Program> {
  for (let round = 0; round < rounds; round++) {
    for (const { make, perProgram } of KINDS) {
      const all = [...make(random)];
      for (let i = 0; i < all.length; i += perProgram) yield programOf(all.slice(i, i + perProgram));
    }
  }
}
