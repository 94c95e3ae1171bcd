// SPDX-License-Identifier: GPL-2.0-or-later

/** Breakpoints, general detect, debug traps and alignment checks: chapter 28. */

import { type Cpu, CR0, CR4, DR6, DR7_FIXED } from './cpu.js';
import { alignmentCheck, debugException } from './exceptions.js';
import { AC } from './flags.js';

/** The enable bits L0, G0 to L3, G3 of DR7. */
const DR7_ENABLES = 0xff;
/** L0 to L3 and LE. */
const DR7_LOCAL = 0x155;
const DR7_GENERAL_DETECT = 1 << 13;
const DR7_WRITABLE = 0xffff23ff;
const DR6_BREAKPOINTS = 15;

/** A bit of `debugArmed`: the task just entered has its debug trap flag set. */
const TASK_TRAP = 1 << 8;

/** What a breakpoint waits for: its R/W field in DR7. */
const BreakOn = { execution: 0, write: 1, port: 2, access: 3 } as const;

/** Bytes that a breakpoint covers, by its LEN field; the third is undefined in a 32-bit processor. */
const LENGTHS = [1, 2, 1, 4] as const;

/** Bits of `accessChecks`. */
const AccessCheck = { alignment: 1, breakpoints: 2 } as const;

/** Stores DR7: DBG-3. */
export function setDebugControl(cpu: Cpu, value: number): void {
  cpu.dr[7] = DR7_FIXED | (value & DR7_WRITABLE);
  cpu.debugArmed = (cpu.debugArmed & TASK_TRAP) | (value & DR7_ENABLES);
}

/** A task switch turns the local breakpoints off: DBG-13. */
export function clearLocalBreakpoints(cpu: Cpu): void {
  setDebugControl(cpu, cpu.dr[7] & ~DR7_LOCAL);
}

/** Asks for the trap of a new task whose debug trap flag is set (DBG-14). No event comes before it. */
export function requestTaskTrap(cpu: Cpu): void {
  cpu.debugArmed |= TASK_TRAP;
  cpu.stackShadow = true;
}

/** Whether the trap of a new task is due now. */
export function takeTaskTrap(cpu: Cpu): boolean {
  const due = (cpu.debugArmed & TASK_TRAP) !== 0;
  cpu.debugArmed &= ~TASK_TRAP;
  return due;
}

/** Any use of a debug register while DR7.GD is set: DBG-12. */
export function refuseDetected(cpu: Cpu): void {
  if ((cpu.dr[7] & DR7_GENERAL_DETECT) === 0) return;
  reportInDr6(cpu, DR6.generalDetect);
  throw debugException();
}

/** A debug exception is being delivered: DBG-12. */
export function clearGeneralDetect(cpu: Cpu): void {
  cpu.dr[7] &= ~DR7_GENERAL_DETECT;
}

/** DR6 tells which breakpoints this debug exception is for; the other reasons stay until software clears them: DBG-4. */
export function reportInDr6(cpu: Cpu, reasons: number): void {
  cpu.dr[6] = (cpu.dr[6] & ~DR6_BREAKPOINTS) | reasons;
}

/**
 * Bits of DR6 for the breakpoints that match, or 0 when none of those is enabled.
 * @param kinds R/W fields that fit the access
 * @param size in bytes
 */
function matching(cpu: Cpu, kinds: readonly number[], address: number, size: number): number {
  const control = cpu.dr[7];
  let matches = 0;
  let enabled = false;
  for (let number = 0; number < 4; number++) {
    const field = control >>> (16 + 4 * number);
    if (!kinds.includes(field & 3)) continue;
    const length = LENGTHS[(field >>> 2) & 3];
    const first = cpu.dr[number] & -length; // DBG-6
    const apart = (address - first) | 0;
    if (apart >= length || apart <= -size) continue;
    matches |= 1 << number;
    if ((control & (3 << (2 * number))) !== 0) enabled = true;
  }
  return enabled ? matches : 0;
}

/** Breakpoints on the instruction at CS:EIP: DBG-5. */
export function instructionBreakpoints(cpu: Cpu): number {
  return matching(cpu, [BreakOn.execution], (cpu.cs.base + cpu.eip) >>> 0, 1);
}

/** Notes the breakpoints on a port that is used: DBG-8. */
export function notePort(cpu: Cpu, port: number, size: number): void {
  if ((cpu.cr4 & CR4.DE) !== 0) cpu.debugHits |= matching(cpu, [BreakOn.port], port, size);
}

/** What must be looked for at each access to memory of the next instruction. */
export function accessChecksOf(cpu: Cpu): number {
  const aligns = (cpu.systemFlags & AC) !== 0 && (cpu.cr0 & CR0.AM) !== 0 && cpu.cpl === 3; // DBG-16
  const breaks = (cpu.debugArmed & DR7_ENABLES) !== 0;
  return (aligns ? AccessCheck.alignment : 0) | (breaks ? AccessCheck.breakpoints : 0);
}

/**
 * An access while `accessChecks` is not 0: faults when it is not aligned, notes the breakpoints that it hits (DBG-7).
 * @param unit what the address must be a multiple of
 */
export function checkAccess(cpu: Cpu, linear: number, size: number, write: boolean, unit = size): void {
  requireAligned(cpu, linear, unit);
  if ((cpu.accessChecks & AccessCheck.breakpoints) === 0) return;
  const kinds = write ? [BreakOn.write, BreakOn.access] : [BreakOn.access];
  cpu.debugHits |= matching(cpu, kinds, linear, size);
}

/** Faults when alignment is checked and this address is not a multiple of `unit`: DBG-16. */
function requireAligned(cpu: Cpu, linear: number, unit: number): void {
  const checked = (cpu.accessChecks & AccessCheck.alignment) !== 0;
  if (checked && (linear & (unit - 1)) !== 0) throw alignmentCheck();
}
