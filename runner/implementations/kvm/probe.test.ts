// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, it } from 'vitest';
import type { MachineCase } from '../bare-machine.js';
import { CannotStart } from '../implementation.js';
import { probe } from './probe.js';

type Ended = { status: 'hlt' | 'limit' | 'shutdown'; eip: number };

const HANDLER_OF_30 = 0x3000 + 4 * 0x30;

/** A machine that ends as `level3` says in the case of privilege level 3, and as `paged` says in the one with paging. */
function machine(level3: Ended, paged: Ended) {
  return async ({ registers }: MachineCase) => {
    const { status, eip } = (registers.cs.selector & 3) === 3 ? level3 : paged;
    return { status, registers: { ...registers, eip } };
  };
}

const DELIVERED: Ended = { status: 'hlt', eip: HANDLER_OF_30 + 1 };
const EXECUTED: Ended = { status: 'hlt', eip: 0x8002 };

async function refusal(found: Promise<void>): Promise<CannotStart> {
  const error: unknown = await found.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof CannotStart)) throw new Error(`not declined: ${String(error)}`);
  return error;
}

describe('the probe of KVM', () => {
  it('accepts a machine that delivers INT from level 3 and runs with paging on', async () => {
    await expect(probe(machine(DELIVERED, EXECUTED))).resolves.toBeUndefined();
  });

  it('declines one that raises #UD for INT n at level 3, and says what it saw and what to use', async () => {
    const ud = { status: 'hlt', eip: 0x3000 + 4 * 6 + 1 } as const;
    const { message, cure } = await refusal(probe(machine(ud, EXECUTED)));
    expect(message).toContain('INT 30h from privilege level 3 ended in hlt at 3019h, not in hlt at 30c1h');
    expect(cure).toContain('--impl bochs');
  });

  it('declines one that shuts down when paging is on', async () => {
    const { message } = await refusal(probe(machine(DELIVERED, { status: 'shutdown', eip: 0x8000 })));
    expect(message).toContain('NOP and HLT with paging on ended in shutdown at 8000h');
  });

  it('declines one whose program dies', async () => {
    const dies = () => Promise.reject(new Error('the program ended with SIGSEGV'));
    const { message } = await refusal(probe(dies));
    expect(message).toContain('INT 30h from privilege level 3 ended in the program ended with SIGSEGV');
  });
});
