// SPDX-License-Identifier: GPL-2.0-or-later

import { translate } from '../../expand/descriptors.js';
import type { MemoryImage } from '../../expand/image.js';
import type { ProcessorRegisters } from '../../protocol.js';
import { Unsupported } from '../bare-machine.js';
import { isLocal, isNull, type LdtMirror } from './segments.js';
import { WIRE_REGISTERS } from './wire.js';

/** Second bytes, behind 0Fh, of instructions whose effect here is not that in the case's machine. */
const FOREIGN: ReadonlyMap<number, string> = new Map([
  [0x05, 'SYSCALL, which enters the kernel'],
  [0x07, 'SYSRET'],
  [0x31, 'RDTSC, which reads the clock of this CPU'],
  [0x33, 'RDPMC'],
  [0x34, 'SYSENTER, which enters the kernel'],
  [0x35, 'SYSEXIT, which 64-bit kernels make undefined'],
  [0xa2, 'CPUID, which tells of this CPU'],
]);

const CR4_OSFXSR = 0x200;
/** Second bytes of the SSE instructions that #UD takes when CR4.OSFXSR is clear. */
const SSE = /^(1[0-7]|2[89a-f]|5.|c[2456])$/;

const STORES_OF_TABLES = 'SGDT, SIDT, SLDT, STR or SMSW, which read the registers of the kernel';

/**
 * Refuses code that would see the machine below: looks through the bytes for instructions that read the kernel's
 * registers or enter it. It goes byte by byte, so an immediate operand may be taken for one of them: that costs a
 * case, never a wrong result.
 */
export function refuseForeignInstructions(
  bytes: Uint8Array,
  registers: ProcessorRegisters,
  ldt: LdtMirror,
): void {
  for (let i = 0; i + 1 < bytes.length; i++) {
    if (bytes[i] !== 0x0f) continue;
    const opcode = bytes[i + 1] ?? 0;
    const modRm = bytes[i + 2] ?? 0;
    const extension = (modRm >> 3) & 7;
    const foreign = FOREIGN.get(opcode);
    if (foreign !== undefined) throw new Unsupported(foreign);
    if ((registers.cr4 & CR4_OSFXSR) === 0 && SSE.test(opcode.toString(16))) {
      throw new Unsupported('SSE while CR4.OSFXSR is clear; the kernel has it set');
    }
    if (opcode === 0x00 && extension < 2) throw new Unsupported(STORES_OF_TABLES);
    if (opcode === 0x01 && (extension < 2 || extension === 4)) throw new Unsupported(STORES_OF_TABLES);
    if (opcode === 0x01 && modRm >= 0xc0 && extension !== 6) throw new Unsupported('an extension of 0F 01');
    const looksAtDescriptor = opcode === 0x02 || opcode === 0x03 || (opcode === 0x00 && extension >= 4);
    if (looksAtDescriptor) requireMirroredOperand(modRm, registers, ldt);
  }
}

/** LAR, LSL, VERR and VERW see descriptors: they must be those of the mirrored LDT. */
function requireMirroredOperand(modRm: number, registers: ProcessorRegisters, ldt: LdtMirror): void {
  const name = WIRE_REGISTERS[modRm & 7];
  if (modRm < 0xc0 || name === undefined) throw new Unsupported('a selector from memory is looked at');
  const selector = numberOf(registers, name) & 0xffff;
  if (isLocal(selector)) ldt.requireExact(selector);
  else if (!isNull(selector)) throw new Unsupported('a descriptor of the GDT is looked at');
}

function numberOf(registers: ProcessorRegisters, name: keyof ProcessorRegisters): number {
  const value = registers[name];
  return typeof value === 'number' ? value : value.base;
}

/** Up to `count` bytes of code from a linear address on. */
export function codeAt(
  linear: number,
  count: number,
  registers: ProcessorRegisters,
  memory: MemoryImage,
): Uint8Array {
  const bytes: number[] = [];
  for (let i = 0; i < count; i++) {
    const physical = translate((linear + i) >>> 0, registers, memory);
    if (physical === undefined) break;
    bytes.push(memory.read8(physical));
  }
  return Uint8Array.from(bytes);
}

const PREFIXES: ReadonlySet<number> = new Set([
  0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3,
]);

/** The ports that an I/O instruction would access, or `undefined` when the bytes are no I/O instruction. */
export function portsOf(bytes: Uint8Array, edx: number): { port: number; size: number } | undefined {
  const start = bytes.findIndex((byte) => !PREFIXES.has(byte));
  const opcode = bytes[start] ?? 0;
  const isString = opcode >= 0x6c && opcode <= 0x6f;
  if (!isString && (opcode & 0xf4) !== 0xe4) return undefined;
  const isWide = (opcode & 1) !== 0;
  const size = !isWide ? 1 : bytes.subarray(0, start).includes(0x66) ? 2 : 4;
  const isImmediate = opcode >= 0xe4 && opcode <= 0xe7;
  return { port: isImmediate ? (bytes[start + 1] ?? 0) : edx & 0xffff, size };
}
