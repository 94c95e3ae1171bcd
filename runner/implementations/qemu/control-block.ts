// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * Where things are in the RAM of the virtual machine. Cases own the memory from 0 up to `CONTROL`; the rest is
 * shared by the runner and the firmware, whose listing (loader.asm) has the same addresses.
 */
export const CONTROL = 0x0100_0000;
export const GENERATION = CONTROL + 0x000;
export const READY = CONTROL + 0x004;
export const PAGE_COUNT = CONTROL + 0x008;
/** CR2 and the three SYSENTER registers, which the state save area does not hold. */
export const GIVEN = CONTROL + 0x010;
export const FOUND = CONTROL + 0x020;
export const GIVEN_SAVE = CONTROL + 0x200;
export const FOUND_SAVE = CONTROL + 0x400;
export const PAGE_LIST = CONTROL + 0x1000;
/** The handler: SMBASE + ENTRY of the listing. */
export const HANDLER = CONTROL + 0x1_8000;
export const HANDLER_BYTES = 0x100;
export const STAGING = CONTROL + 0x10_0000;

/** The most memory that a case can have; `STAGING` has room for as much. */
export const CASE_BYTES = CONTROL;
export const RAM_BYTES = STAGING + CASE_BYTES;
export const PAGE_BYTES = 0x1000;

/** The firmware hides this part of RAM from the processor. */
export const ROM_WINDOW = { from: 0xf_0000, to: 0x10_0000 } as const;

/** Where the first SMI after a reset saves the state: RESET_BASE + SAVE_AREA of the listing. */
export const RESET_SAVE = 0x3_fe00;
