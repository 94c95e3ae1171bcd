// SPDX-License-Identifier: GPL-2.0-or-later

/** What an entry into the guest looks like from the processor's side: found by walking memory, as the processor will. */

import type { SwitchToGuestEvent } from './events.js';
import { GUEST_REGISTERS, REGISTER_OFFSETS } from './guest-registers.js';
import type { Kernel } from './kernel.js';
import { PAGE_MASK, REGS_OFFSET, State, SWITCHER_PGD_INDEX, Tss } from './layout.js';
import { regsPteIndex, switcherPtePage } from './shadow-page-tables.js';
import type { LgCpu } from './state.js';

/** @param cr3 physical address of the page directory that the Switcher will load */
export function describeEntry(kernel: Kernel, cpu: LgCpu, cr3: number): SwitchToGuestEvent {
  const { memory, host_cpu } = kernel;
  const pde = memory.read32(cr3 + SWITCHER_PGD_INDEX * 4);
  const table = frameOf(pde);
  const index = regsPteIndex(host_cpu);
  const regsPte = memory.read32(table + index * 4);
  const state = frameOf(memory.read32(table + (index + 1) * 4));
  const regsAt = frameOf(regsPte) + REGS_OFFSET;
  const regs: Record<string, number> = {};
  for (const name of GUEST_REGISTERS) regs[name] = memory.read32(regsAt + REGISTER_OFFSETS[name]);
  return {
    e: 'switch_to_guest',
    host_cpu,
    pgdir: cpu.lg.pgdirs.findIndex((slot) => slot.pgdir === cr3),
    sp1: memory.read32(state + State.guest_tss + Tss.sp1),
    ss1: memory.read16(state + State.guest_tss + Tss.ss1),
    host_cr3_ok: memory.read32(state + State.host_cr3) === kernel.pgd,
    switcher_pde_flags: pde & 0xfff,
    switcher_pde_own_cpu: table === switcherPtePage(host_cpu),
    regs_pte_index: index,
    regs_pte_flags: regsPte & 0xfff,
    regs_pte_is_regs_page: frameOf(regsPte) === cpu.regs.regsPage,
    regs,
  };
}

function frameOf(entry: number): number {
  return (entry & PAGE_MASK) >>> 0;
}
