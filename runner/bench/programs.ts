// SPDX-License-Identifier: GPL-2.0-or-later

/** Programs whose instructions are counted and timed, as requests that any implementation of class processor takes. */

import type {
  CaseRequest,
  MemoryRun,
  ProcessorGiven,
  ProcessorRegisters,
  SegmentRegister,
} from '../protocol.js';

export interface Program {
  name: string;
  about: string;
  /** Executed in each round of its loop; a repeated string instruction counts once a round of its own. */
  instructionsPerRound: number;
  /** @param rounds of its loop: a 32-bit number that is not zero */
  request(rounds: number): CaseRequest;
}

const segment = (selector: number, attributes: number): SegmentRegister => ({
  selector,
  base: 0,
  limit: 0xffffffff,
  attributes,
});
const NO_SEGMENT: SegmentRegister = { selector: 0, base: 0, limit: 0, attributes: 0 };

/** Where things are; the code is linked for its address. */
const GDT = 0x1000;
const IDT = 0x1800;
const TSS = 0x2000;
const HANDLERS = 0x3000;
const CODE = 0x8000;
const DATA = 0xa000;
const PAGE_DIRECTORY = 0x10000;
const PAGE_TABLE = 0x11000;

const STACK_0 = { selector: 0x10, esp: 0x5000 };
const RING_3 = { cs: segment(0x23, 0xc0fb), ss: segment(0x2b, 0xc0f3), esp: 0xd000 };

/** Double words at an address. */
function words(at: number, values: readonly number[]): MemoryRun {
  return { at, hex: Buffer.from(Uint32Array.from(values).buffer).toString('hex') };
}

/** Null, ring 0 code and data, the TSS, ring 3 code and data. */
const TABLES: readonly MemoryRun[] = [
  words(
    GDT,
    [0, 0, 0xffff, 0xcf9b00, 0xffff, 0xcf9300, 0x20000067, 0x8b00, 0xffff, 0xcffb00, 0xffff, 0xcff300],
  ),
  words(IDT + 8 * 0x06, [0x00080000 | (HANDLERS + 1), 0x8e00]),
  words(IDT + 8 * 0x20, [0x00080000 | HANDLERS, 0xee00]),
  words(TSS + 4, [STACK_0.esp, STACK_0.selector]),
  { at: HANDLERS, hex: 'cff4' }, // vector 20h: IRET; vector 6: HLT
  words(DATA, [0, 0x3ff80000, 0, 0x40020000]), // 1.5 and 2.25
  words(PAGE_DIRECTORY, [PAGE_TABLE | 0x67]),
  words(
    PAGE_TABLE,
    Array.from({ length: 32 }, (_, page) => (page << 12) | 0x67),
  ),
];

function registers(paging: boolean, rounds: number): ProcessorRegisters {
  const { cs, ss, esp } = RING_3;
  return {
    ...{
      eax: 1,
      ecx: rounds,
      edx: 3,
      ebx: 0,
      esp,
      ebp: 0,
      esi: 0xa000,
      edi: 0xb000,
      eip: CODE,
      eflags: 0x202,
    },
    ...{ cr0: paging ? 0x80000031 : 0x31, cr2: 0, cr3: PAGE_DIRECTORY, cr4: 0 },
    ...{ sysenter_cs: 0, sysenter_esp: 0, sysenter_eip: 0 },
    ...{ cs, ss, ds: ss, es: ss, fs: NO_SEGMENT, gs: NO_SEGMENT },
    ...{ tr: { selector: 0x18, base: TSS, limit: 0x67, attributes: 0x8b }, ldtr: NO_SEGMENT },
    ...{ gdtr: { base: GDT, limit: 0x2f }, idtr: { base: IDT, limit: 0x1ff } },
  };
}

/** What comes before and after the loop is little. */
const OUTSIDE = 10_000;

function allowed(instructions: number): number {
  return Math.min(instructions + OUTSIDE, 0xffff_ffff);
}

function program(
  name: string,
  about: string,
  code: string,
  instructionsPerRound: number,
  { paging = false }: { paging?: boolean } = {},
): Program {
  return {
    name,
    about,
    instructionsPerRound,
    request: (rounds) => {
      const given: ProcessorGiven = {
        memory_size: 0x20000,
        memory: [...TABLES, { at: CODE, hex: code.replaceAll(' ', '') }],
        registers: registers(paging, rounds),
        io: [],
      };
      return {
        id: `bench/${name}/${rounds}`,
        class: 'processor',
        profile: 'linux-2.6.29',
        given,
        steps: [{ op: 'run', until: 'hlt', max_instructions: allowed(rounds * instructionsPerRound) }],
        observe: { registers: true },
      };
    },
  };
}

/** Code of level 3, which is all that a processor can be asked for through an operating system; UD2 ends it. */
export const PROGRAMS: readonly Program[] = [
  // l: add eax,ecx; xor edx,eax; lea ebx,[eax+edx*2+5]; shl edx,1; cmp eax,ebx; jb m; mov esi,eax; m: movzx edi,cl; dec ecx; jnz l
  program(
    'integer',
    'arithmetic in registers, and jumps',
    '01c8 31c2 8d5c5005 d1e2 39d8 7202 89c6 0fb6f9 49 75ea 0f0b',
    10,
  ),
  // l: mov eax,[esi]; add [esi+2000h],eax; mov [esi+1000h],ecx; add esi,4; and esi,0AFFCh; dec ecx; jnz l
  program(
    'memory',
    'loads, stores and updates of memory through page tables',
    '8b06 018600200000 898e00100000 83c604 81e6fcaf0000 49 75e6 0f0b',
    7,
    { paging: true },
  ),
  // l: call f; int 20h; dec ecx; jnz l; ud2; f: push ebp; mov ebp,esp; push ecx; pop eax; pop ebp; ret; the handler: iret
  program(
    'calls',
    'calls, and interrupts from ring 3 to ring 0 and back',
    'e807000000 cd20 49 75f6 0f0b 55 89e5 51 58 5d c3',
    11,
    { paging: true },
  ),
  // fninit; fld1; l: fld qword [0A000h]; fmul st0,st1; fadd qword [0A008h]; fstp qword [0A010h]; dec ecx; jnz l
  program('x87', 'x87 arithmetic', 'dbe3 d9e8 dd0500a00000 d8c9 dc0508a00000 dd1d10a00000 49 75e9 0f0b', 6),
  // l: mov esi,0A000h; mov edi,0B000h; mov edx,ecx; mov ecx,1024; rep movsd; mov ecx,edx; dec ecx; jnz l
  program(
    'string',
    'REP MOVSD of a page; each double word counts',
    'be00a00000 bf00b00000 89ca b900040000 f3a5 89d1 49 75e8 0f0b',
    1024 + 7,
  ),
];
