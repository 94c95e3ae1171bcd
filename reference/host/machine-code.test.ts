// SPDX-License-Identifier: GPL-2.0-or-later

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { assemble, LISTINGS, moduleText } from './assemble.js';
import { SWITCHER_IMAGE } from './switcher-image.js';

const hasNasm = spawnSync('nasm', ['-v']).status === 0;
if (!hasNasm)
  console.warn('nasm is missing: the listings are not compared with their bytes (apt-get install nasm)');

describe.skipIf(!hasNasm)('the checked-in bytes are those of the listing', () => {
  for (const listing of LISTINGS) {
    it(listing.source, () => {
      const checkedIn = readFileSync(new URL(listing.module, import.meta.url), 'utf8');
      const bytes = (text: string) => (text.match(/'[0-9a-f]+'/g) ?? []).join('').replaceAll("'", '');
      expect(bytes(checkedIn)).toBe(bytes(moduleText(listing, assemble(listing))));
    });
  }
});

describe('the Switcher', () => {
  it('fits in the one page that it is given', () => {
    expect(SWITCHER_IMAGE.text.length).toBeLessThanOrEqual(0x1000);
  });

  it('has a handler inside its text for each vector', () => {
    const start = SWITCHER_IMAGE.start_switcher_text;
    const end = start + SWITCHER_IMAGE.text.length;
    const handlers = [...SWITCHER_IMAGE.default_idt_entries];
    expect(handlers).toHaveLength(256);
    expect(handlers.every((address) => address > start && address < end)).toBe(true);
    expect(new Set(handlers).size).toBe(256);
  });
});
