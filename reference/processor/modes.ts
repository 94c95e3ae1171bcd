// SPDX-License-Identifier: GPL-2.0-or-later

/** Real-address and virtual-8086 mode, as far as they change what other instructions do: chapter 27. */

import { Attribute, type Cpu, CR0, CS, type Segment } from './cpu.js';
import { invalidOpcode } from './exceptions.js';
import { VM } from './flags.js';

export const inRealMode = (cpu: Cpu) => (cpu.cr0 & CR0.PE) === 0;
export const inVirtual8086Mode = (cpu: Cpu) => (cpu.systemFlags & VM) !== 0;

/** Whether a selector is a paragraph number rather than an index into a descriptor table. */
export const has8086Segments = (cpu: Cpu) => inRealMode(cpu) || inVirtual8086Mode(cpu);

/** The level at which code runs in the mode that CR0 and EFLAGS name: MODE-1. */
export function levelOf(cpu: Cpu): number {
  if (inRealMode(cpu)) return 0;
  return inVirtual8086Mode(cpu) ? 3 : cpu.cs.selector & 3;
}

/** Instructions that only protected mode knows: MODE-5. */
export function requireProtectedMode(cpu: Cpu): void {
  if (has8086Segments(cpu)) throw invalidOpcode();
}

/** Present writable data of level 3: what every segment register holds in virtual-8086 mode. */
const VIRTUAL_8086_ATTRIBUTES = 0xf3;
const LIMIT_64K = 0xffff;

/** Loads a segment register as the 8086 did: MODE-2, MODE-10. */
export function load8086Segment(cpu: Cpu, index: number, selector: number): void {
  const segment = cpu.segments[index];
  const base = selector << 4;
  if (inVirtual8086Mode(cpu)) {
    segment.set(selector, base, LIMIT_64K, VIRTUAL_8086_ATTRIBUTES);
    return;
  }
  // A null selector of protected mode leaves nothing that could be used: MODE-2.
  const usable = Attribute.codeOrData | Attribute.present;
  segment.set(selector, base, segment.limit, segment.attributes | usable);
  if (index === CS) openCodeSegment(segment);
}

/** In real mode code can be read and written: MODE-3. */
export function openCodeSegment(segment: Segment): void {
  segment.readable = true;
  segment.writable = true;
  segment.first = 0;
  segment.last = segment.limit;
}

/** CR0.PE has changed, or all registers were set: MODE-3. Going to protected mode changes nothing until CS is loaded: MODE-8. */
export function enterModeOfPe(cpu: Cpu): void {
  if (inRealMode(cpu)) openCodeSegment(cpu.cs);
}
