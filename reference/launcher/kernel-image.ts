// SPDX-License-Identifier: GPL-2.0-or-later

/** Chapter 29: kernel images, ELF files and bzImages. */

import { LauncherError } from './launcher-error.js';

/** How an image is to be read; `auto`: an ELF file by its first bytes, else a bzImage. */
export const IMAGE_FORMATS = ['auto', 'elf', 'bzimage', 'flat'] as const;
export type ImageFormat = (typeof IMAGE_FORMATS)[number];

/** A run of bytes and the guest-physical address at which it belongs. */
export interface ImagePart {
  address: number;
  bytes: Uint8Array;
}

/** A kernel, ready to be copied into guest memory. */
export interface KernelImage {
  parts: ImagePart[];
  /** Guest-physical address of the first instruction. */
  start: number;
}

/** Where a kernel that does not say otherwise is loaded. */
const LOAD_ADDRESS = 0x100000;

/** The ELF header and its program headers, as far as the launcher reads them: offsets in bytes. */
const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];
const Elf = { type: 0x10, machine: 0x12, entry: 0x18, phoff: 0x1c, phentsize: 0x2a, phnum: 0x2c, size: 0x34 };
const ElfProgram = { type: 0x00, offset: 0x04, paddr: 0x0c, filesz: 0x10, size: 0x20 };
const ET_EXEC = 2;
const EM_386 = 3;
const PT_LOAD = 1;
const MOST_PROGRAM_HEADERS = 2048;

/** Of the header of a bzImage: offsets in bytes. */
const Header = { setupSects: 0x1f1, magic: 0x202, code32Start: 0x214, size: 0x1000 };
const HEADER_MAGIC = [0x48, 0x64, 0x72, 0x53];
const SECTOR_SIZE = 512;

/**
 * Reads an image (LAUNCH-10).
 * @param file the whole file
 */
export function readKernelImage(file: Uint8Array, format: ImageFormat = 'auto'): KernelImage {
  switch (format) {
    case 'auto':
      return hasBytes(file, 0, ELF_MAGIC) ? readElf(file) : readBzImage(file);
    case 'elf':
      return readElf(file);
    case 'bzimage':
      return readBzImage(file);
    case 'flat':
      return { parts: [{ address: LOAD_ADDRESS, bytes: file }], start: LOAD_ADDRESS };
  }
}

/** An ELF file: each segment goes to its physical address (LAUNCH-11 to LAUNCH-13). */
function readElf(file: Uint8Array): KernelImage {
  const view = viewOf(file);
  if (file.length < Elf.size || !isLoadable(view)) throw new LauncherError('Malformed elf header');
  const table = view.getUint32(Elf.phoff, true);
  const count = view.getUint16(Elf.phnum, true);
  if (table + count * ElfProgram.size > file.length) throw new LauncherError('Truncated elf file');
  const parts: ImagePart[] = [];
  for (let index = 0; index < count; index++) {
    const header = table + index * ElfProgram.size;
    if (view.getUint32(header + ElfProgram.type, true) !== PT_LOAD) continue; // LAUNCH-12
    const offset = view.getUint32(header + ElfProgram.offset, true);
    const size = view.getUint32(header + ElfProgram.filesz, true);
    if (offset + size > file.length) throw new LauncherError('Truncated elf file'); // LAUNCH-13
    parts.push({
      address: view.getUint32(header + ElfProgram.paddr, true),
      bytes: file.subarray(offset, offset + size),
    });
  }
  return { parts, start: view.getUint32(Elf.entry, true) };
}

/** LAUNCH-11. */
function isLoadable(view: DataView): boolean {
  const count = view.getUint16(Elf.phnum, true);
  return (
    view.getUint16(Elf.type, true) === ET_EXEC &&
    view.getUint16(Elf.machine, true) === EM_386 &&
    view.getUint16(Elf.phentsize, true) === ElfProgram.size &&
    count >= 1 &&
    count <= MOST_PROGRAM_HEADERS
  );
}

/** A bzImage: what follows the setup sectors goes to 1 MiB and unpacks itself there (LAUNCH-14 LAUNCH-15). */
function readBzImage(file: Uint8Array): KernelImage {
  if (file.length < Header.size || !hasBytes(file, Header.magic, HEADER_MAGIC)) {
    throw new LauncherError("This doesn't look like a bzImage to me");
  }
  const view = viewOf(file);
  const payload = (view.getUint8(Header.setupSects) + 1) * SECTOR_SIZE;
  if (payload >= file.length) throw new LauncherError('Truncated bzImage');
  return {
    parts: [{ address: LOAD_ADDRESS, bytes: file.subarray(payload) }],
    start: view.getUint32(Header.code32Start, true),
  };
}

function viewOf(file: Uint8Array): DataView {
  return new DataView(file.buffer, file.byteOffset, file.length);
}

function hasBytes(file: Uint8Array, at: number, bytes: readonly number[]): boolean {
  return bytes.every((byte, index) => file[at + index] === byte);
}
