// SPDX-License-Identifier: GPL-2.0-or-later

/** Virtual-8086 mode, and the virtual interrupt flag of CR4.VME and CR4.PVI: chapter 27, from MODE-9 on. */

import { type Cpu, CR4, CS, DS, ES, ESP, FS, GS, SS } from './cpu.js';
import { generalProtection } from './exceptions.js';
import { ALL_FLAGS, IF, IOPL, ioPrivilegeLevel, RF, setFlag, setFlags, TF, VIF, VIP, VM } from './flags.js';
import { inVirtual8086Mode, load8086Segment } from './modes.js';
import { readSystem } from './paging.js';
import { pushAndEnter8086, returnFromInterrupt8086 } from './real-mode.js';
import { peek } from './stack.js';
import { ioMapBase } from './task-state.js';

/** The data segments of the frame of IRET, from the lowest address on. */
const FRAME_SEGMENTS = [ES, DS, FS, GS] as const;

/** IRET at level 0 of an image with VM set: MODE-9. EIP, CS and EFLAGS have been read. */
export function returnToVirtual8086(cpu: Cpu, eip: number, code: number, image: number): void {
  if (eip > 0xffff) throw generalProtection(0);
  const pointer = peek(cpu, 12, 4);
  const stack = peek(cpu, 16, 4) & 0xffff;
  const data = FRAME_SEGMENTS.map((_, i) => peek(cpu, 20 + 4 * i, 4) & 0xffff);

  setFlags(cpu, ALL_FLAGS, image);
  cpu.cpl = 3;
  load8086Segment(cpu, CS, code);
  load8086Segment(cpu, SS, stack);
  FRAME_SEGMENTS.forEach((index, i) => {
    load8086Segment(cpu, index, data[i]);
  });
  cpu.general[ESP] = pointer;
  cpu.nextEip = eip;
}

/** The selectors that a handler finds above its frame, in the order in which they are pushed: MODE-13. */
export const pushedSegments = (cpu: Cpu): number[] =>
  FRAME_SEGMENTS.map((index) => cpu.segments[index].selector).reverse();

/** A handler begins with its data segments null: MODE-13. */
export function dropVirtual8086Segments(cpu: Cpu): void {
  for (const index of [DS, ES, FS, GS]) cpu.segments[index].setNull(0);
}

/** Whether VIF stands in for IF: MODE-17, MODE-19. */
function hasVirtualInterruptFlag(cpu: Cpu): boolean {
  if (ioPrivilegeLevel(cpu) === 3) return false;
  if (inVirtual8086Mode(cpu)) return (cpu.cr4 & CR4.VME) !== 0;
  return (cpu.cr4 & CR4.PVI) !== 0 && cpu.cpl === 3;
}

/** An interrupt that was held back for the guest, which has let it in by now: MODE-20. */
export function virtualInterruptWaits(cpu: Cpu): boolean {
  const both = VIF | VIP;
  return (cpu.systemFlags & both) === both && hasVirtualInterruptFlag(cpu);
}

/** CLI and STI: SYS-17, MODE-12, MODE-17, MODE-19. */
export function changeInterruptFlag(cpu: Cpu, on: boolean): void {
  if (cpu.cpl <= ioPrivilegeLevel(cpu)) {
    setFlag(cpu, IF, on);
    return;
  }
  if (!hasVirtualInterruptFlag(cpu)) throw generalProtection(0);
  if (on && (cpu.systemFlags & VIP) !== 0) throw generalProtection(0);
  setFlag(cpu, VIF, on);
}

/** What PUSHF stores: MODE-12, MODE-17. */
export function flagsImage(cpu: Cpu, size: 2 | 4): number {
  const image = cpu.eflags & ~(RF | VM);
  if (!inVirtual8086Mode(cpu) || ioPrivilegeLevel(cpu) === 3) return image;
  if (size === 4 || !hasVirtualInterruptFlag(cpu)) throw generalProtection(0);
  return virtualImage(cpu, image);
}

/** Flags with IOPL 3, and VIF in the place of IF. */
function virtualImage(cpu: Cpu, flags: number): number {
  return (flags & ~IF) | IOPL | ((cpu.systemFlags & VIF) !== 0 ? IF : 0);
}

/**
 * POPF and IRET in virtual-8086 mode below IOPL 3 fault, or load VIF in the place of IF: MODE-12, MODE-17.
 * @returns whether `image` has been dealt with here
 */
export function loadVirtualInterruptFlag(cpu: Cpu, image: number, size: 2 | 4): boolean {
  if (!inVirtual8086Mode(cpu) || ioPrivilegeLevel(cpu) === 3) return false;
  if (size === 4 || !hasVirtualInterruptFlag(cpu)) throw generalProtection(0);
  const interruptWaits = (cpu.systemFlags & VIP) !== 0 && (image & IF) !== 0;
  if (interruptWaits || (image & TF) !== 0) throw generalProtection(0);
  setFlag(cpu, VIF, (image & IF) !== 0);
  return true;
}

/** IRET in virtual-8086 mode: MODE-12. Returns the image of the flags. */
export function returnWithinVirtual8086(cpu: Cpu, size: 2 | 4): number {
  if (ioPrivilegeLevel(cpu) < 3 && (size === 4 || !hasVirtualInterruptFlag(cpu))) throw generalProtection(0);
  return returnFromInterrupt8086(cpu, size);
}

/**
 * INT n in virtual-8086 mode: MODE-12, MODE-18.
 * @returns whether it has been delivered as the 8086 does; else the IDT is asked
 */
export function redirectInterrupt(cpu: Cpu, vector: number): boolean {
  const redirects = (cpu.cr4 & CR4.VME) !== 0 && !isForProtectedMode(cpu, vector);
  const privileged = ioPrivilegeLevel(cpu) === 3;
  if (!redirects) {
    if (!privileged) throw generalProtection(0);
    return false;
  }
  const flags = privileged ? cpu.eflags : virtualImage(cpu, cpu.eflags);
  pushAndEnter8086(cpu, vector * 4, flags, cpu.nextEip);
  setFlag(cpu, privileged ? IF : VIF, false);
  return true;
}

const REDIRECTION_BYTES = 32;

/** The bit of the redirection bitmap, which stands before the I/O map of the TSS. */
function isForProtectedMode(cpu: Cpu, vector: number): boolean {
  const at = ioMapBase(cpu) - REDIRECTION_BYTES + (vector >>> 3);
  if (at < 0 || at > cpu.tr.limit) throw generalProtection(0);
  return ((readSystem(cpu, cpu.tr.base + at, 1) >>> (vector & 7)) & 1) !== 0;
}
