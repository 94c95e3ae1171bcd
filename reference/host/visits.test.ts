// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, it } from 'vitest';
import { createProcessor, PhysicalMemory, type RunLimits } from '../processor/index.js';
import { writeEntry } from './descriptors.js';
import { GuestRunsOn, TripleFault } from './host-code.js';
import { lguestArchHostInit } from './host-initialisation.js';
import { lguestArchSetupRegs } from './initial-registers.js';
import { Kernel } from './kernel.js';
import { LauncherMemory } from './launcher-memory.js';
import { CR4_PGE, kernelVirtual, PAGE_SIZE, Physical, State, statePhysical } from './layout.js';
import { bootMachine, hostRegisters } from './machine.js';
import { runGuest } from './run-loop.js';
import { Host, LgCpu, Lguest } from './state.js';
import { SWITCHER_IMAGE } from './switcher-image.js';

/** The guest's memory: 64 KiB, its page directory and one page table at the end, its code at 1000h. */
const MEMORY_SIZE = 0x10000;
const PAGE_DIRECTORY = 0xf000;
const PAGE_TABLE = 0xe000;
const LGUEST_DATA = 0x8000;
const CODE = 0x1000;
const STACK_TOP = 0x3000;
const IN_KERNEL = 0xc0000000;

/** mov eax, 17; int 1Fh: NOTIFY with the value in EDX. */
const NOTIFY = 'b811000000 cd1f';

class TestHost {
  readonly kernel: Kernel;
  readonly host: Host;
  private guests = 0;
  /** Guest instructions until the host's timer interrupts. */
  timeSlice = 1000;

  constructor() {
    const memory = new PhysicalMemory(0x02000000);
    const processors = [0, 1].map((hostCpu) => {
      const processor = createProcessor(memory);
      const registers = hostRegisters(hostCpu, Physical.launcherPgd);
      processor.setRegisters({ ...registers, cr4: registers.cr4 | CR4_PGE });
      return processor;
    });
    this.kernel = new Kernel(memory, processors, {
      schedule: () => this.raiseSignal(),
      random32: () => 0,
      runLimits: () => this.limits(),
      hostInterrupt: () => this.raiseSignal(),
      interruptsOn: () => undefined,
      waitForRelease: () => false,
      freeze: () => undefined,
      timerStarted: () => undefined,
    });
    this.host = new Host(this.kernel, 'linux-2.6.29');
    this.host.start_switcher_text = SWITCHER_IMAGE.start_switcher_text;
    this.host.switch_to_guest = SWITCHER_IMAGE.switch_to_guest;
    this.host.default_idt_entries.set(SWITCHER_IMAGE.default_idt_entries);
    bootMachine(this.host, Physical.launcherPgd);
    lguestArchHostInit(this.host);
  }

  private raiseSignal(): void {
    this.kernel.signal_pending = true;
  }

  private limits(): RunLimits {
    const events = [{ counter: 'outer', after: this.timeSlice, vector: 0xef } as const];
    return { instructions: 100_000, outerInstructions: this.timeSlice + 100, events };
  }

  /** A guest with its memory mapped at 0 and at C0000000h, and this code. */
  addGuest(hex: string): LgCpu {
    const { memory } = this.kernel;
    const physical = Physical.guestMemory + this.guests * MEMORY_SIZE;
    const launcher = new LauncherMemory(memory, 0x10000000, physical, MEMORY_SIZE);
    const lg = new Lguest(this.host, launcher);
    lg.pfn_limit = MEMORY_SIZE / PAGE_SIZE;
    lg.kernel_address = IN_KERNEL;
    lg.lguest_data = launcher.mem_base + LGUEST_DATA;
    lg.pgdirs[0] = { gpgdir: PAGE_DIRECTORY, pgdir: this.kernel.takePage() };
    memory.load(physical + LGUEST_DATA + 20, new Uint8Array(64).fill(0xff));
    for (let page = 0; page < lg.pfn_limit; page++) {
      memory.write32(physical + PAGE_TABLE + page * 4, (page << 12) | 0x67);
    }
    memory.write32(physical + PAGE_DIRECTORY, PAGE_TABLE | 0x67);
    memory.write32(physical + PAGE_DIRECTORY + 0xc00, PAGE_TABLE | 0x67);
    memory.load(physical + CODE, Buffer.from(hex.replaceAll(' ', ''), 'hex'));

    const cpu = new LgCpu(lg, Physical.virtualCpus + this.guests * 2 * PAGE_SIZE);
    lg.cpus.push(cpu);
    lguestArchSetupRegs(cpu, IN_KERNEL + CODE);
    cpu.regs.esp = IN_KERNEL + STACK_TOP;
    this.guests++;
    return cpu;
  }

  /** What read() returns on a host CPU, as if the launcher had taken the last notification. */
  read(cpu: LgCpu, hostCpu = 0): number {
    this.kernel.host_cpu = hostCpu;
    this.kernel.beginOperation();
    cpu.pending_notify = 0;
    return runGuest(cpu);
  }
}

describe('guests on the processor model', () => {
  it('runs guest code to a hypercall and comes back', () => {
    const machine = new TestHost();
    const cpu = machine.addGuest(`ba34120000 ${NOTIFY}`); // mov edx, 1234h
    expect(machine.read(cpu)).toBe(4);
    expect(machine.kernel.user_buffer).toBe(0x1234);
    expect(cpu.regs.eip).toBe(IN_KERNEL + CODE + 12);
  });

  it('keeps two guests apart that take turns on two CPUs', () => {
    const machine = new TestHost();
    // again: inc ecx; mov edx, ecx; NOTIFY; jmp again
    const code = `41 89ca ${NOTIFY} ebf4`;
    const guests = [machine.addGuest(code), machine.addGuest(code)];
    guests.forEach((cpu, index) => {
      cpu.regs.write('ecx', index * 0x100);
    });
    const seen: (number | null)[] = [];
    for (const [guest, hostCpu] of [
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 0],
      [0, 0],
      [1, 1],
    ] as const) {
      const cpu = guests[guest];
      if (cpu === undefined) throw new Error('there are two guests');
      expect(machine.read(cpu, hostCpu)).toBe(4);
      seen.push(machine.kernel.user_buffer);
    }
    expect(seen).toEqual([1, 0x101, 2, 0x102, 3, 0x103]);
  });

  it('lets a host interrupt end the time slice, through the handler of the host', () => {
    const machine = new TestHost();
    const cpu = machine.addGuest('ebfe'); // jmp $
    expect(machine.read(cpu)).toBe(-512);
    expect(machine.kernel.events).toContainEqual({ e: 'host_interrupt', vector: 0xef });
    expect(cpu.regs.trapnum).toBe(0xef);
  });

  it('says so when a guest takes no interrupts and does not stop', () => {
    const machine = new TestHost();
    const cpu = machine.addGuest('ebfe');
    cpu.regs.eflags = 0x2;
    expect(() => machine.read(cpu)).toThrow(GuestRunsOn);
  });

  it('says so when the machine would reset', () => {
    const machine = new TestHost();
    const cpu = machine.addGuest('ebfe');
    machine.kernel.memory.write16(statePhysical(0) + State.guest_gdt_desc, 0); // LTR then has no descriptor to load
    expect(() => machine.read(cpu)).toThrow(TripleFault);
  });

  it('re-delivers to the handler that the IDT of the host names', () => {
    const machine = new TestHost();
    const cpu = machine.addGuest('ebfe');
    // Vector EFh gets the handler of vector 30h: four bytes apart, behind the routines.
    const handler = kernelVirtual(Physical.hostCode + 0x100 + 0x30 * 4);
    writeEntry(machine.kernel.memory, Physical.hostIdt, 0xef, {
      a: ((0x60 << 16) | (handler & 0xffff)) >>> 0,
      b: ((handler & 0xffff0000) | 0x8e00) >>> 0,
    });
    expect(machine.read(cpu)).toBe(-512);
    expect(machine.kernel.events).toContainEqual({ e: 'host_interrupt', vector: 0x30 });
  });
});
