// SPDX-License-Identifier: GPL-2.0-or-later

/** A host that breaks its promises on purpose: the guard must find out, and name the promise. */

import { describe, expect, it } from 'vitest';
import { writeEntry } from '../../../reference/host/descriptors.js';
import { IsolationGuard } from '../../../reference/host/isolation.js';
import type { Profile } from '../../../reference/host/kernel.js';
import { Physical, State, statePhysical, Tss } from '../../../reference/host/layout.js';
import { runGuest } from '../../../reference/host/run-loop.js';
import { pgdirOf, switcherPtePage } from '../../../reference/host/shadow-page-tables.js';
import { createProcessor } from '../../../reference/processor/index.js';
import { buildMachine, type HostMachine } from './host-machine.js';
import { SystemWorld } from './system-world.js';

const PAGE_TABLE = 0x2000;
const CODE = 0x3000;

/** Two guests of six pages each, mapped at 0, of which the last one is read-only; their program notifies 1234h. */
const GUEST = {
  mem_size: 0x6000,
  lg: { pfn_limit: 6, mem_base: 0x10000000, lguest_data: 0, pgdirs: [{ gpgdir: 0x1000, allocated: true }] },
  memory: [
    { at: 0x1000, hex: '67200000' },
    { at: PAGE_TABLE, hex: '670000006710000067200000673000006740000067500000' },
    { at: CODE, hex: 'ba34120000b811000000cd1f' },
  ],
  shadow: {
    pde: [{ pgdir: 0, vaddr: 0, flags: 0x67 }],
    pte: [{ pgdir: 0, vaddr: CODE, flags: 0x67, guest_pfn: 3 }],
  },
  page_access: [{ guest_pfn: 5, access: 'readonly' }],
  vcpus: [
    {
      regs: { cs: 0x61, ss: 0x69, ds: 0x69, es: 0x69, eflags: 0x202, eip: CODE },
      gdt: { '12': [0xffff, 0x00cfbb00], '13': [0xffff, 0x00cfb300] },
    },
  ],
};
const GIVEN = {
  guests: [
    { ...GUEST, lg: { ...GUEST.lg, lguest_data: 0x4000 } },
    { ...GUEST, lg: { ...GUEST.lg, mem_base: 0x20000000 } },
  ],
};

type Sabotage = (machine: HostMachine) => void;

/** Runs the first guest, several times if so asked. `before` is done when all is ready for it, `within` before its first instruction. */
function run(
  before: Sabotage,
  within: Sabotage = () => {},
  profile: Profile = 'hardened',
  times = 1,
): number {
  const world = new SystemWorld(GIVEN);
  let sabotaged = false;
  const machine: HostMachine = buildMachine(GIVEN, profile, 'system', world, (memory, registers) => {
    const processor = createProcessor(memory, undefined, {
      boundary(cpl, linear, eflags, cr3) {
        if (cpl > 0 && !sabotaged) {
          sabotaged = true;
          within(machine);
        }
        guard.boundary(cpl, linear, eflags, cr3);
      },
    });
    processor.setRegisters(registers);
    return processor;
  });
  const guard = new IsolationGuard(machine.host);
  machine.host.guard = guard;
  machine.kernel.observer = {
    note: () => {},
    event: (event) => event.e === 'switch_to_guest' && before(machine),
  };
  const [cpu] = machine.guests[0]?.cpus ?? [];
  if (cpu === undefined) throw new Error('there is no virtual CPU');
  world.beginStep(machine.kernel, cpu, {});
  let result = 0;
  for (let time = 0; time < times; time++) {
    cpu.pending_notify = 0;
    cpu.regs.eip = CODE;
    result = runGuest(cpu);
  }
  return result;
}

const nothing: Sabotage = () => {};
const state = (at: number) => statePhysical(0) + at;
const segment = (index: number, a: number, b: number): Sabotage => {
  return ({ host }) => writeEntry(host.memory, state(State.guest_gdt), index, { a, b });
};
const gate = (vector: number, a: number, b: number): Sabotage => {
  return ({ host }) => writeEntry(host.memory, state(State.guest_idt), vector, { a, b });
};
const write = (at: number, value: number): Sabotage => {
  return ({ host }) => host.memory.write32(at, value);
};
const windowEntry = (index: number, value: number) => write(switcherPtePage(0) + index * 4, value);

function directoryOf({ guests }: HostMachine): number {
  const slot = guests[0]?.pgdirs[0];
  if (slot === undefined) throw new Error('there is no slot');
  return pgdirOf(slot);
}
const directoryEntry = (index: number, change: (entry: number) => number): Sabotage => {
  return (machine) => {
    const at = directoryOf(machine) + index * 4;
    machine.host.memory.write32(at, change(machine.host.memory.read32(at)));
  };
};
/** An entry of the table of the first 4 MiB. */
const tableEntry = (index: number, value: number): Sabotage => {
  return (machine) => {
    const { memory } = machine.host;
    memory.write32((memory.read32(directoryOf(machine)) & 0xfffff000) + index * 4, value);
  };
};

const OWN_FRAME = Physical.guestMemory >>> 12;
const NEIGHBOUR = Physical.guestMemory + 0x6000;

describe('a host that keeps its promises', () => {
  it('is left alone', () => {
    expect(run(nothing)).toBe(4);
  });
});

describe('a host that has made a mistake before the guest runs', () => {
  it.each<[string, string, Sabotage]>([
    ['ISO-2', "the host's page in the shadow", tableEntry(1, 0x00500067)],
    ['ISO-2', "the neighbour's page in the shadow", tableEntry(1, NEIGHBOUR | 0x67)],
    ['ISO-2', 'the page after the guest in the shadow, read-only', tableEntry(1, NEIGHBOUR | 0x25)],
    ['ISO-2', 'the page before the guest in the shadow', tableEntry(1, ((OWN_FRAME - 1) << 12) | 0x67)],
    ['ISO-3', 'a page that the launcher may not write', tableEntry(5, ((OWN_FRAME + 5) << 12) | 0x67)],
    ['ISO-4', 'a large page', directoryEntry(0, (entry) => entry | 0x80)],
    [
      'ISO-4',
      'a shadow table in guest memory',
      directoryEntry(0, () => Physical.guestMemory + PAGE_TABLE + 0x67),
    ],
    ['ISO-5', 'a window for programs', directoryEntry(1023, (entry) => entry | 4)],
    ['ISO-5', "another CPU's window", directoryEntry(1023, () => switcherPtePage(1) | 0x163)],
    ['ISO-5', 'a writable Switcher', windowEntry(0, Physical.switcherText | 0x23)],
    ['ISO-5', 'a Switcher that programs can read', windowEntry(0, Physical.switcherText | 0x25)],
    ['ISO-5', 'a writable state page', windowEntry(2, statePhysical(0) | 0x23)],
    ['ISO-5', "another CPU's state page", windowEntry(4, statePhysical(1) | 0x21)],
    ['ISO-5', 'a page of the host in the window', windowEntry(9, Physical.hostIdt | 0x21)],
    ['ISO-9', 'a code segment of level 0', segment(5, 0xffff, 0x00cf9b00)],
    ['ISO-9', "another segment in the place of the Switcher's", segment(10, 0xffff, 0x00cfbb00)],
    ['ISO-9', 'another data segment', segment(11, 0xffff, 0x00cff300)],
    ['ISO-9', 'another TSS', segment(16, 0x02000067, 0xc0008902)],
    ['ISO-9', 'a task for double faults', segment(31, 0x02000067, 0xc000e902)],
    ['ISO-10', 'a TSS of the guest', segment(5, 0x02000067, 0xc000e902)],
    ['ISO-10', 'a call gate', segment(5, 0x00500000, 0xffc0ec00)],
    ['ISO-11', 'a trap gate to the Switcher', gate(6, 0x00500060, 0xffc08f00)],
    ['ISO-11', 'a task gate', gate(6, 0x00280000, 0x0000e500)],
    ['ISO-11', 'an interrupt gate to the guest', gate(6, 0x00613060, 0xc000ee00)],
    ['ISO-11', 'a trap gate for page faults', gate(14, 0x00613060, 0xc000ef00)],
    ['ISO-11', 'a trap gate for a device', gate(0x21, 0x00613060, 0xc000ef00)],
    [
      'ISO-11',
      'a gate of a device that programs may use',
      ({ host }) => {
        const at = state(State.guest_idt) + 0x21 * 8 + 4;
        host.memory.write32(at, host.memory.read32(at) | 0x6000);
      },
    ],
    ['ISO-13', 'another stack for level 0', write(state(State.guest_tss + Tss.sp0), 0xc0005000)],
    ['ISO-13', 'another stack segment for level 0', write(state(State.guest_tss + Tss.ss0), 0x68)],
    [
      'ISO-14',
      'an I/O map',
      ({ host }) => host.memory.write16(state(State.guest_tss + Tss.io_bitmap_base), 0x20),
    ],
    [
      'ISO-6',
      'PGE on',
      ({ kernel }) => {
        const registers = kernel.processor().registers();
        kernel.processor().setRegisters({ ...registers, cr4: registers.cr4 | 0x80 });
      },
    ],
    [
      'ISO-12',
      'SYSENTER on',
      ({ kernel }) => {
        const registers = kernel.processor().registers();
        kernel.processor().setRegisters({ ...registers, sysenter_cs: 0x60 });
      },
    ],
    [
      'ISO-16',
      'interrupts off',
      ({ guests }) => {
        const regs = guests[0]?.cpus[0]?.regs;
        if (regs !== undefined) regs.eflags = 0x2;
      },
    ],
    [
      'ISO-16',
      'I/O privileges',
      ({ guests }) => {
        const regs = guests[0]?.cpus[0]?.regs;
        if (regs !== undefined) regs.eflags = 0x3202;
      },
    ],
    [
      'ISO-8',
      'a guest at level 0',
      ({ guests }) => {
        const regs = guests[0]?.cpus[0]?.regs;
        if (regs !== undefined) regs.cs = 0x50;
      },
    ],
  ])('%s: %s', (clause, _, sabotage) => {
    expect(() => run(sabotage)).toThrow(`${clause} is broken`);
  });
});

describe('memory that changes while the guest runs', () => {
  it.each<[string, Sabotage]>([
    ['a page that is in use', write(Physical.hostGdt + 0x10, 1)],
    ['a page that was not in use', write(Physical.hostIdt + 0x10, 1)],
    ["the Switcher's code", write(Physical.switcherText, 1)],
    ['the state page', write(statePhysical(0) + 0xff0, 1)],
    ["the neighbour's memory", write(NEIGHBOUR + CODE, 1)],
    ["another virtual CPU's registers", write(Physical.virtualCpus + 0x3fb8, 1)],
    ['more than the accessed bit in the shadow', tableEntry(3, (OWN_FRAME + 3) * 0x1000 + 0x65)],
  ])('ISO-1: %s', (_, sabotage) => {
    expect(() => run(nothing, sabotage)).toThrow('ISO-1 is broken');
  });

  it.each<[string, Sabotage]>([
    ["the guest's memory", write(Physical.guestMemory + 0x10, 1)],
    ["the guest's registers page", write(Physical.virtualCpus + 0x1000, 1)],
    ['accessed and dirty bits of the shadow', tableEntry(3, (OWN_FRAME + 3) * 0x1000 + 0x07)],
  ])('but not %s', (_, sabotage) => {
    expect(run(nothing, sabotage)).toBe(4);
  });
});

describe('a host that makes its mistake between two visits', () => {
  it.each<[string, string, Sabotage]>([
    ['ISO-2', "the neighbour's page in the shadow", tableEntry(1, NEIGHBOUR | 0x67)],
    ['ISO-4', 'a large page', directoryEntry(0, (entry) => entry | 0x80)],
    ['ISO-5', 'a page of the host in the window', windowEntry(9, Physical.hostIdt | 0x21)],
    ['ISO-9', 'a code segment of level 0', segment(5, 0xffff, 0x00cf9b00)],
    ['ISO-11', 'a task gate', gate(6, 0x00280000, 0x0000e500)],
    ['ISO-13', 'another stack for level 0', write(state(State.guest_tss + Tss.sp0), 0xc0005000)],
  ])('%s: %s', (clause, _, sabotage) => {
    let visits = 0;
    const secondTime: Sabotage = (machine) => {
      if (++visits === 2) sabotage(machine);
    };
    expect(() => run(secondTime, nothing, 'hardened', 2)).toThrow(`${clause} is broken`);
  });

  it('and none is found where there is none', () => {
    expect(run(nothing, nothing, 'hardened', 3)).toBe(4);
  });
});

describe('the profile of the original', () => {
  it('leaves system descriptors in the table', () => {
    expect(run(segment(5, 0x02000067, 0xc000e902), nothing, 'linux-2.6.29')).toBe(4);
  });

  it("does not ask for the launcher's rights", () => {
    expect(run(tableEntry(5, ((OWN_FRAME + 5) << 12) | 0x67), nothing, 'linux-2.6.29')).toBe(4);
  });
});

describe('a guest that is on the way', () => {
  it('must not have other page tables', () => {
    const elsewhere: Sabotage = ({ host }) =>
      host.guard instanceof IsolationGuard && host.guard.boundary(1, CODE, 0x202, 0x00101000);
    expect(() => run(nothing, elsewhere)).toThrow('ISO-2 is broken');
  });
});
