// SPDX-License-Identifier: GPL-2.0-or-later

import type { NativeProcess } from './native-process.js';
import { type NativeRequest, type NativeResult, NO_LDT, PAGE } from './wire.js';

/** Stack page, with nothing mapped on either side of it, and what its words hold before. */
const STACK = 0x4000;
const CODE = 0x2000;
const BEFORE = 0xcccccccc;
/** Here and in the page after it nothing is mapped. */
const MISSING = 0x8000;

const LDT_CODE = 0x07;
const PAGE_FAULT = 14;
/** Flags of struct user_desc: a readable 32-bit code segment. */
const READABLE_CODE = 0x05;

/**
 * What this CPU has chosen where the architecture leaves it free (see spec/choices.md), found out by trying: the choices
 * cannot be known from the outside, and differ from model to model.
 */
export async function measuredChoices(running: NativeProcess): Promise<Record<string, string>> {
  const pushed = await running.run(probe([0x1e, 0xf4], STACK + PAGE)); // push ds; hlt
  const popa = await running.run(probe([0x61], STACK + PAGE - 8)); // two slots, then a missing page
  const pusha = await running.run(probe([0x60], STACK + 16)); // room for four slots
  const enter = await running.run(probe([0xc8, 0, 0, 2], STACK + PAGE)); // enter 0, 2: EBP 0 points nowhere
  const cmps = await running.run(probe([0xa7], STACK + PAGE, { esi: MISSING, edi: MISSING + PAGE }));
  const call = await running.run(callBeyondLimit());
  const farCall = await running.run(farCallBeyondLimit());
  const farReturn = await running.run(probe([0xcb], MISSING + PAGE - 4)); // retf
  const fstp1 = await running.run(probe(FSTP1_OF_EMPTY, STACK + PAGE));
  const alignment = await running.run(probe(UNALIGNED_ACCESS, STACK + PAGE));
  return {
    pushed_selector: wordAt(pushed, PAGE - 4) >>> 16 === 0 ? 'zero_extended' : 'unchanged',
    popa_fault: popa.registers.edi === BEFORE ? 'popped' : 'unchanged',
    pusha_fault: wordAt(pusha, 12) === BEFORE ? 'unchanged' : 'stored',
    enter_fault: wordAt(enter, PAGE - 4) === BEFORE ? 'unchanged' : 'stored',
    cmps_order: cmps.cr2 === MISSING ? 'source_first' : 'destination_first',
    branch_limit: wordAt(call, PAGE - 4) === BEFORE ? 'before_push' : 'after_push',
    far_call_limit: wordAt(farCall, PAGE - 4) === BEFORE ? 'before_push' : 'after_push',
    far_return_order: farReturn.cr2 === MISSING + PAGE ? 'offset_last' : 'offset_first',
    fstp1_empty: (fstp1.registers.eax & STACK_UNDERFLOW) === 0 ? 'pops' : 'underflow',
    alignment_order: alignment.vector === PAGE_FAULT ? 'page_first' : 'alignment_first',
  };
}

/** FNINIT; FSTP1; FNSTSW AX; and the bits of the status word, IE and SF, that an underflow of the stack sets. */
const FSTP1_OF_EMPTY = [0xdb, 0xe3, 0xd9, 0xd8, 0xdf, 0xe0, 0xf4];
const STACK_UNDERFLOW = 0x41;

/** PUSH 40202h; POPF; MOV EAX, [MISSING + 1]: AC is set, and the page is missing. */
const UNALIGNED_ACCESS = [0x68, 0x02, 0x02, 0x04, 0, 0x9d, 0xa1, (MISSING & 0xff) + 1, MISSING >> 8, 0, 0];

/** A word of the stack page after the run. A page that was not written holds what it held before. */
function wordAt(result: NativeResult, offset: number): number {
  const page = result.dirtyPages.find(({ physical }) => physical === STACK);
  return page === undefined ? BEFORE : Buffer.from(page.bytes).readUInt32LE(offset);
}

function probe(code: number[], esp: number, index = { esi: 0, edi: 0 }): NativeRequest {
  const zero = { eax: 0, ecx: 0, edx: 0, ebx: 0, ebp: 0 };
  return {
    registers: {
      ...zero,
      ...index,
      esp,
      eip: CODE,
      eflags: 0x202,
      es: 0x2b,
      cs: 0x23,
      ss: 0x2b,
      ds: 0x2b,
      fs: 0,
      gs: 0,
    },
    memorySize: STACK + PAGE,
    memory: [
      { at: CODE, bytes: Uint8Array.from(code) },
      { at: STACK, bytes: new Uint8Array(PAGE).fill(BEFORE & 0xff) },
    ],
    pages: [CODE, STACK].map((at) => ({ linear: at, physical: at, writable: true })),
    ldt: [],
    ldtLimit: NO_LDT,
  };
}

const LIMIT = CODE + PAGE - 1;
const LIMITED_CODE = { ldt: [{ number: 0, base: 0, limit: LIMIT, flags: READABLE_CODE }], ldtLimit: 0 };

/** A near CALL to the first byte behind the limit of its code segment. */
function callBeyondLimit(): NativeRequest {
  const displacement = LIMIT + 1 - (CODE + 5);
  const code = [0xe8, displacement & 0xff, displacement >> 8, 0, 0];
  const request = probe(code, STACK + PAGE);
  return { ...request, ...LIMITED_CODE, registers: { ...request.registers, cs: LDT_CODE } };
}

/** A far CALL to the first byte behind the limit of another code segment. */
function farCallBeyondLimit(): NativeRequest {
  const offset = LIMIT + 1;
  const code = [0x9a, offset & 0xff, offset >> 8, 0, 0, LDT_CODE, 0];
  return { ...probe(code, STACK + PAGE), ...LIMITED_CODE };
}
