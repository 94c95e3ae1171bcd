// SPDX-License-Identifier: GPL-2.0-or-later

import { beforeAll, describe, expect, test } from 'vitest';
import { isMap } from '../../cases/case.js';
import { loadSuite } from '../../cases/suite.js';
import { Random } from '../../generate/random.js';
import { ReferenceImplementation } from '../../implementations/reference/index.js';
import type { CaseResult, Profile } from '../../protocol.js';
import type { Comparison, Said } from '../kind.js';
import { type HostFuzzCase, hostRequest, mapIn, originOf } from './case.js';
import { explained } from './errata.js';
import { Guest } from './guest.js';
import { isPossible, makePossible } from './possible.js';

let origins: HostFuzzCase[] = [];

beforeAll(async () => {
  const { cases } = await loadSuite([
    ...['switcher', 'io-emulation', 'page-fault', 'fpu', 'isolation', 'pge', 'shadow-page-tables'],
  ]);
  origins = cases.filter((entry) => entry.class === 'system').flatMap((entry) => originOf(entry) ?? []);
}, 60_000);

/** A case of the suite, changed. */
function caseOf(id: string, change: (entry: HostFuzzCase) => void = () => {}): HostFuzzCase {
  const origin = origins.find((entry) => entry.id === id);
  if (origin === undefined) throw new Error(`there is no case ${id}`);
  const entry = structuredClone(origin);
  change(entry);
  return entry;
}

async function said(
  entry: HostFuzzCase,
  profile: Profile,
  mistake: (result: CaseResult) => void,
): Promise<Said> {
  const implementation = new ReferenceImplementation(profile);
  const request = hostRequest(entry, profile);
  const answer = structuredClone(implementation.run(request));
  if (answer.kind === 'result') mistake(answer.result);
  return { contestant: { implementation, declaration: await implementation.start() }, request, answer };
}

/** What is said of both profiles, the hardened host with a mistake. */
async function comparisonOf(
  entry: HostFuzzCase,
  mistake: (result: CaseResult) => void = () => {},
): Promise<Comparison> {
  const linux = await said(entry, 'linux-2.6.29', () => {});
  return explained(entry, linux, await said(entry, 'hardened', mistake));
}

/** Another EBX than a guest has had. */
function changesEbx({ steps }: CaseResult): void {
  for (const { state } of steps) {
    for (const { regs } of Guest.all(isMap(state) ? state : {}, new Random(1)))
      regs.ebx = Number(regs.ebx) ^ 1;
  }
}

/** NOTIFY, which ends the operation, in the place of what the guests do. */
function doesNothing({ given }: HostFuzzCase): void {
  for (const guest of Guest.all(given, new Random(1))) {
    const at = guest.translate(Number(guest.regs.eip ?? 0xc0010000));
    guest.store(at, [0xb8, 17, 0, 0, 0, 0xcd, 0x1f, 0xeb, 0xfe]);
  }
}

/** Nobody owns the FPU, and CR0.TS is clear. */
function isInconsistent({ given }: HostFuzzCase): void {
  const task = mapIn(mapIn(given, 'host'), 'task');
  task.usedfpu = 0;
}

/** A fault that comes again and again need not do so for long. */
function endsSoon({ steps }: HostFuzzCase): void {
  for (const step of steps) step.max_instructions = 50;
}

const GUESTS: readonly [string, string, (entry: HostFuzzCase) => void][] = [
  ['E-1', 'io-emulation/guest-kernel/in-al-dx', () => {}],
  ['E-3', 'io-emulation/user-code-unmapped-behind-the-host', () => {}],
  ['E-10', 'page-fault/directory-entry-read-only', endsSoon],
  ['E-20', 'fpu/told-from-a-user-program', isInconsistent],
  ['E-20', 'fpu/ts-set-and-cleared', isInconsistent],
  ['E-56', 'switcher/int-of-an-error-code-vector/int-12', () => {}],
  ['E-59', 'switcher/lost-system-call', () => {}],
  ['E-80', 'shadow-page-tables/bits-of-the-processor/write', () => {}],
  ['E-120', 'isolation/task-switch/jump', () => {}],
];

describe('where a guest goes another way', () => {
  test.each(GUESTS)('%s is the cause in %s', async (erratum, id, change) => {
    const comparison = await comparisonOf(caseOf(id, change));
    expect(comparison).toEqual({ kind: 'explained', by: erratum });
  });

  test.each(GUESTS)(
    '%s is no excuse in %s when the guest does not use what it has',
    async (_, id, change) => {
      const entry = caseOf(id, change);
      doesNothing(entry);
      const comparison = await comparisonOf(entry, changesEbx);
      expect(comparison.kind).toBe('compared');
      expect(comparison).toMatchObject({ differences: expect.arrayContaining([expect.anything()]) });
    },
  );
});

test('IN is seen behind an instruction that comes to nothing', async () => {
  const entry = caseOf('isolation/int-n-in-the-kernel/83', ({ given }) => {
    const [guest] = Guest.all(given, new Random(1));
    guest?.store(guest.translate(Number(guest.regs.eip)), [0xec, 0x0f, 0x0b]); // in al, dx; ud2
  });
  expect(await comparisonOf(entry)).toEqual({ kind: 'explained', by: 'E-1' });
});

test('IN is seen also where nothing is executed behind it', async () => {
  const entry = caseOf('isolation/int-n-in-the-kernel/83', ({ given }) => {
    const [guest] = Guest.all(given, new Random(1));
    guest?.store(guest.translate(Number(guest.regs.eip)), [0xec, 0xf0, 0xb8]); // in al, dx; lock mov, which has no such form
  });
  expect(await comparisonOf(entry)).toEqual({ kind: 'explained', by: 'E-1' });
});

test('IN is seen also where its value makes the original harm itself later', async () => {
  const entry = caseOf('isolation/int-n-in-the-kernel/83', ({ given }) => {
    const [guest] = Guest.all(given, new Random(1));
    if (guest === undefined) return;
    // xor eax, eax; in al, dx; test ah, ah; jz over it
    const asks = [0x31, 0xc0, 0xec, 0x84, 0xe4, 0x74, 15];
    // mov dword [0xc00f0c00], 0: the kernel's own directory entry; mov eax, [0xd0000000]
    const goesWild = [0xc7, 5, 0, 0x0c, 0x0f, 0xc0, 0, 0, 0, 0, 0xa1, 0, 0, 0, 0xd0];
    const notifies = [0xb8, 17, 0, 0, 0, 0xcd, 0x1f];
    guest.store(guest.translate(Number(guest.regs.eip)), [...asks, ...goesWild, ...notifies]);
  });
  expect(await comparisonOf(entry)).toEqual({ kind: 'explained', by: 'E-1' });
});

test('a page fault that follows others of the same instruction is seen', async () => {
  const entry = caseOf('page-fault/user-reads-switcher', ({ given }) => {
    const [guest] = Guest.all(given, new Random(1));
    // mov dword [0xc00f0000], 0x8dc5bf6d; push 0x400: the directory's first entry loses its right to write
    const program = [0xc7, 5, 0, 0, 0x0f, 0xc0, 0x6d, 0xbf, 0xc5, 0x8d, 0x68, 0, 4, 0, 0];
    guest?.store(0x20000, program);
  });
  expect(await comparisonOf(entry)).toEqual({ kind: 'explained', by: 'E-10' });
});

test('a sleep that only the original enters is seen also where the interrupt that ends it harms the original', async () => {
  const entry: HostFuzzCase = {
    id: 'asleep',
    class: 'host',
    origin: 'asleep',
    clauses: [],
    given: {
      mem_size: 0x100000,
      lg: { lguest_data: 1, pgdirs: [{ gpgdir: 0, allocated: true }] },
      cpu: { halted: 1 },
      idt: { 32: [0, 0xc0008000] },
      schedule_script: [{ timer: true }],
      freeze_script: [{ irq: 1 }],
    },
    steps: [{ op: 'run_guest' }],
  };
  expect(await comparisonOf(entry)).toEqual({ kind: 'explained', by: 'E-140' });
});

describe('an announced change of a page table', () => {
  /** A page that is accessed, writable and clean. */
  const announced = { op: 'guest_set_pte', guest: 0, args: { vaddr: 0xc0005000, gpte: 0x5027 } };

  test('has its erratum without a guest that runs', async () => {
    const entry = caseOf('isolation/int-n-in-the-kernel/83', (changed) => {
      changed.steps = [announced];
    });
    expect(await comparisonOf(entry)).toEqual({ kind: 'explained', by: 'E-80' });
  });

  test('is seen also where a later fault makes the shadow the same again', async () => {
    const entry = caseOf('page-fault/user-reads-switcher', ({ given }) => {
      const [guest] = Guest.all(given, new Random(1));
      if (guest === undefined) return;
      guest.regs.cs = 0x61;
      guest.regs.ss = 0x69;
      guest.regs.eip = 0xc0010000;
      // SET_PTE of this very page: not present, with A and D; then a read of address 0, which ends the guest
      const call = [0xb8, 14, 0, 0, 0, 0xba, 0, 0, 0x0f, 0, 0xbb, 0, 0, 1, 0xc0, 0xb9, 0x66, 0x60, 6, 0];
      guest.store(0x10000, [...call, 0xcd, 0x1f, 0xa1, 0, 0, 0, 0x80]);
    });
    expect(await comparisonOf(entry)).toEqual({ kind: 'explained', by: 'E-81' });
  });

  test('is no excuse for what happens to another guest', async () => {
    const entry = caseOf('isolation/refused/switcher-code', (changed) => {
      changed.steps = [{ ...announced, guest: 1 }];
    });
    const spoils = ({ steps }: CaseResult): void => {
      for (const { state } of steps) {
        const [other] = Guest.all(isMap(state) ? state : {}, new Random(1));
        if (other !== undefined) other.regs.ebx = 1;
      }
    };
    expect((await comparisonOf(entry)).kind).toBe('explained');
    expect(await comparisonOf(entry, spoils)).toMatchObject({ kind: 'compared' });
  });
});

describe('a guest that runs', () => {
  const run = { op: 'run_guest' };
  const initialise = { op: 'lguest_arch_host_init' };
  const remove = { op: 'lguest_arch_host_fini' };

  test('runs on a host that is initialised', () => {
    const entry = caseOf('pge/without-the-feature', (changed) => {
      changed.steps = [run];
    });
    expect(isPossible(entry)).toBe(false);
    makePossible(entry, new Random(1));
    expect(entry.steps).toEqual([initialise, run]);
    expect(isPossible(entry)).toBe(true);
  });

  test('does not run after the module has been removed', () => {
    const entry = caseOf('pge/load-run-unload', (changed) => {
      changed.steps = [initialise, run, remove, run];
    });
    expect(isPossible(entry)).toBe(false);
    makePossible(entry, new Random(1));
    expect(entry.steps).toEqual([initialise, run, remove]);
    expect(isPossible(entry)).toBe(true);
  });

  test('runs on a host that has been initialised once', () => {
    const entry = caseOf('pge/load-run-unload', (changed) => {
      changed.steps = [initialise, initialise, run];
    });
    expect(isPossible(entry)).toBe(false);
    makePossible(entry, new Random(1));
    expect(entry.steps).toEqual([initialise, run]);
    expect(isPossible(entry)).toBe(true);
  });

  test('is asked whether it is alive when something has been done to it', () => {
    const enter = { op: 'lguest_arch_run_guest' };
    const entry = caseOf('pge/two-guests-in-turn', (changed) => {
      changed.steps = [initialise, { ...enter, guest: 1 }, enter, { ...enter, guest: 1 }];
    });
    expect(isPossible(entry)).toBe(false);
    makePossible(entry, new Random(1));
    expect(entry.steps).toEqual([initialise, { ...enter, guest: 1 }, enter, { ...run, guest: 1 }]);
    expect(isPossible(entry)).toBe(true);
  });

  test('runs on a processor that has what the host thinks it has', () => {
    const entry = caseOf('isolation/privileged/sysenter-kernel', ({ given }) => {
      mapIn(given, 'host').feature_sep = 0;
    });
    expect(isPossible(entry)).toBe(false);
    makePossible(entry, new Random(1));
    expect(mapIn(entry.given, 'host')).toEqual({});
    expect(isPossible(entry)).toBe(true);
  });

  test('finds CR4.PGE on only where initialisation is still to turn it off', () => {
    const possible = caseOf('pge/load-run-unload');
    expect(isPossible(possible)).toBe(true);
    const entry = caseOf('pge/load-run-unload', ({ given }) => {
      mapIn(given, 'host').initialised = true;
    });
    expect(isPossible(entry)).toBe(false);
    makePossible(entry, new Random(1));
    expect(mapIn(entry.given, 'host').cr4).toEqual([0x658, 0x610]);
    expect(isPossible(entry)).toBe(true);
  });
});
