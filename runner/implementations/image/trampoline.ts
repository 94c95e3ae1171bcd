// SPDX-License-Identifier: GPL-2.0-or-later

import { GENERAL_REGISTERS, type ProcessorRegisters } from '../../protocol.js';
import { Unsupported } from '../bare-machine.js';
import { MONITOR_AT } from './monitor.js';

/**
 * What the runner puts into a case's memory: the code that loads its state, in the page that is reserved for loaders, and
 * the way back. No register is free at the end of a case and no segment need be writable, so the way back keeps what it
 * needs in the debug registers.
 */
export const TRAMPOLINE_AT = 0x1f000;
const EXIT_AT = TRAMPOLINE_AT + 0x800;
const GDTR_AT = TRAMPOLINE_AT + 0xc00;
const IDTR_AT = GDTR_AT + 8;
const FLAT_GDTR_AT = IDTR_AT + 8;
const FLAT_GDT_AT = FLAT_GDTR_AT + 8;
const FRAME_AT = FLAT_GDT_AT + 0x20;
/** Behind the handlers of the fixtures and of recorded cases, where a near jump with 16-bit displacement can reach. */
export const RETURNS_AT = 0x3800;
export const RETURN_BYTES = 13;
/** One for each handler of the fixtures, and one. */
export const MOST_ENDS = 65;

/** Whether an address is that of code which the runner has put into the case's memory, or of the monitor. */
export const isLoader = (at: number): boolean =>
  (at >= TRAMPOLINE_AT && at < TRAMPOLINE_AT + 0x1000) ||
  (at >= RETURNS_AT && at < RETURNS_AT + MOST_ENDS * RETURN_BYTES) ||
  at >= MONITOR_AT;

const FLAT_CODE = 0x08;
const FLAT = [0, 0, 0xffff, 0x00cf9b00, 0xffff, 0x00cf9300];
const PROTECTED_MODE = 0x11;
const VM = 0x20000;
const BUSY = 0x02;
/** Where the access byte of a descriptor is. */
const ACCESS = 5;

export interface Bytes {
  at: number;
  bytes: Buffer;
}

const byte = (...values: number[]): Buffer => Buffer.from(values);
const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};
const words = (values: readonly number[]): Buffer => Buffer.concat(values.map(word));
const pseudoDescriptor = (limit: number, base: number): Buffer =>
  Buffer.concat([byte(limit & 0xff, limit >>> 8), word(base)]);

/** MOV r32, imm32; registers are numbered as in the encoding, EAX 0. */
const load = (register: number, value: number): Buffer => Buffer.concat([byte(0xb8 + register), word(value)]);
const [EAX, ECX, ESP] = [0, 1, 4];
/** MOV of a value to a control register, by way of EAX. */
const loadControl = (number: number, value: number): Buffer =>
  Buffer.concat([load(EAX, value), byte(0x0f, 0x22, 0xc0 + 8 * number)]);
/** MOV of a selector to a segment register, by way of EAX; registers are numbered as in the encoding, ES 0. */
const loadSegment = (number: number, selector: number): Buffer =>
  Buffer.concat([load(EAX, selector), byte(0x8e, 0xc0 + 8 * number)]);
const farJump = (selector: number, offset: number): Buffer =>
  Buffer.concat([byte(0xea), word(offset), byte(selector & 0xff, selector >>> 8)]);
/** JMP to the next instruction, for the processors that need it after a change of mode. */
const SERIALISE = byte(0xeb, 0);

/** The pieces of the trampoline; `taskAccess` is the access byte of TR's descriptor in memory. */
export function trampoline(registers: ProcessorRegisters, taskAccess: number): Bytes[] {
  const entry = entryCode(registers, taskAccess);
  if (TRAMPOLINE_AT + entry.length > EXIT_AT) throw new Error('the code that loads a state is too long');
  return [
    { at: TRAMPOLINE_AT, bytes: entry },
    { at: EXIT_AT, bytes: exitCode() },
    { at: GDTR_AT, bytes: pseudoDescriptor(registers.gdtr.limit, registers.gdtr.base) },
    { at: IDTR_AT, bytes: pseudoDescriptor(registers.idtr.limit, registers.idtr.base) },
    { at: FLAT_GDTR_AT, bytes: pseudoDescriptor(4 * FLAT.length - 1, FLAT_GDT_AT) },
    { at: FLAT_GDT_AT, bytes: words(FLAT) },
    { at: FRAME_AT, bytes: words(frame(registers)) },
  ];
}

/** Loads everything that needs no paging first, so that page tables stay as the case gives them. */
function entryCode(registers: ProcessorRegisters, taskAccess: number): Buffer {
  const { cs, ss, ds, tr, eflags, gdtr } = registers;
  const outer = (cs.selector & 3) !== 0 || (eflags & VM) !== 0;
  const setAccess = (access: number): Buffer =>
    Buffer.concat([byte(0xc6, 0x05), word(gdtr.base + (tr.selector & ~7) + ACCESS), byte(access)]);
  return Buffer.concat([
    loadControl(2, registers.cr2),
    loadControl(3, registers.cr3),
    loadControl(4, registers.cr4),
    ...sysenter(registers),
    byte(0x0f, 0x01, 0x15), // LGDT
    word(GDTR_AT),
    byte(0x0f, 0x01, 0x1d), // LIDT
    word(IDTR_AT),
    load(EAX, registers.ldtr.selector),
    byte(0x0f, 0x00, 0xd0), // LLDT AX
    // LTR takes only an available TSS, and makes it busy.
    setAccess(taskAccess & ~BUSY),
    load(EAX, tr.selector),
    byte(0x0f, 0x00, 0xd8), // LTR AX
    setAccess(taskAccess),
    ...((eflags & VM) !== 0 ? [] : dataSegments(registers)),
    ...(outer ? [] : [load(ESP, FRAME_AT), byte(0x9d), loadSegment(2, ss.selector)]), // POPFD
    ...((eflags & VM) !== 0 ? [] : [loadSegment(3, ds.selector)]),
    loadControl(0, registers.cr0),
    SERIALISE,
    ...GENERAL_REGISTERS.map((name, number) =>
      number === EAX || number === ESP ? Buffer.alloc(0) : load(number, registers[name]),
    ),
    load(ESP, outer ? FRAME_AT : registers.esp),
    load(EAX, registers.eax),
    outer ? byte(0xcf) : farJump(cs.selector, registers.eip), // IRETD
  ]);
}

function dataSegments({ es, fs, gs }: ProcessorRegisters): Buffer[] {
  return [loadSegment(0, es.selector), loadSegment(4, fs.selector), loadSegment(5, gs.selector)];
}

function sysenter({ sysenter_cs, sysenter_esp, sysenter_eip }: ProcessorRegisters): Buffer[] {
  return [sysenter_cs, sysenter_esp, sysenter_eip].flatMap((value, index) =>
    value === 0 ? [] : [load(ECX, 0x174 + index), load(EAX, value), byte(0x31, 0xd2, 0x0f, 0x30)],
  ); // XOR EDX, EDX; WRMSR
}

/** What POPFD takes, or IRETD to an outer level or to virtual-8086 mode. */
function frame({ eip, cs, eflags, esp, ss, es, ds, fs, gs }: ProcessorRegisters): number[] {
  if ((cs.selector & 3) === 0 && (eflags & VM) === 0) return [eflags];
  return [eip, cs.selector, eflags, esp, ss.selector, es.selector, ds.selector, fs.selector, gs.selector];
}

/** From a return to the monitor; no flag is changed. */
function exitCode(): Buffer {
  return Buffer.concat([
    byte(0x66, 0x8c, 0xc8), // MOV AX, CS
    byte(0x0f, 0x23, 0xd8), // MOV DR3, EAX
    byte(0x0f, 0x20, 0xc0), // MOV EAX, CR0
    byte(0x0f, 0x23, 0xc8), // MOV DR1, EAX
    loadControl(0, PROTECTED_MODE),
    SERIALISE,
    byte(0x2e, 0x0f, 0x01, 0x15), // LGDT by way of CS
    word(FLAT_GDTR_AT),
    farJump(FLAT_CODE, MONITOR_AT),
  ]);
}

/** One place where a case can end: HLT at `eip` in 32-bit code of base 0, in memory at `physical`. */
export interface End {
  eip: number;
  physical: number;
}

/** Jumps in the place of HLT instructions, and what they lead to. */
export function returns(ends: readonly End[]): Bytes[] {
  return ends.flatMap(({ eip, physical }, index) => {
    const at = RETURNS_AT + RETURN_BYTES * index;
    const displacement = (at - (eip + JUMP_BYTES)) & 0xffff;
    return [
      { at: physical, bytes: byte(0x66, 0xe9, displacement & 0xff, displacement >>> 8) },
      {
        at,
        bytes: Buffer.concat([
          byte(0x0f, 0x23, 0xc0), // MOV DR0, EAX
          load(EAX, (eip + 1) << 16),
          byte(0xe9), // JMP
          word(EXIT_AT - (at + RETURN_BYTES)),
        ]),
      },
    ];
  });
}

/** A jump whose displacement has 16 bits, which leads to EIP below 64 KiB. */
export const JUMP_BYTES = 4;

/** Refuses flags that no instruction of the trampoline can load. */
export function checkFlags({ eflags, cs }: ProcessorRegisters): void {
  const TF_RF = 0x10100;
  if ((cs.selector & 3) === 0 && (eflags & VM) === 0 && (eflags & TF_RF) !== 0) {
    throw new Unsupported('TF or RF set in EFLAGS at level 0: the trampoline cannot load it');
  }
}
