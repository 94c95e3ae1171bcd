// SPDX-License-Identifier: GPL-2.0-or-later

import type { KernelImage } from '../../../reference/launcher/kernel-image.js';
import { USUAL_CLOCK } from '../../../reference/launcher/model-time.js';
import { Session, type SessionEnd, type SessionOptions } from '../session.js';
import { NO_INPUT } from '../terminal.js';

/** What a test boots: an image, and what differs from the usual. */
export type BootedInMemory = Partial<SessionOptions> & { image: KernelImage };

const TYPED = { at: 0, input: Buffer.from('typed text\n') };

/** Boots an image in 4 MiB, with a line of input; gives what was printed, and the end. */
export async function bootInMemory(options: BootedInMemory): Promise<{ text: string; end: SessionEnd }> {
  let text = '';
  const session = new Session({
    profile: 'linux-2.6.29',
    memory: 0x400000,
    commandLine: '',
    disks: [],
    random: false,
    seed: 1,
    clock: USUAL_CLOCK,
    maxInstructions: 10_000_000,
    realtime: false,
    source: NO_INPUT,
    planned: [TYPED],
    warn: () => {},
    ...options,
    print: (bytes) => {
      text += Buffer.from(bytes).toString('latin1');
    },
  });
  return { end: await session.run(), text };
}
