// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, it } from 'vitest';
import { PAGE_SIZE, PhysicalMemory } from './memory.js';

const SIZE = 4 * PAGE_SIZE;

describe('physical memory', () => {
  it('is little-endian and needs no alignment', () => {
    const memory = new PhysicalMemory(SIZE);
    memory.write32(1, 0x44332211);
    expect([...memory.bytes.subarray(0, 6)]).toEqual([0, 0x11, 0x22, 0x33, 0x44, 0]);
    expect(memory.read16(2)).toBe(0x3322);
    expect(memory.read32(1)).toBe(0x44332211);
  });

  it('takes accesses that cross a page', () => {
    const memory = new PhysicalMemory(SIZE);
    memory.write32(PAGE_SIZE - 3, 0x44332211);
    memory.write16(2 * PAGE_SIZE - 1, 0x6655);
    expect(memory.read32(PAGE_SIZE - 3)).toBe(0x44332211);
    expect(memory.read16(2 * PAGE_SIZE - 1)).toBe(0x6655);
    expect([...memory.touchedPages()]).toEqual([0, 1, 2]);
  });

  it('answers with ones beyond its end and drops what is written there', () => {
    const memory = new PhysicalMemory(SIZE);
    memory.write32(SIZE - 2, 0x44332211);
    memory.write8(SIZE, 1);
    memory.write32(0xffffffff, 1);
    memory.load(SIZE - 1, Uint8Array.of(0x99, 0x99));
    memory.load(SIZE + PAGE_SIZE, Uint8Array.of(1));
    expect(memory.read32(SIZE - 2)).toBe(0xffff9911);
    expect(memory.read16(SIZE - 1)).toBe(0xff99);
    expect(memory.read8(SIZE)).toBe(0xff);
    expect(memory.read32(0xffffffff)).toBe(0xffffffff);
  });

  it('knows which pages were written, and clears those', () => {
    const memory = new PhysicalMemory(SIZE);
    memory.write8(3 * PAGE_SIZE, 1);
    memory.load(PAGE_SIZE - 1, Uint8Array.of(1, 2));
    expect([...memory.touchedPages()]).toEqual([0, 1, 3]);
    memory.clear();
    expect([...memory.touchedPages()]).toEqual([]);
    expect(memory.bytes.every((byte) => byte === 0)).toBe(true);
  });

  it('comes back to a content, and to another one', () => {
    const memory = new PhysicalMemory(SIZE);
    memory.write8(1, 0x11);
    memory.write8(PAGE_SIZE, 0x22);
    const one = memory.snapshot();
    memory.clear();
    memory.write8(2 * PAGE_SIZE, 0x33);
    const other = memory.snapshot();

    memory.restore(one);
    memory.write8(1, 0xff);
    memory.write8(3 * PAGE_SIZE, 0xff);
    memory.restore(one);
    expect(memory.touchedPages()).toEqual([]);
    expect(memory.snapshot()).toEqual(one);
    expect(memory.bytes.reduce((sum, byte) => sum + byte)).toBe(0x33);

    memory.restore(other);
    expect(memory.read8(2 * PAGE_SIZE)).toBe(0x33);
    expect(memory.bytes.reduce((sum, byte) => sum + byte)).toBe(0x33);
  });

  it('counts the writes near watched bytes, and no others', () => {
    const memory = new PhysicalMemory(SIZE);
    const { codeChanges } = memory;
    memory.watch(100, 3);
    const before = codeChanges.count;
    memory.write8(PAGE_SIZE, 1);
    memory.write32(192, 1);
    expect(codeChanges.count).toBe(before);
    memory.write8(102, 1);
    expect(codeChanges.count).toBe(before + 1);
    memory.write16(65, 1);
    expect(codeChanges.count).toBe(before + 2);
  });

  it('counts a write whose last byte alone is near watched bytes', () => {
    const memory = new PhysicalMemory(SIZE);
    memory.watch(128, 1);
    const before = memory.codeChanges.count;
    memory.write32(125, 0);
    expect(memory.codeChanges.count).toBe(before + 1);
  });

  it('watches bytes on both sides of a line', () => {
    const memory = new PhysicalMemory(SIZE);
    memory.watch(126, 4);
    const before = memory.codeChanges.count;
    memory.write8(64, 1);
    memory.write8(191, 1);
    expect(memory.codeChanges.count).toBe(before + 2);
  });

  it('counts content that comes at once: loaded, restored, cleared', () => {
    const memory = new PhysicalMemory(SIZE);
    const content = memory.snapshot();
    for (const change of [
      () => memory.load(0, new Uint8Array(1)),
      () => memory.restore(content),
      () => memory.clear(),
    ]) {
      const before = memory.codeChanges.count;
      change();
      expect(memory.codeChanges.count).toBeGreaterThan(before);
    }
  });
});
