// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 17: the guest takes a trap or an interrupt as if the processor had delivered it. */

import { type DescriptorWords, readEntry } from './descriptors.js';
import { prefixedHex } from './format.js';
import { guestPa, lgwrite32 } from './guest-memory.js';
import { EFLAGS_IF, GUEST_PL, IDT_ENTRIES, KERNEL_CS, LguestData } from './layout.js';
import { killGuest, type LgCpu } from './state.js';
import { gateOffset, hasErrorCode, isGatePresent, isInterruptGate } from './trap-gates.js';

/**
 * `deliver_trap`. The gate's type and level do not matter here (DELIV-4).
 * @returns false if the guest has no handler
 */
export function deliverTrap(cpu: LgCpu, trap: number): boolean {
  if (trap >= IDT_ENTRIES) return false; // DELIV-1
  const gate = readEntry(cpu.lg.host.memory, cpu.idt, trap);
  if (!isGatePresent(gate)) return false; // DELIV-2
  cpu.lg.host.kernel.observer?.note(
    'DELIV-3',
    `trap ${trap} is delivered to the guest at ${prefixedHex(gateOffset(gate))}`,
  );
  setGuestInterrupt(cpu, gate, hasErrorCode(trap));
  return true;
}

/** A stack in the guest's memory that is translated once: pushes go down from there in guest-physical memory. */
class GuestStack {
  private physical: number;

  constructor(
    private readonly cpu: LgCpu,
    private readonly virtual: number,
    private readonly top: number,
  ) {
    this.physical = top;
  }

  /** `push_guest_stack`. */
  push(value: number): void {
    this.physical = (this.physical - 4) >>> 0; // DELIV-9 E-148
    lgwrite32(this.cpu, this.physical, value);
  }

  /** The guest-virtual stack pointer after the pushes. */
  get pointer(): number {
    return (this.virtual + this.physical - this.top) >>> 0;
  }
}

/** `set_guest_interrupt`: builds the frame on the guest's stack and sends the guest to its handler. */
export function setGuestInterrupt(cpu: LgCpu, gate: DescriptorWords, withErrorCode: boolean): void {
  const { regs, lg } = cpu;
  const fromUser = (regs.ss & 3) !== GUEST_PL; // DELIV-5 DELIV-6 E-147
  const virtual = fromUser ? cpu.esp1 : regs.esp;
  const newSs = fromUser ? cpu.ss1 : regs.ss;

  const stack = new GuestStack(cpu, virtual, guestPa(cpu, virtual)); // DELIV-8 DELIV-10 E-60 E-143
  if (fromUser) {
    stack.push(regs.ss);
    stack.push(regs.esp);
  }
  stack.push(virtualEflags(cpu)); // DELIV-7 DELIV-13
  stack.push(regs.cs);
  stack.push(regs.eip);
  if (withErrorCode) stack.push(regs.errcode);

  regs.ss = newSs; // DELIV-14 DELIV-16 E-61
  regs.esp = stack.pointer; // DELIV-15
  regs.cs = KERNEL_CS | GUEST_PL;
  regs.eip = gateOffset(gate);

  // DELIV-17
  if (isInterruptGate(gate) && !lg.launcher.putUser32(irqEnabledAddress(cpu), 0)) {
    killGuest(cpu, () => 'Disabling interrupts'); // DELIV-18
  }
}

/** EFLAGS as the guest believes them to be: IF is what the guest has in `irq_enabled`, not what the processor has. */
function virtualEflags(cpu: LgCpu): number {
  const irqEnabled = cpu.lg.launcher.getUser32(irqEnabledAddress(cpu));
  const masked = irqEnabled !== null && (irqEnabled & EFLAGS_IF) === 0; // DELIV-11 DELIV-12 E-149
  return (masked ? cpu.regs.eflags & ~EFLAGS_IF : cpu.regs.eflags) >>> 0;
}

function irqEnabledAddress(cpu: LgCpu): number {
  return (cpu.lg.lguest_data + LguestData.irq_enabled) >>> 0;
}
