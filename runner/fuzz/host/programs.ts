// SPDX-License-Identifier: GPL-2.0-or-later

/** Hostile guest programs: short runs of machine code, put together at random, that try what a guest must not be able to do. */

import type { Random } from '../../generate/random.js';
import { littleEndian } from '../values.js';
import { hypercall } from './fields.js';
import type { Guest } from './guest.js';

const MOST_PIECES = 8;
const ROOM = 200;
const KERNEL_ADDRESS = 0xc0000000;

/** Puts a program where the guest goes on. */
export function writeProgram(guest: Guest, random: Random): void {
  const eip = Number(guest.regs.eip ?? 0);
  const at = eip >= KERNEL_ADDRESS ? eip - KERNEL_ADDRESS : guest.translate(eip);
  const code: number[] = [];
  const count = random.between(1, MOST_PIECES);
  for (let i = 0; i < count && code.length < ROOM; i++) code.push(...random.pick(PIECES)(guest, random));
  guest.store(at, [...code, ...END]);
}

type Piece = (guest: Guest, random: Random) => number[];

const dword = (value: number): number[] => littleEndian(value, 4);
const HYPERCALL = [0xcd, 0x1f];
/** NOTIFY with whatever is in EDX, then a loop. */
const END = [0xb8, ...dword(17), ...HYPERCALL, 0xeb, 0xfe];

/** MOV of numbers to EAX, EDX, EBX and ECX, then INT 1Fh. */
const callHost = ([eax, edx, ebx, ecx]: readonly number[]): number[] => [
  ...[0xb8, ...dword(eax ?? 0), 0xba, ...dword(edx ?? 0)],
  ...[0xbb, ...dword(ebx ?? 0), 0xb9, ...dword(ecx ?? 0), ...HYPERCALL],
];

/** MOV DWORD [address], value. */
const storeAt = (address: number, value: number): number[] => [
  0xc7,
  0x05,
  ...dword(address),
  ...dword(value),
];

const fixed =
  (...choices: readonly (readonly number[])[]): Piece =>
  (_, random) => [...random.pick(choices)];

/** Where guests that map their memory linearly have their page tables, as the kernel sees them. */
function entryAddress(guest: Guest, random: Random): number {
  const entries = guest.entriesOf(guest.virtual());
  return (KERNEL_ADDRESS + random.pick(entries)) >>> 0;
}

const SELECTORS = [
  0, 3, 0x50, 0x51, 0x58, 0x59, 0x60, 0x61, 0x63, 0x68, 0x69, 0x73, 0x7b, 0x80, 0x10, 0x30, 0x33, 0xf8, 0x104,
];

const PIECES: readonly Piece[] = [
  (guest, random) => callHost(hypercall(guest, random)),
  (guest, random) => callHost(hypercall(guest, random)),
  (guest, random) => storeAt(entryAddress(guest, random), guest.entry()),
  // An announced change of a page table: the entry, then SET_PTE.
  (guest, random) => {
    const entry = guest.entry();
    const vaddr = guest.virtual();
    const place = (KERNEL_ADDRESS + (guest.entriesOf(vaddr).at(-1) ?? 0)) >>> 0;
    return [...storeAt(place, entry), ...callHost([14, random.oneIn(4) ? 0 : guest.directory, vaddr, entry])];
  },
  (guest) => storeAt(guest.virtual(), guest.word()),
  // MOV EAX, [address]
  (guest) => [0xa1, ...dword(guest.virtual())],
  // INT n
  (_, random) => [
    0xcd,
    random.pick([0, 1, 2, 3, 4, 8, 10, 11, 12, 13, 14, 17, 18, 30, 32, 33, 0x40, 0x80, 0xef, 0xff]),
  ],
  // INT3, INTO, UD2, DIV by AH = 0 of nothing, BOUND
  fixed([0xcc], [0xce], [0x0f, 0x0b], [0x31, 0xc9, 0xf7, 0xf1], [0x62, 0x05, ...dword(0)]),
  // HLT, CLI, STI, PUSHF, POPF, CLTS, INVD, WBINVD
  fixed([0xf4], [0xfa], [0xfb], [0x9c], [0x9d], [0x0f, 0x06], [0x0f, 0x08], [0x0f, 0x09]),
  // IN and OUT of all widths
  fixed([0xe4, 0x60], [0xed], [0xe6, 0x80], [0xef], [0x66, 0xed], [0x66, 0xe4, 0x60], [0x6c], [0xf3, 0x6e]),
  // MOV from and to control and debug registers
  (_, random) => [0x0f, random.pick([0x20, 0x21, 0x22, 0x23]), 0xc0 | (random.below(8) << 3)],
  // LGDT, LIDT, LLDT, LTR, SGDT, SIDT, SLDT, STR, SMSW, LMSW, INVLPG
  (guest, random) => [0x0f, 0x01, 0x05 | (random.below(8) << 3), ...dword(guest.virtual())],
  fixed([0x0f, 0x00, 0xd0], [0x0f, 0x00, 0xd8], [0x0f, 0x00, 0xc0], [0x0f, 0x00, 0xc8]),
  // RDMSR, WRMSR, RDTSC, RDPMC, SYSENTER, SYSEXIT, CPUID
  fixed([0x0f, 0x32], [0x0f, 0x30], [0x0f, 0x31], [0x0f, 0x33], [0x0f, 0x34], [0x0f, 0x35], [0x0f, 0xa2]),
  // MOV AX, selector; MOV segment register, AX
  (_, random) => [
    0x66,
    0xb8,
    ...littleEndian(random.pick(SELECTORS), 2),
    0x8e,
    0xc0 | (random.pick([0, 2, 3, 4, 5]) << 3),
  ],
  // a far jump or call
  (guest, random) => [
    random.pick([0xea, 0x9a]),
    ...dword(guest.virtual()),
    ...littleEndian(random.pick(SELECTORS), 2),
  ],
  // PUSH of a frame; IRET
  (guest, random) => [
    ...push(random.pick(SELECTORS)),
    ...push(guest.virtual()),
    ...push((0x202 ^ (random.oneIn(2) ? 1 << random.below(20) : 0)) >>> 0),
    ...push(random.pick(SELECTORS)),
    ...push(random.oneIn(2) ? Number(guest.regs.eip ?? 0) : guest.virtual()),
    0xcf,
  ],
  // MOV ESP, address; PUSH
  (guest) => [0xbc, ...dword(guest.virtual()), 0x50],
  // FNINIT, FLD1, FWAIT, FNSTSW AX
  fixed([0xdb, 0xe3], [0xd9, 0xe8], [0x9b], [0xdf, 0xe0]),
  // flags with TF, NT, AC, IOPL by POPF
  (_, random) => [...push(1 << random.below(22)), 0x9d],
  // a loop of a few rounds
  (_, random) => [0xb9, ...dword(random.between(1, 50)), 0xe2, 0xfe],
  // any bytes
  (_, random) => random.bytes(random.between(1, 6)),
];

const push = (value: number): number[] => [0x68, ...dword(value)];
