// SPDX-License-Identifier: GPL-2.0-or-later

import { IDT_ENTRIES } from './layout.js';
import { SWITCHER_CODE } from './switcher-code.js';

/** Where switcher.asm is linked. */
const SWITCHER_LINK_ADDRESS = 0xc0540000;

/** The Switcher's listing: the text that is copied to the window, and the table of its handlers, as linked. */
export interface SwitcherImage {
  text: Uint8Array;
  start_switcher_text: number;
  switch_to_guest: number;
  default_idt_entries: Uint32Array;
}

export const SWITCHER_IMAGE: SwitcherImage = splitSwitcherCode();

function splitSwitcherCode(): SwitcherImage {
  const code = new Uint8Array(Buffer.from(SWITCHER_CODE, 'hex'));
  const textSize = code.length - IDT_ENTRIES * 4;
  const table = new DataView(code.buffer, textSize);
  return {
    text: code.subarray(0, textSize),
    start_switcher_text: SWITCHER_LINK_ADDRESS,
    switch_to_guest: SWITCHER_LINK_ADDRESS,
    default_idt_entries: Uint32Array.from({ length: IDT_ENTRIES }, (_, vector) =>
      table.getUint32(vector * 4, true),
    ),
  };
}
