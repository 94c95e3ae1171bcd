// SPDX-License-Identifier: GPL-2.0-or-later

import type { HostObserver } from '../../reference/host/kernel.js';
import type { LgCpu } from '../../reference/host/state.js';
import type { ProcessorObserver } from '../../reference/processor/interface.js';
import { HYPERCALL_NAMES } from '../hypercall-names.js';

const PAGE_FAULT = 14;
const FIRST_INTERRUPT = 32;
/** Bits of a page fault's error code. */
const PRESENT = 1;
const WRITE = 2;
const USER = 4;

const TRAP_NAMES: ReadonlyMap<number, string> = new Map([
  [0, '#DE'],
  [1, '#DB'],
  [3, '#BP'],
  [4, '#OF'],
  [5, '#BR'],
  [6, '#UD'],
  [7, '#NM'],
  [11, '#NP'],
  [12, '#SS'],
  [13, '#GP'],
  [14, '#PF'],
  [16, '#MF'],
  [17, '#AC'],
  [31, 'hypercall'],
]);

/** Counts by name, in the order of the first occurrence. */
class Counts {
  private readonly counts = new Map<string, number>();

  add(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  lines(title: string): string[] {
    const total = [...this.counts.values()].reduce((sum, count) => sum + count, 0);
    const sorted = [...this.counts].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
    return [
      `${title}: ${total}`,
      ...sorted.map(([name, count]) => `  ${String(count).padStart(10)}  ${name}`),
    ];
  }
}

/** What a guest makes its host do, counted. */
export class Statistics {
  private readonly exits = new Counts();
  private readonly hypercalls = new Counts();
  private readonly faults = new Counts();
  private readonly deliveries = new Counts();
  private readonly instructions = [0, 0, 0, 0];
  private cpu: LgCpu | undefined;

  /** For the processor: every instruction is seen, which takes time. */
  readonly processor: ProcessorObserver = {
    boundary: (cpl) => {
      this.instructions[cpl]++;
    },
  };

  /** For the host. */
  readonly host: HostObserver = {
    note: (clause) => this.noted(clause),
    hypercall: ([number = 0], fromRing) => {
      const name = HYPERCALL_NAMES.get(number) ?? `number ${number}`;
      this.hypercalls.add(fromRing ? `${name} (ring)` : name);
    },
  };

  /** A guest has been made. */
  begin(cpu: LgCpu): void {
    this.cpu = cpu;
  }

  /** The guest has been left. */
  afterVisit(): void {
    const { cpu } = this;
    if (cpu !== undefined) this.exits.add(trapName(cpu.regs.trapnum));
  }

  /** @param seconds of real time that the run took */
  lines(seconds: number): string[] {
    const [host, kernel, , user] = this.instructions;
    const all = this.instructions.reduce((sum, count) => sum + count, 0);
    return [
      ...this.exits.lines('exits by trap'),
      ...this.hypercalls.lines('hypercalls'),
      ...this.faults.lines('page faults'),
      ...this.deliveries.lines('deliveries to the guest'),
      `instructions: ${all}`,
      `  ${String(host).padStart(10)}  level 0 (the Switcher)`,
      `  ${String(kernel).padStart(10)}  level 1 (the guest's kernel)`,
      `  ${String(user).padStart(10)}  level 3 (its programs)`,
      `  ${Math.round(all / Math.max(seconds, 0.001))} a second, in ${seconds.toFixed(2)} s`,
    ];
  }

  /** The host tells by which clause it acts. */
  private noted(clause: string): void {
    const { cpu } = this;
    if (cpu === undefined) return;
    const trap = cpu.regs.trapnum;
    if (clause === 'PF-33') {
      this.faults.add(
        trap === PAGE_FAULT ? `filled in: ${faultKind(cpu.regs.errcode)}` : "the kernel's stack",
      );
    }
    if (clause === 'DELIV-27') this.deliveries.add('virtual interrupt');
    if (clause !== 'DELIV-3') return;
    this.deliveries.add(trapName(trap));
    if (trap === PAGE_FAULT) this.faults.add(`for the guest: ${faultKind(cpu.regs.errcode)}`);
  }
}

function trapName(trap: number): string {
  const kind = TRAP_NAMES.get(trap) ?? (trap >= FIRST_INTERRUPT ? 'interrupt of the host' : 'trap');
  return `${trap} ${kind}`;
}

function faultKind(errcode: number): string {
  const level = (errcode & USER) !== 0 ? 'user' : 'kernel';
  const access = (errcode & WRITE) !== 0 ? 'write' : 'read';
  const page = (errcode & PRESENT) !== 0 ? 'not allowed' : 'not present';
  return `${level} ${access}, ${page}`;
}
