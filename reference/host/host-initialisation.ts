// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 07: what lguest does to the host when it is loaded and when it is removed. */

import { writeEntry, writeTableDescriptor } from './descriptors.js';
import { LGUEST_ENTRY } from './host-code.js';
import {
  GDT_ENTRIES,
  GdtEntry,
  IDT_ENTRIES,
  kernelVirtual,
  LGUEST_CS,
  LGUEST_DS,
  lguestPages,
  PAGE_SIZE,
  Physical,
  State,
  SWITCHER_ADDR,
  statePhysical,
  Tss,
} from './layout.js';
import { restorePge, turnOffPge } from './pge.js';
import { FULL_EXEC_SEGMENT, FULL_SEGMENT, setupDefaultGdtEntries } from './segments.js';
import type { Host } from './state.js';
import { setupDefaultIdtEntries } from './trap-gates.js';

/** `lguest_arch_host_init`. */
export function lguestArchHostInit(host: Host): void {
  relocateHandlers(host); // HOST-1: the order
  for (let hostCpu = 0; hostCpu < host.kernel.nr_cpu_ids; hostCpu++) setUpCpu(host, hostCpu);
  writeFarPointer(host);
  turnOffPge(host);
}

/** `lguest_arch_host_fini`: undoes nothing but PGE. */
export function lguestArchHostFini(host: Host): void {
  restorePge(host); // HOST-12
}

/** `lguest_entry`, by which the Switcher is entered. */
export function writeFarPointer(host: Host): void {
  host.memory.write32(LGUEST_ENTRY, (host.switch_to_guest + switcherOffset(host)) >>> 0); // HOST-10
  host.memory.write16(LGUEST_ENTRY + 4, LGUEST_CS);
}

/** Distance from where the Switcher was linked to where it runs. */
function switcherOffset(host: Host): number {
  return SWITCHER_ADDR - host.start_switcher_text;
}

function relocateHandlers(host: Host): void {
  if (host.relocated && host.hardened) return; // HOST-13 E-54
  host.relocated = true;
  const offset = switcherOffset(host);
  host.default_idt_entries = host.default_idt_entries.map((handler) => handler + offset); // HOST-2
}

/** Fills the state page of a host CPU and puts the Switcher's segments into its own GDT. */
function setUpCpu(host: Host, hostCpu: number): void {
  const { memory } = host;
  const state = statePhysical(hostCpu);
  const stateAddress = lguestPages(hostCpu) + PAGE_SIZE; // HOST-11
  const hostGdt = hostGdtPhysical(hostCpu);

  writeTableDescriptor(memory, state + State.host_gdt_desc, GDT_ENTRIES * 8 - 1, kernelVirtual(hostGdt)); // HOST-4
  storeIdt(host, state + State.host_idt_desc);
  writeTableDescriptor(
    memory,
    state + State.guest_idt_desc,
    IDT_ENTRIES * 8 - 1,
    stateAddress + State.guest_idt,
  );
  writeTableDescriptor(
    memory,
    state + State.guest_gdt_desc,
    GDT_ENTRIES * 8 - 1,
    stateAddress + State.guest_gdt,
  );

  memory.write32(state + State.guest_tss + Tss.sp0, stateAddress); // HOST-5
  memory.write16(state + State.guest_tss + Tss.ss0, LGUEST_DS);
  memory.write16(state + State.guest_tss + Tss.io_bitmap_base, Tss.size);

  setupDefaultGdtEntries(memory, state + State.guest_gdt, stateAddress + State.guest_tss); // HOST-6
  setupDefaultIdtEntries(memory, state + State.guest_idt, host.default_idt_entries); // HOST-8 HOST-9

  writeEntry(memory, hostGdt, GdtEntry.lguestCs, FULL_EXEC_SEGMENT); // HOST-7
  writeEntry(memory, hostGdt, GdtEntry.lguestDs, FULL_SEGMENT);
}

/** Physical address of a host CPU's own GDT. */
export function hostGdtPhysical(hostCpu: number): number {
  return Physical.hostGdt + hostCpu * PAGE_SIZE;
}

/** SIDT on the CPU that runs the initialisation: all CPUs of the host share one IDT. */
function storeIdt(host: Host, at: number): void {
  const { limit, base } = host.kernel.processor().registers().idtr;
  writeTableDescriptor(host.memory, at, limit, base); // HOST-3
  host.kernel.event({ e: 'store_idt' });
}
